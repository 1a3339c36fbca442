// SPDX-License-Identifier: BSD-2-Clause
/*
 * What programs tell of themselves (daemon/preload.h), in the table. Of such a process the start is
 * known in whole clock ticks only, so it is found by that; and where the kernel side tells of the
 * same one, there is one image of both.
 */
#include "daemon/live_ended.h"
#include "daemon/live_image.h"
#include "daemon/live_table.h"
#include "daemon/rules.h"

#include <search.h>

bool image_is_told(const struct image *image)
{
	return (image->exec ? image->exec->head.traits : image->s.traits) & TRAIT_TOLD;
}

void image_fill_exec(struct image *image, const struct event_exec *told)
{
	const uint32_t faults = EVENT_ARGV_FAULT | EVENT_ENV_FAULT;
	const struct event_exec *e = image->exec;
	bool argv = image->s.flags & EVENT_ARGV_FAULT, env = image->s.flags & EVENT_ENV_FAULT;
	struct event_exec *filled;

	image->s.awaits_objects = image->s.flags & (EVENT_OBJECTS_UNSEEN | EVENT_OBJECTS_FAULT);
	image->s.flags &= ~(EVENT_OBJECTS_UNSEEN | EVENT_OBJECTS_FAULT);
	if (!(image->s.flags & faults) || exec_verdict(e) == VERDICT_OPTED_OUT)
		return;
	filled = event_exec_filled(
		e, argv ? event_bytes(&told->head, told->argv) : event_bytes(&e->head, e->argv),
		env ? event_bytes(&told->head, told->env) : event_bytes(&e->head, e->env));
	if (!filled)
		return;
	image->s.flags = (image->s.flags & ~faults) |
			 (told->head.flags & (faults | EVENT_ARGV_CUT | EVENT_ENV_CUT));
	if (argv)
		filled->head.traits |=
			told->head.traits & (TRAIT_ARGV_SCRUBBED | TRAIT_ARGV_DROPPED);
	filled->head.flags = (filled->head.flags & ~faults) | (told->head.flags & faults);
	free(image->exec);
	image->exec = filled;
}

bool image_knows_mapping(const struct image *image, const struct event *e)
{
	bool is_told = e->traits & TRAIT_TOLD;

	if ((e->traits & TRAIT_SCANNED) || !image->exec)
		return false;
	if (!image_is_told(image))
		return is_told && !image->s.awaits_objects && !image->s.awaits_program;
	return !is_told || (image->object_count && image->objects[0]->kind != FACT_TOLD);
}

static bool is_same_path(const struct fact *a, const struct fact *b)
{
	struct bytes x = fact_path(a), y = fact_path(b);

	return x.len == y.len && !memcmp(x.data, y.data, x.len);
}

static bool has_before(const struct image *image, uint32_t count, const struct fact *fact)
{
	for (uint32_t i = 0; i < count; i++)
		if (is_same_path(image->objects[i], fact))
			return true;
	return false;
}

/* Told by the program, and read in /proc. */
static bool has_both_kinds(const struct image *image)
{
	uint32_t told = 0;

	for (uint32_t i = 0; i < image->object_count; i++)
		told += image->objects[i]->kind == FACT_TOLD;
	return told && told < image->object_count;
}

void image_drop_doubles(struct image *image, struct facts *facts)
{
	uint32_t kept = 0;

	if (!image_is_told(image) || !has_both_kinds(image))
		return;
	for (uint32_t i = 0; i < image->object_count; i++) {
		if (has_before(image, kept, image->objects[i]))
			facts_release(facts, image->objects[i]);
		else
			image->objects[kept++] = image->objects[i];
	}
	image->object_count = kept;
}

bool mapping_is_object(const struct event_mmap *e)
{
	return (e->head.traits & TRAIT_TOLD) && !(e->head.traits & TRAIT_SCANNED) && e->path.len;
}

struct fact *mapping_ask(const struct image *image, struct facts *facts, const struct event_mmap *e)
{
	struct bytes path = event_bytes(&e->head, e->path);
	struct note_ids notes = {};

	if (!mapping_is_object(e))
		return facts_file(facts, &e->file, path, e->head.pid, image->s.ppid);
	note_scan(event_bytes(&e->head, e->notes), __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__, &notes);
	return facts_told(facts, path, &notes, e->head.pid, image->s.ppid);
}

void live_each_told(const struct live *l, void (*each)(void *arg, const struct live_told *told),
		    void *arg)
{
	const struct process *p;

	TAILQ_FOREACH (p, &l->all, all) {
		const struct event_exec *e = p->image && !p->is_copy ? p->image->exec : NULL;
		struct live_told told = {.key = {p->start_ns, p->pid, p->exec_id},
					 .token = e ? e->token : 0,
					 .end_memory = e ? e->end_memory : 0,
					 .begin_ns = p->image ? p->image->s.begin_ns : p->fork_ns,
					 .uid = p->image ? p->image->s.uid : (uint32_t)-1,
					 .is_copy = p->is_copy};

		if (p->is_told)
			each(arg, &told);
	}
}

static uint64_t searched_tick_ns; /* tsearch passes no argument on */

/* The tree's order, but for what starts in the same tick. */
static int tick_compare(const void *a, const void *b)
{
	const struct process *x = a, *y = b;
	uint64_t x_tick = x->start_ns / searched_tick_ns, y_tick = y->start_ns / searched_tick_ns;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return x_tick < y_tick ? -1 : x_tick > y_tick;
}

bool live_has_ended(const struct live *l, uint32_t pid, uint64_t start_ns, uint64_t tick_ns)
{
	const struct ended_process *ended;

	for (uint32_t at = 0; (ended = ended_at(l->ended, at)); at++)
		if (ended->key.pid == pid &&
		    (!start_ns || ended->key.start_ns / tick_ns == start_ns / tick_ns))
			return true;
	return false;
}

struct process *process_find_told(const struct live *l, uint32_t pid, uint64_t start_ns)
{
	struct process key = {.pid = pid, .start_ns = start_ns}, **found;

	if (!l->told || !l->tick_ns)
		return NULL;
	searched_tick_ns = l->tick_ns;
	found = tfind(&key, &l->tree, tick_compare);
	return found && (*found)->is_told ? *found : NULL;
}

bool live_find(const struct live *l, uint32_t pid, uint64_t start_ns, uint64_t tick_ns,
	       struct live_found *ret)
{
	struct process key = {.pid = pid, .start_ns = start_ns}, **found;

	searched_tick_ns = tick_ns;
	found = tfind(&key, &l->tree, tick_compare);
	if (!found)
		return false;
	*ret = (struct live_found){.key = {(*found)->start_ns, (*found)->pid, (*found)->exec_id},
				   .next_exec_id = (*found)->next ? (*found)->next->s.key.exec_id
								  : (*found)->exec_id + 1,
				   .image = (*found)->image,
				   .is_copy = (*found)->is_copy,
				   .is_told = (*found)->is_told};
	return true;
}

void live_set_copies(struct live *l, const struct live_key *key, uint64_t forks,
		     const struct event_usage *usage, bool lacks)
{
	struct image *image = live_running(l, key);

	if (!image || !image_is_told(image))
		return;
	image->s.forks = forks;
	image->s.folded = *usage;
	image->s.copy_unseen = lacks;
	image->s.knows_forks = true;
}
