/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a linker read, from the file that its --dependency-file writes: a rule for make, then for
 * each input a rule without prerequisites, "path:" and an empty line. Only those are read: there a
 * path stands alone, so blanks and colons in it need no escape, and bfd, gold and mold write none.
 * lld does: "\ ", "\#", "$$" (and turns a backslash into a slash, for good).
 */
#pragma once

#include "common/util.h"

#define DEPFILE_MAX	 (32 * 1024 * 1024) /* bytes of the file that are read */
#define DEPFILE_PATH_MAX 4096		    /* a longer path is passed over */

/* path: NUL-terminated, valid during the call. False stops. */
typedef bool depfile_fn(void *arg, const char *path);

/* Calls fn for each input, in the linker's order. Number of inputs that were passed over. */
size_t depfile_each(struct bytes text, depfile_fn *fn, void *arg);
