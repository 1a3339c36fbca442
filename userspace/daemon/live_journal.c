// SPDX-License-Identifier: BSD-2-Clause
/* The table to the journal and back: as the events that would make it, each image's state behind.
 */
#include "daemon/journal.h"
#include "daemon/live_ended.h"
#include "daemon/live_image.h"
#include "daemon/live_table.h"

/* An object as the event that told of it. */
static int object_save(const struct image *image, const struct fact *fact, live_writer writer,
		       void *arg)
{
	union {
		struct event_mmap e;
		char room[sizeof(struct event_mmap) + PATH_MAX_BYTES];
	} buffer = {.e = {.head = {.kind = EVENT_MMAP,
				   .time_ns = image->s.begin_ns,
				   .start_ns = image->s.key.start_ns,
				   .pid = image->s.key.pid,
				   .exec_id = image->s.key.exec_id}}};
	struct event_mmap *e = &buffer.e;
	size_t len = MIN(fact->path_len, (size_t)PATH_MAX_BYTES);

	e->file = fact->file;
	e->path = (struct span){sizeof(*e), len};
	e->notes = (struct span){sizeof(*e), 0};
	memcpy(buffer.room + sizeof(*e), fact->path, len);
	e->head.size = sizeof(*e) + len;
	return writer(arg, JOURNAL_EVENT, e, e->head.size);
}

int image_save(const struct image *image, live_writer writer, void *arg)
{
	int r = 0;

	if (image->exec) {
		r = writer(arg, JOURNAL_EVENT, image->exec, image->exec->head.size);
	} else {
		struct event_mmap none = {
			.head = {.kind = EVENT_MMAP,
				 .size = sizeof(none),
				 .time_ns = image->s.begin_ns,
				 .start_ns = image->s.key.start_ns,
				 .pid = image->s.key.pid,
				 .exec_id = image->s.key.exec_id},
			.path = {sizeof(none), 0},
			.notes = {sizeof(none), 0},
		};

		r = writer(arg, JOURNAL_EVENT, &none, sizeof(none));
	}
	for (uint32_t i = 0; !r && i < image->object_count; i++)
		r = object_save(image, image->objects[i], writer, arg);
	return r ? r : writer(arg, JOURNAL_IMAGE, &image->s, sizeof(image->s));
}

/* A process whose image another one's holds, or is not known. */
static int process_save(const struct process *p, live_writer writer, void *arg)
{
	struct live_process_state state = {
		.key = {p->start_ns, p->pid, p->exec_id},
		.parent = p->parent,
		.fork_ns = p->fork_ns,
	};

	if (p->is_copy)
		state.run = p->image->s.key;
	return writer(arg, JOURNAL_PROCESS, &state, sizeof(state));
}

static int ended_save(const struct live *l, live_writer writer, void *arg)
{
	const struct ended_process *ended;
	int r = 0;

	for (uint32_t at = 0; !r && (ended = ended_at(l->ended, at)); at++)
		r = writer(arg, JOURNAL_ENDED, ended, sizeof(*ended));
	return r;
}

/* Finished images first: what a process ran before stands before what it runs now, and that before
 * what it is about to run. What has ended stands behind the images of it, which it would forbid. */
int live_save(const struct live *l, live_writer writer, void *arg)
{
	const struct image *image;
	const struct process *p;
	int r;

	TAILQ_FOREACH (image, &l->finished, link)
		if ((r = image_save(image, writer, arg)))
			return r;
	r = ended_save(l, writer, arg);
	if (r)
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

struct image *live_take(struct live *l, const struct live_key *key)
{
	struct image *image;

	/* from the end: the first ones may be of groups, and stay long */
	TAILQ_FOREACH_REVERSE (image, &l->finished, image_list, link) {
		if (!key_is_equal(&image->s.key, key))
			continue;
		TAILQ_REMOVE(&l->finished, image, link);
		return image;
	}
	return NULL;
}

void live_forget(struct live *l, const struct live_key *key)
{
	image_free(l->facts, live_take(l, key));
}

void live_restore_process(struct live *l, const struct live_process_state *state)
{
	const struct live_key *key = &state->key, *run = &state->run;
	struct event e = {.kind = EVENT_FORK,
			  .time_ns = state->fork_ns,
			  .start_ns = key->start_ns,
			  .pid = key->pid,
			  .exec_id = key->exec_id};
	struct process *p, *origin = process_find(l, run->pid, run->start_ns);

	if (process_find(l, key->pid, key->start_ns))
		return;
	p = process_add(l, &e);
	if (!p)
		return;
	p->parent = state->parent;
	if (!origin || origin->is_copy || !origin->image ||
	    !key_is_equal(&origin->image->s.key, run))
		return;
	p->image = origin->image;
	p->is_copy = true;
	TAILQ_INSERT_TAIL(&p->image->copies, p, copies);
}

void live_restore_ended(struct live *l, const struct ended_process *ended)
{
	ended_add(l->ended, ended);
}
