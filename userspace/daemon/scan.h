/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What runs already when tracking begins: made up from /proc as the events that would have told of
 * it. Only /proc itself is read; no file system of a user's is touched.
 */
#pragma once

#include "daemon/capture.h"
#include "daemon/scan_thread.h"
#include "daemon/tracker.h"

#define SCAN_TASKS_MAX (1u << 20) /* processes at one time */

struct scan_tasks {
	struct event_task *list; /* sorted by pid */
	size_t count;
	uint64_t mark_ns; /* CLOCK_BOOTTIME: what starts later tells of itself */
	uint64_t tick_ns; /* starts are known in ticks only; 0: exactly */
};

/* From now on events are sure to come, and those there are will be drained before scan_list(). */
void scan_mark(struct scan_tasks *tasks);
/* What runs now; capture NULL: as /proc has it, which knows starts in ticks of tick_ns and no
 * exec_id (0). 0 or negative errno. */
int scan_list(struct capture *capture, uint64_t tick_ns, struct scan_tasks *tasks);
void scan_done(struct scan_tasks *tasks);

/*
 * Tells the tracker of every process that it does not know and that started before the mark.
 * each: NULL, or called for every one that the tracker knows then; seen_ns: when /proc was read for
 * it, 0 if it was known before.
 */
void scan_tell(struct tracker *tracker, struct scanner *scanner, const struct scan_tasks *tasks,
	       void (*each)(void *arg, const struct event_task *task, uint64_t seen_ns), void *arg);
/* Fills list, unsorted, count and tick_ns. */
int scan_list_proc(struct scan_tasks *tasks, uint64_t tick_ns);
/* One process; -ESRCH if there is none of that pid. */
int scan_find_proc(uint32_t pid, uint64_t tick_ns, struct event_task *ret);
/* For live_reconcile(): arg is a struct scan_tasks. */
bool scan_is_alive(void *arg, uint32_t pid, uint64_t start_ns);
