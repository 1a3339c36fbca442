/* SPDX-License-Identifier: BSD-2-Clause */
/* One image, for live.c: made, told more, copied. */
#pragma once

#include "daemon/live.h"

/* An image that e tells of, with nothing but its key and times. NULL if memory ran out. */
struct image *image_new(const struct event *e, int64_t unix_minus_boot_ns);
/* The same program, objects included, in a copy of the process. */
struct image *image_clone(const struct image *image, const struct live_key *key, uint64_t fork_ns);

void image_set_exec(struct image *image, struct facts *facts, const struct event_exec *e,
		    enum live_origin origin);
void image_add_mapping(struct image *image, struct facts *facts, const struct event_mmap *e);
void image_set_exit(struct image *image, const struct event_exit *e);

/* At its end: asks for what no event told (the user; the program's notes where they were not in
 * memory). */
void image_ask_missing(struct image *image, struct facts *facts);

/* True if the state, which comes from a journal, can be believed. */
bool image_state_check(const struct live_image_state *state);

/* Adds what a copy has used. */
void usage_fold(struct event_usage *sum, const struct event_usage *more);
