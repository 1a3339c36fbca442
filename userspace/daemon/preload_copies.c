// SPDX-License-Identifier: BSD-2-Clause
/*
 * Forked copies of programs that told of themselves, where the connector tells of them
 * (daemon/ends.h). A copy says nothing itself; the program that it execs says what was used before,
 * which counts for what the copy was of, if both are the same user's.
 */
#include "daemon/preload_state.h"

static void tell(struct preload *p, const struct told *t, const struct forks_sum *sum)
{
	if (sum->since_ns && sum->since_ns <= t->begin_ns)
		live_set_copies(tracker_live(p->options.tracker), &t->key, sum->count, &sum->usage,
				sum->untold > 0);
}

void told_copies_end(struct preload *p, struct told *t)
{
	struct forks_sum sum = {.since_ns = t->end.forks_since_ns};

	forks_take(&t->end.forks, UINT64_MAX, &sum);
	tell(p, t, &sum);
}

void preload_copies_exec(struct preload *p, uint32_t pid, struct told *t, uint64_t time_ns)
{
	struct forks_sum sum = {};

	if (!p->options.ends)
		return;
	if (t && t->has_end) {
		sum.since_ns = t->end.forks_since_ns;
		forks_take(&t->end.forks, time_ns, &sum);
	} else {
		ends_forks(p->options.ends, pid, time_ns, &sum);
	}
	if (t)
		tell(p, t, &sum);
}

void preload_copy_used(struct preload *p, const struct event_exec *e)
{
	pid_t origin = 0;
	const struct told *of;

	if (p->options.ends)
		origin = ends_copy_of(p->options.ends, e->head.pid, e->head.time_ns);
	of = origin ? told_find(p, origin) : NULL;
	if (of && of->uid == e->uid && !(e->head.traits & TRAIT_USAGE_UNKNOWN))
		ends_copy_used(p->options.ends, e->head.pid, &e->before);
}
