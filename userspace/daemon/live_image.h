/* SPDX-License-Identifier: BSD-2-Clause */
/* One image, for live.c: made, told more, copied. */
#pragma once

#include "daemon/live.h"

/* An image that e tells of, with nothing but its key and times. NULL if memory ran out. */
struct image *image_new(const struct event *e, int64_t unix_minus_boot_ns);
/* The same program, objects included, in a copy of the process. */
struct image *image_clone(const struct image *image, const struct live_key *key, uint64_t fork_ns);

/* What an exec's event doesn't tell of its process, but what that ran before does. */
struct exec_past {
	struct event_usage used; /* since its fork */
	bool knows_used;
	uint32_t script_argument;
};
/* before: the image that the exec ends, NULL if it is a copy's or not known. */
void exec_past_of(const struct image *before, const struct event_exec *e, struct exec_past *ret);

/* Its parent has been set. */
void image_set_exec(struct image *image, struct facts *facts, const struct event_exec *e,
		    enum live_origin origin, const struct exec_past *past);
/* At its end. traits: of the event that tells it. */
void image_set_usage(struct image *image, const struct event_usage *usage, uint32_t traits);
void image_add_mapping(struct image *image, struct facts *facts, const struct event_mmap *e);
void image_set_exit(struct image *image, const struct event_exit *e);

/* A program that told of itself told of its objects, and of one that the kernel side told of only
 * those are taken that it could not see. */
bool image_knows_mapping(const struct image *image, const struct event *e);
/* Of what was told by several under different names, the first stays. */
void image_drop_doubles(struct image *image, struct facts *facts);
/* Told by the process: the notes are the mapped object's, not the program's. */
bool mapping_is_object(const struct event_mmap *e);
/* Asks for the mapped file's facts. */
struct fact *mapping_ask(const struct image *image, struct facts *facts,
			 const struct event_mmap *e);
/* Told by the process of an image that the kernel side told of: what that could not read. */
void image_fill_exec(struct image *image, const struct event_exec *told);

/* Asks for what no event told (the user; the program's notes where they were not in memory). */
void image_ask_missing(struct image *image, struct facts *facts);

/*
 * A loader that was exec'd by name (ld.so ./program) maps the program, which then is what the image
 * runs: its file, its notes. The loader becomes one of its objects (live_loader.c).
 */
bool image_is_loader(const struct image *image);
/* By its name alone. */
bool path_is_loader(struct bytes path);
/* True if the mapping was the program's. */
bool image_adopt_program(struct image *image, struct facts *facts, const struct event_mmap *e);

/* For live_loader.c. */
void image_set_notes(struct image *image, struct bytes notes);
bool image_add_object(struct image *image, struct fact *fact);
void image_ask_program(struct image *image, struct facts *facts);

/* The script that the image interprets, empty if none; also through env(1). */
struct bytes image_script(const struct image *image);
/* The same as an absolute path; without "." and empty parts. Not known: what the exec call named
 * can't be made absolute (as where the working directory isn't known), and is returned as it is. */
#define SCRIPT_PATH_MAX (2 * PATH_MAX_BYTES + 2)
struct bytes image_script_path(const struct image *image, char room[SCRIPT_PATH_MAX],
			       bool *ret_is_known);

/* True if the state, which comes from a journal, can be believed. */
bool image_state_check(const struct live_image_state *state);
