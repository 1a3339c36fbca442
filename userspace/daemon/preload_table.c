// SPDX-License-Identifier: BSD-2-Clause
/* The processes that told of themselves, by pid; and those that ended last. */
#include "daemon/preload_state.h"

#include <errno.h>

static struct told_list *bucket_of(struct preload *p, uint32_t pid)
{
	return &p->buckets[pid & (PRELOAD_BUCKETS - 1)];
}

struct told *told_find(struct preload *p, uint32_t pid)
{
	struct told *t;

	TAILQ_FOREACH (t, bucket_of(p, pid), bucket)
		if (t->key.pid == pid)
			return t;
	return NULL;
}

struct told *told_add(struct preload *p, const struct live_key *key)
{
	struct told *t = NULL;

	if (p->counts.processes < PRELOAD_PROCESSES_MAX)
		t = calloc(1, sizeof(*t));
	if (!t) {
		p->counts.full++;
		return NULL;
	}
	t->key = *key;
	t->file = -1;
	TAILQ_INSERT_HEAD(bucket_of(p, key->pid), t, bucket);
	p->counts.processes++;
	return t;
}

void told_remove(struct preload *p, struct told *t)
{
	TAILQ_REMOVE(bucket_of(p, t->key.pid), t, bucket);
	told_look_never(p, t);
	if (t->has_end)
		TAILQ_REMOVE(&p->ending, t, queue);
	else if (t->is_unwatched)
		TAILQ_REMOVE(&p->unwatched, t, queue);
	p->counts.processes--;
	facts_release(tracker_facts(p->options.tracker), t->memory);
	forks_free(t->end.forks);
	cleanup_close(&t->file);
	if (t->is_in_spool)
		told_file_remove(p, t->token);
	free(t);
}

void told_forget(struct preload *p, struct told *t)
{
	if (t->has_end)
		told_end(p, t);
	else
		live_gone(tracker_live(p->options.tracker), t->key.pid, t->key.start_ns);
	told_remove(p, t);
}

void told_lose(struct preload *p, struct told *t)
{
	t->is_lost_end = true;
	told_end(p, t);
	told_remove(p, t);
}

void told_watch(struct preload *p, struct told *t, int pidfd)
{
	int r = -ENOTSUP;

	if (p->options.watch)
		r = p->options.watch(p->options.watch_arg, t->key.pid, pidfd);
	else
		cleanup_close(&pidfd);
	if (!r || r == -ESRCH || t->has_end || t->is_unwatched)
		return;
	t->is_unwatched = true;
	p->counts.unwatched++;
	TAILQ_INSERT_TAIL(&p->unwatched, t, queue);
}

void ended_put(struct preload *p, const struct live_key *key, uint64_t token, uint64_t end_ns)
{
	p->ended[p->ended_next] = (struct told_ended){*key, token, end_ns};
	p->ended_next = (p->ended_next + 1) % PRELOAD_ENDED_MAX;
}

const struct told_ended *ended_get(const struct preload *p, uint32_t pid, uint64_t token)
{
	for (uint32_t i = 1; i <= PRELOAD_ENDED_MAX; i++) {
		const struct told_ended *e =
			&p->ended[(p->ended_next + PRELOAD_ENDED_MAX - i) % PRELOAD_ENDED_MAX];

		if (!e->key.pid)
			break;
		if (e->key.pid == pid && (!token || e->token == token))
			return e;
	}
	return NULL;
}

void preload_counts(const struct preload *p, struct preload_counts *ret)
{
	*ret = p->counts;
}
