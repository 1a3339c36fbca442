/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The threads that look (facts_lookup.h), and what keeps a place that does not answer from holding
 * up the others. A place is a file system or the name service.
 *
 * A lookup that has not come back after PLACE_SLOW_NS marks the place it is at: questions about it
 * wait aside, and its thread is replaced by another one, up to WORKERS_SPARE_MAX. After
 * PLACE_SILENT_NS they are answered without looking: unknown. When the lookup comes back the place
 * is trusted again. Users' names have a thread of their own, which is not replaced: who waits for
 * the name service would only wait beside it.
 */
#pragma once

#include "daemon/facts_lookup.h"

#define WORKERS_MAX	  64 /* [daemon] workers */
#define WORKERS_SPARE_MAX 16 /* threads for those that hang */
#define PLACE_SLOW_NS	  (250 * NS_PER_MS)
#define PLACE_SILENT_NS	  FACTS_PATIENCE_NS

struct question {
	struct question *next;
	struct fact *fact; /* held */
	struct lookup lookup;
};

struct workers;

/* count 0: nobody answers. */
int workers_new(unsigned int count, struct workers **ret);

/* False if there is nothing to wait for: the place does not answer. */
bool workers_place_answers(struct workers *workers, place_t place);
/* Takes the question over; workers_answered() gives it back. */
void workers_ask(struct workers *workers, struct question *question);
/* A question with its answer, or NULL. */
struct question *workers_answered(struct workers *workers);
/* Readable when there is one. */
int workers_fd(const struct workers *workers);

/* Looks for what hangs. Called now and then. */
void workers_watch(struct workers *workers);
/* Threads that hang now. */
uint32_t workers_stuck(struct workers *workers);
