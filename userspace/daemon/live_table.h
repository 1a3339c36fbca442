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
	bool is_dropped;	/* what it runs found no room, and is counted */
	bool is_told;		/* the kernel side doesn't know it */
	TAILQ_ENTRY(process) copies, all;
};

TAILQ_HEAD(process_list, process);

#define PROCESS_COST (sizeof(struct process) + 48) /* bytes, its place in the tree included */

struct live {
	struct facts *facts;
	void *tree; /* tsearch by (pid, start) */
	struct ended *ended;
	struct process_list all;
	struct image_list finished;
	struct image_list young; /* by when they began */
	struct live_counts counts;
	uint64_t tick_ns;
	uint32_t told; /* processes that the kernel side did not tell of */
	uint64_t max_bytes;
	struct saved_file *files; /* while a journal is read */
	size_t file_count, file_size;
	int64_t unix_minus_boot_ns;
	uint64_t begin_ns; /* of tracking */
};

struct process *process_find(const struct live *live, uint32_t pid, uint64_t start_ns);
/* One that told of itself and started in the same tick. */
struct process *process_find_told(const struct live *live, uint32_t pid, uint64_t start_ns);
/* One that e tells of. NULL if the table is full. */
struct process *process_add(struct live *live, const struct event *e);
/* It runs no image that is known any more. */
void process_leave_image(struct process *process);
/* It is gone, and what it was about to run too. Its image is somebody else's or has ended. */
void process_remove(struct live *live, struct process *process);
/* Its own image (not a copy's) goes to those that have ended. */
void process_end_image(struct live *live, struct process *process, enum live_end how,
		       uint64_t end_ns);

/* Its cost is counted anew: it is live, and may have changed. */
void image_count(struct live *live, struct image *image);
/* It is none of the live ones any more. */
void image_uncount(struct live *live, struct image *image);
/* Too much is live: of a new image only the head is kept. */
bool live_is_tight(const struct live *live);
/* Nothing new finds room. */
bool live_is_full(const struct live *live);
/* Its exec event is cut to what names the program and its job; objects go. */
void image_trim(struct live *live, struct image *image);

/* It is one of those that live_look() waits for, or is none any more. */
void image_is_new(struct live *live, struct image *image);
void image_grow_up(struct live *live, struct image *image);
