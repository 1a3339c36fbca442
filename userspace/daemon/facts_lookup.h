/* SPDX-License-Identifier: BSD-2-Clause */
/* One question as a worker has it: its own copy, so nothing is shared while it looks. */
#pragma once

#include "daemon/facts.h"

struct lookup {
	enum fact_kind kind;
	struct event_file file;
	char *path;
	uint32_t pids[2]; /* the process that has the file, and its parent; 0: none */
	uint32_t uid;
	bool found;
	const char *why;
	struct note_ids notes;
	char user[64];
};

int lookup_init(struct lookup *lookup, const struct fact *fact, const uint32_t pids[2]);
void lookup_done(struct lookup *lookup);
/* Looks; may block as long as the file system or the name service does. */
void lookup_run(struct lookup *lookup);
/* Writes what was found into the fact. */
void lookup_answer(const struct lookup *lookup, struct fact *fact);
