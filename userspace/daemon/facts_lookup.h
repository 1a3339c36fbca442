/* SPDX-License-Identifier: BSD-2-Clause */
/* One question as a worker has it: its own copy, so nothing is shared while it looks. */
#pragma once

#include "daemon/facts.h"

/* Where a lookup may hang: a file system, by its device as the kernel encodes it, a process's
 * memory, or the name service. */
typedef uint64_t place_t;
#define PLACE_NAMES UINT64_MAX
/* A process's memory: whoever maps or faults in it may hold its lock. Devices have 32 bits. */
#define PLACE_PROCESS(pid) (UINT64_C(1) << 32 | (pid))
/* That of all processes of a user: each could have its own lock kept. */
#define PLACE_USER(uid) (UINT64_C(2) << 32 | (uid))
/* Where only the way is: each step of it has its own place. */
#define PLACE_WAY (UINT64_C(3) << 32)

struct lookup {
	enum fact_kind kind;
	struct event_file file;
	char *path;
	uint32_t pids[2]; /* the process that has the file, and its parent; 0: none */
	uint32_t uid;
	place_t place; /* where it is asked: the file's own file system, or one on the way there */
	/* the answer */
	bool found;
	bool is_refused; /* nobody looked, since the place does not answer */
	bool is_denied;	 /* root may not open the file: what is known is from one process' memory */
	const char *why;
	struct note_ids notes;
	char user[64];
	char *real;
	int fd;		 /* its thread's, then ours; -1: none */
	bool has_passed; /* it is on its way to us */
	/* Called before each step that may hang at another place. False: it would. NULL: go on. */
	bool (*enter)(struct lookup *lookup, place_t place);
	void *enter_arg;
};

int lookup_init(struct lookup *lookup, const struct fact *fact, const uint32_t pids[2]);
void lookup_done(struct lookup *lookup);
/* Where a question about it is asked first. */
place_t fact_place(const struct fact *fact);
/* Why there is no answer from a place that does not give any. */
const char *place_is_silent(place_t place);
/* Looks; may block as long as the file system or the name service does. */
void lookup_run(struct lookup *lookup);
/* What was found goes to the fact. */
void lookup_answer(struct lookup *lookup, struct fact *fact);

/* For the ways of looking: NULL, or why it can't be gone on. */
/* What comes may hang at that place. */
const char *lookup_enter(struct lookup *lookup, place_t place);
/* The folder's file system, without asking it. */
place_t lookup_folder_place(int folder);
/* One part of a path, from a folder: some file systems are asked then, and ours not any more. */
const char *lookup_step(struct lookup *lookup, int folder, const char *name, int *ret);
