/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What runs already when tracking begins: made up from /proc as the events that would have told of
 * it. Only /proc itself is read; no file system of a user's is touched.
 */
#pragma once

#include "daemon/event.h"
#include "daemon/tracker.h"

/*
 * Tells the tracker of every process of tasks that it does not know and that started before before_ns
 * (CLOCK_BOOTTIME): the events of later ones are on their way. Number told.
 */
unsigned int scan_tell(struct tracker *tracker, const struct event_task *tasks, size_t count,
		       uint64_t before_ns);
