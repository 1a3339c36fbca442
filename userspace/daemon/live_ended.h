/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The processes that ended last. What is told of one again (an end that each of two last threads
 * tells, events told twice while the kernel side is replaced) must not begin a second image of it,
 * and who was started by one still has its run as a parent.
 */
#pragma once

#include "daemon/live.h"

#define ENDED_KEPT 4096 /* processes: the oldest is forgotten first */

struct ended_process { /* goes to the journal as it is (JOURNAL_ENDED) */
	struct live_key key;
	struct live_key run; /* a copy's is that of its origin; pid 0: not known */
};

struct ended;

struct ended *ended_new(void);
void ended_free(struct ended *ended);

/* One that is there already is replaced. */
void ended_add(struct ended *ended, const struct ended_process *process);
/* NULL if it isn't there. */
const struct ended_process *ended_find(const struct ended *ended, uint32_t pid, uint64_t start_ns);

/* The oldest is 0. NULL behind the youngest. */
const struct ended_process *ended_at(const struct ended *ended, uint32_t at);
