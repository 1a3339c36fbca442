// SPDX-License-Identifier: BSD-2-Clause
/* The table to the journal and back: as the events that would make it, each image's state behind.
 */
#include "daemon/journal.h"
#include "daemon/live_image.h"
#include "daemon/live_table.h"

/* A process whose image another one's holds, or is not known. */
static int process_save(const struct process *p, live_writer writer, void *arg)
{
	struct event_fork fork = {
		.head = {.kind = EVENT_FORK,
			 .size = sizeof(fork),
			 .time_ns = p->fork_ns,
			 .start_ns = p->start_ns,
			 .pid = p->pid,
			 .exec_id = p->exec_id},
	};

	if (p->is_copy) {
		fork.parent_pid = p->image->s.key.pid;
		fork.parent_start_ns = p->image->s.key.start_ns;
		fork.parent_exec_id = p->image->s.key.exec_id;
	}
	return writer(arg, JOURNAL_EVENT, &fork, sizeof(fork));
}

/* Finished images first: what a process ran before stands before what it runs now, and that before
 * what it is about to run. */
int live_save(const struct live *l, live_writer writer, void *arg)
{
	const struct image *image;
	const struct process *p;
	int r = 0;

	TAILQ_FOREACH (image, &l->finished, link)
		if ((r = image_save(image, writer, arg)))
			return r;
	TAILQ_FOREACH (p, &l->all, all)
		if (p->image && !p->is_copy && (r = image_save(p->image, writer, arg)))
			return r;
	TAILQ_FOREACH (p, &l->all, all)
		if ((p->is_copy || !p->image) && (r = process_save(p, writer, arg)))
			return r;
	TAILQ_FOREACH (p, &l->all, all)
		if (p->next && (r = image_save(p->next, writer, arg)))
			return r;
	return 0;
}

static bool key_is_equal(const struct live_key *a, const struct live_key *b)
{
	return a->pid == b->pid && a->start_ns == b->start_ns && a->exec_id == b->exec_id;
}

void live_restore(struct live *l, const struct live_image_state *state)
{
	struct process *p = process_find(l, state->key.pid, state->key.start_ns);

	if (!p || !image_state_check(state))
		return;
	if (p->next && key_is_equal(&p->next->s.key, &state->key)) {
		if (state->end == END_NONE)
			p->next->s = *state;
		return;
	}
	if (!p->image || p->is_copy || !key_is_equal(&p->image->s.key, &state->key))
		return;
	p->image->s = *state;
	if (state->end == END_NONE)
		return;
	process_end_image(l, p, state->end, state->end_ns);
	if (state->end != END_EXEC)
		process_remove(l, p);
}

void live_forget(struct live *l, const struct live_key *key)
{
	struct image *image, *next;

	for (image = TAILQ_FIRST(&l->finished); image; image = next) {
		next = TAILQ_NEXT(image, link);
		if (!key_is_equal(&image->s.key, key))
			continue;
		TAILQ_REMOVE(&l->finished, image, link);
		image_free(l->facts, image);
	}
}
