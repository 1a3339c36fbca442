/* SPDX-License-Identifier: BSD-2-Clause */
/* The writer's insides, which writer.c (the daemon's side) and writer_thread.c share. */
#pragma once

#include "daemon/spool.h"
#include "daemon/writer.h"

#include <pthread.h>

struct item {
	TAILQ_ENTRY(item) link;
	enum writer_kind kind;
	void *what;    /* an image, a group, or a record's tag for its owner */
	cJSON *record; /* of WRITER_RECORD, of this kind */
	char record_kind[16];
};
TAILQ_HEAD(item_list, item);

struct writer {
	const struct config *config;
	const struct node *node;
	struct spool *spool; /* the thread's own */
	uint64_t swept_boot_ns, followed_boot_ns;
	uint64_t swept_bytes, swept_written; /* the spool's size then, and what had been written */
	bool is_stuck;			     /* it did not end: what it has is its own for ever */
	bool is_watched;		     /* tail, as it was when the batch was taken */
	struct losses losses_at_work;
	pthread_t thread;
	int event_fd;
	/* under lock */
	pthread_mutex_t lock;
	pthread_cond_t put;
	struct item_list items;
	struct item_list written;
	struct losses losses;
	struct writer_status status;
	uint64_t closed;
	uint64_t returned, collected; /* items, ever */
	bool tail, stop;
	char *lines;
	size_t lines_len;
};

static inline void item_free(struct item *item)
{
	cJSON_Delete(item->record);
	free(item);
}

/* The thread: arg is the writer. Returns a negative errno as a pointer's value, or NULL. */
void *writer_thread(void *arg);
