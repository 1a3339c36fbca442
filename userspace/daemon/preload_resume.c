// SPDX-License-Identifier: BSD-2-Clause
/* Programs that told of themselves before: to the daemon before this one, or to whom the scan of
 * /proc has found. They are watched from now on. */
#include "daemon/preload_state.h"

static void resume_one(void *arg, const struct live_told *told)
{
	struct preload *p = arg;
	struct told *t = told_find(p, told->key.pid) ? NULL : told_add(p, &told->key);

	if (!t)
		return;
	t->begin_ns = told->begin_ns;
	t->token = told->token;
	t->uid = told->uid;
	t->is_copy = told->is_copy;
	t->has_start = true;
	t->end_memory = told->end_memory;
}

void preload_adopt(struct preload *p, uint32_t pid, uint64_t start_ns, uint64_t seen_ns)
{
	struct live_found found;
	struct told *t;

	if (told_find(p, pid) || !live_find(tracker_live(p->options.tracker), pid, start_ns,
					    p->options.node->tick_ns, &found))
		return;
	t = told_add(p, &found.key);
	if (!t)
		return;
	t->begin_ns = found.image ? found.image->s.begin_ns : seen_ns;
	t->uid = found.image ? found.image->s.uid : (uint32_t)-1;
	t->is_copy = found.is_copy;
	t->has_start =
		found.key.start_ns % p->options.node->tick_ns == 0; /* not the kernel side's */
	t->seen_ns = seen_ns;
	t->end_memory = 1; /* what it has opened since is not known */
	told_watch(p, t, -1);
}

unsigned int preload_resume(struct preload *p)
{
	struct told *t, *next;
	uint64_t start_ns;
	uint32_t ppid;

	live_each_told(tracker_live(p->options.tracker), resume_one, p);
	for (size_t i = 0; i < PRELOAD_BUCKETS; i++) {
		for (t = TAILQ_FIRST(&p->buckets[i]); t; t = next) {
			struct run_read m = {.end_memory = {t->end_memory, RUN_END_AREA}};

			next = TAILQ_NEXT(t, bucket);
			if (!preload_look_stat(t->key.pid, p->options.node->tick_ns, &ppid,
					       &start_ns) ||
			    start_ns != t->key.start_ns) {
				told_forget(p, t);
				continue;
			}
			if (t->end_memory > 1)
				told_open_end(p, t, &m);
			told_watch(p, t, -1);
		}
	}
	return p->counts.processes;
}
