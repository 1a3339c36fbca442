/* SPDX-License-Identifier: BSD-2-Clause */
/* The table's insides, which live_table.c (the table itself), live.c (events) and live_journal.c
 * (saving) share. */
#pragma once

#include "daemon/live.h"

struct process {
	uint64_t start_ns;
	uint32_t pid;
	uint32_t exec_id;
	uint64_t fork_ns;
	struct live_key parent; /* who forked it, as it was then; pid 0: not known */
	struct image *image;	/* NULL: not known */
	struct image *next;	/* told of by mappings, its exec to come */
	bool is_copy;		/* of image's process */
	TAILQ_ENTRY(process) copies, all;
};

TAILQ_HEAD(process_list, process);

struct live {
	struct facts *facts;
	void *tree; /* tsearch by (pid, start) */
	struct ended *ended;
	struct process_list all;
	struct image_list finished;
	struct image_list young; /* by when they began */
	struct live_counts counts;
	int64_t unix_minus_boot_ns;
	uint64_t begin_ns; /* of tracking */
};

struct process *process_find(const struct live *live, uint32_t pid, uint64_t start_ns);
/* One that e tells of. NULL if the table is full. */
struct process *process_add(struct live *live, const struct event *e);
/* It runs no image that is known any more. */
void process_leave_image(struct process *process);
/* It is gone, and what it was about to run too. Its image is somebody else's or has ended. */
void process_remove(struct live *live, struct process *process);
/* Its own image (not a copy's) goes to those that have ended. */
void process_end_image(struct live *live, struct process *process, enum live_end how,
		       uint64_t end_ns);

/* It is one of those that live_look() waits for, or is none any more. */
void image_is_new(struct live *live, struct image *image);
void image_grow_up(struct live *live, struct image *image);
