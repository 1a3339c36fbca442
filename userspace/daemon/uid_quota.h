/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How much each user may send in a time: users' programs talk to a daemon that runs as root, so
 * nobody may take its memory, its spool or the others' share. A window of fixed length for each
 * uid, in a table of fixed size; uids that find no place in it share one.
 */
#pragma once

#include "common/util.h"

#include <sys/types.h>

#define UID_QUOTA_USERS 1024 /* with a window of their own at one time */

struct uid_quota_limits {
	uint64_t window_ns;
	uint64_t messages, bytes; /* in a window */
};

struct uid_quota;

struct uid_quota *uid_quota_new(const struct uid_quota_limits *limits); /* NULL: no memory */
void uid_quota_free(struct uid_quota *quota);

/* True, and charged, if uid may send bytes more. now_ns: monotonic. */
bool uid_quota_take(struct uid_quota *quota, uid_t uid, size_t bytes, uint64_t now_ns);
