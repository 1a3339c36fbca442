/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Secrets in command lines, replaced before anything keeps them (runmark.conf(5), [privacy]).
 *
 * What is replaced: values of options and variables whose name says so ("--db-password X",
 * "API_TOKEN=X", "Authorization: X"), what some programs take under a short name ("mysql -pX"), the
 * password in a URL, and what has a well-known form of its own (JWT, "ghp_...", private keys). An
 * argument that holds a line of words of its own ("sh -c '...'", JSON) is looked into by the same
 * rules. The number of arguments stays, and so does every byte of what is not replaced.
 *
 * It is a net with meshes, not a wall: a secret without a name or a form is not known as one.
 * Arguments are hostile: time is linear in their bytes, and nothing is looked up or compiled.
 */
#pragma once

#include "common/config.h"

#define SCRUB_MARK     "[scrubbed]"
#define SCRUB_NAME_MAX 128 /* bytes of a name; of a longer one its last are looked at */

struct scrub; /* for one thread */

/* names: globs of more options and variables whose value is secret, whatever the case of letters.
 * Must outlive *ret. */
int scrub_new(const struct config_list *names, struct scrub **ret);
void scrub_free(struct scrub *scrub);

/*
 * Copies argv, strings with a NUL behind each (the last may lack its own), to out, which has room
 * for MAX(limit, argv.len) bytes; no more are written: where the mark does not fit, it is "*".
 * Returns the bytes. ret_is_changed: something was replaced.
 */
size_t scrub_argv(struct scrub *scrub, struct bytes argv, char *out, size_t limit,
		  bool *ret_is_changed);

/* The same, an argument at a time: begin a command line, then give each argument in turn. What is
 * returned is the argument itself or, if something in it was replaced, good until the next call. */
void scrub_begin(struct scrub *scrub);
struct bytes scrub_argument(struct scrub *scrub, struct bytes argument);
