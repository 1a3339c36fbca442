/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Response files: an argument @FILE stands for the arguments in FILE, nested ones too. Read only to
 * know what the line says; the real linker gets its arguments as they came and reads the files
 * itself. The rules are those of libiberty's expandargv(), which bfd and gold use: blanks separate;
 * ', " and \ quote; a file that can't be opened leaves the argument as it is.
 */
#pragma once

#include "common/util.h"

#define RESPONSE_FILES_MAX 64		      /* files in one line, nested ones counted */
#define RESPONSE_BYTES_MAX (16 * 1024 * 1024) /* bytes of all of them */

/* Content of a response file, NUL behind it, freed by the caller; or negative errno. */
typedef int response_read_fn(void *arg, const char *path, char **ret, size_t *ret_len);

struct response {
	const char **tokens; /* count of them; into argv and texts */
	size_t count, allocated;
	char *texts[RESPONSE_FILES_MAX];
	size_t text_count;
	size_t bytes;
};

/*
 * The arguments argv[1] .. argv[argc - 1], response files filled in. 0, -E2BIG over a limit (also
 * LDARGS_TOKENS_MAX), -ENOMEM, or what read returned if that was neither -ENOENT nor -EACCES (the
 * argument then stays as it is). response_done() in every case.
 */
int response_expand(int argc, char *const *argv, response_read_fn *read, void *arg,
		    struct response *response);
void response_done(struct response *response);

/* Reads regular files only. */
int response_read_file(void *arg, const char *path, char **ret, size_t *ret_len);
