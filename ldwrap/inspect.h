/* SPDX-License-Identifier: BSD-2-Clause */
/* A look at the files around a link, before it: what the command line alone doesn't tell. */
#pragma once

#include "ldargs.h"

#include <sys/stat.h>

#define INSPECT_SCRIPTS_MAX	 64    /* inputs that are no object by their name */
#define INSPECT_SCRIPT_BYTES_MAX 65536 /* of each */

/* What an input file is. */
enum input_kind { INPUT_OBJECT, INPUT_ARCHIVE, INPUT_SHARED, INPUT_SCRIPT, INPUT_OTHER };
extern const char *const input_kind_names[]; /* as in link records */

/* By its name where that is beyond doubt (.o, .a), else by its first bytes: then *ret_fd is the
 * open file, which the caller closes. */
enum input_kind inspect_input(const char *path, int *ret_fd);

/* A file as it was at one moment; all zeros if there was none. */
struct file_state {
	struct stat st;
};

/* NULL, or a phrase that says why the link is better done plainly. *ret_output: the output before
 * the link. */
const char *inspect_link(const char *const *tokens, size_t count, const struct ldargs *args,
			 struct file_state *ret_output);

/* True if the open file is the one of before, not written since. */
bool inspect_is_unchanged(const struct file_state *before, int fd);
