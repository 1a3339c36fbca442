/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A link record as a user's program sent it, made fit for the spool. The message is hostile until
 * proven otherwise: only the fields of one table are taken over, each checked for its form and
 * size; what is refused is null in the record and named in its "incomplete". Who sent it is what
 * the kernel says, never what it says.
 */
#pragma once

#include "common/record.h"

#include <sys/types.h>

#define LINK_TEXT_MAX	    16384 /* bytes of one text: a path, a version */
#define LINK_MODULES_MAX    65536
#define LINK_ARGUMENTS_MAX  200000 /* members of a command line */
#define LINK_COMPILERS_MAX  1000
#define LINK_INPUTS_MAX	    20000
#define LINK_SYMBOLS_MAX    10000
#define LINK_INCOMPLETE_MAX 64

/*
 * The record, without what only the daemon knows (seq, host, cluster, boot_id, user, job). pid 0:
 * not known. The caller deletes *ret. 0; -EINVAL, -E2BIG, -ELOOP if it isn't JSON or no link record
 * (link_id, output, linker and time are the least); -ENOMEM.
 */
int link_record_make(struct bytes message, uid_t uid, gid_t gid, pid_t pid, cJSON **ret);
