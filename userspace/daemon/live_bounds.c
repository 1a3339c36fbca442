// SPDX-License-Identifier: BSD-2-Clause
/* What keeps the table within bounds of time and memory. */
#include "daemon/live_image.h"
#include "daemon/live_table.h"

#define TRIMMED_TEXT 256  /* bytes left of a path, or of the arguments */
#define TRIMMED_JOB  1024 /* of a control group: it names the job */

void live_set_max(struct live *l, uint64_t max_bytes)
{
	l->max_bytes = max_bytes;
}

static uint64_t live_bytes(const struct live *l)
{
	return l->counts.bytes + facts_bytes(l->facts);
}

bool live_is_tight(const struct live *l)
{
	return l->max_bytes && live_bytes(l) > l->max_bytes / 2;
}

bool live_is_full(const struct live *l)
{
	return l->max_bytes && live_bytes(l) > l->max_bytes;
}

void image_count(struct live *l, struct image *image)
{
	uint32_t cost = sizeof(*image) + (image->exec ? image->exec->head.size : 0) +
			image->object_size * sizeof(*image->objects) +
			(image->job && image->job->users == 1 ? sizeof(*image->job) : 0);

	l->counts.bytes += cost - (uint64_t)image->cost;
	image->cost = cost;
}

void image_uncount(struct live *l, struct image *image)
{
	l->counts.bytes -= image->cost;
	image->cost = 0;
}

/* A span of from to to, cut: true if it was. */
static bool span_trim(const struct event_exec *from, struct span old, struct event_exec *to,
		      struct span *ret, uint32_t max)
{
	uint32_t len = MIN(old.len, max);

	*ret = (struct span){to->head.size, len};
	memcpy((char *)to + to->head.size, (const char *)from + old.off, len);
	to->head.size += (len + 7) & ~7U;
	return len < old.len;
}

void image_trim(struct live *l, struct image *image)
{
	const struct event_exec *old = image->exec;
	struct event_exec *e;

	if (!old || image->s.is_trimmed)
		return;
	e = calloc(1, sizeof(*e) + 5 * TRIMMED_TEXT + 2 * TRIMMED_JOB);
	if (!e)
		return;
	memcpy(e, old, sizeof(*e));
	e->head.size = sizeof(*e);
	if (span_trim(old, old->exe, e, &e->exe, TRIMMED_TEXT))
		image->s.flags |= EVENT_EXE_CUT;
	if (span_trim(old, old->requested, e, &e->requested, TRIMMED_TEXT))
		image->s.flags |= EVENT_REQUESTED_CUT;
	span_trim(old, old->interp, e, &e->interp, TRIMMED_TEXT);
	if (span_trim(old, old->cwd, e, &e->cwd, TRIMMED_TEXT))
		image->s.flags |= EVENT_CWD_CUT;
	if (span_trim(old, old->cgroup, e, &e->cgroup, TRIMMED_JOB))
		image->s.flags |= EVENT_CGROUP_CUT;
	if (span_trim(old, old->cgroup_v1, e, &e->cgroup_v1, TRIMMED_JOB))
		image->s.flags |= EVENT_CGROUP_CUT;
	span_trim(old, old->argv, e, &e->argv, TRIMMED_TEXT);
	e->env = (struct span){e->head.size, 0};
	free(image->exec);
	image->exec = realloc(e, e->head.size) ?: e;
	image->s.is_trimmed = image->s.lacks_objects = true;
	while (image->object_count)
		facts_release(l->facts, image->objects[--image->object_count]);
	free(TAKE_PTR(image->objects));
	image->object_size = 0;
	l->counts.trimmed++;
}

/* What the process runs goes. */
static void process_drop(struct live *l, struct process *p)
{
	struct image *image = p->image;
	struct process *copy;

	while ((copy = TAILQ_FIRST(&image->copies))) {
		process_leave_image(copy);
		copy->is_dropped = true;
	}
	image_grow_up(l, image);
	image_uncount(l, image);
	image_free(l->facts, image);
	p->image = NULL;
	p->is_dropped = true;
	l->counts.images--;
	l->counts.full++;
}

void live_shrink(struct live *l)
{
	struct process *p;

	TAILQ_FOREACH (p, &l->all, all) {
		if (!live_is_tight(l))
			return;
		if (!p->image || p->is_copy)
			continue;
		image_trim(l, p->image);
		image_count(l, p->image);
	}
	TAILQ_FOREACH_REVERSE (p, &l->all, process_list, all)
		if (live_is_tight(l) && p->image && !p->is_copy)
			process_drop(l, p);
}

void image_is_new(struct live *l, struct image *image)
{
	image->is_young = true;
	TAILQ_INSERT_TAIL(&l->young, image, young);
}

void image_grow_up(struct live *l, struct image *image)
{
	if (image->is_young)
		TAILQ_REMOVE(&l->young, image, young);
	image->is_young = false;
}

/* While it runs: objects that could not be looked at are asked for again. Whoever asked first may
 * have been gone by then. */
static void image_ask_again(struct image *image, struct facts *facts)
{
	for (uint32_t i = 0; i < image->object_count; i++) {
		struct fact *old = image->objects[i], *fact;

		if (old->state != FACT_UNKNOWN)
			continue;
		fact = facts_file(facts, &old->file, (struct bytes){old->path, old->path_len},
				  image->s.key.pid, image->s.parent.pid);
		if (!fact)
			continue;
		image->objects[i] = fact;
		facts_release(facts, old);
	}
}

void live_look(struct live *l, uint64_t now_ns)
{
	struct image *image;

	while ((image = TAILQ_FIRST(&l->young)) && image->s.begin_ns + LIVE_YOUNG_NS <= now_ns) {
		image_grow_up(l, image);
		image_ask_missing(image, l->facts);
		image_ask_again(image, l->facts);
	}
}
