// SPDX-License-Identifier: BSD-2-Clause
/* The table of processes itself: found, added, removed, asked. */
#include "daemon/live_table.h"
#include "daemon/live_ended.h"

#include <errno.h>
#include <search.h>

int live_new(struct facts *facts, struct live **ret)
{
	struct live *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->ended = ended_new();
	if (!l->ended) {
		free(l);
		return -ENOMEM;
	}
	l->facts = facts;
	TAILQ_INIT(&l->all);
	TAILQ_INIT(&l->finished);
	TAILQ_INIT(&l->young);
	*ret = l;
	return 0;
}

void live_set_tick(struct live *l, uint64_t tick_ns)
{
	l->tick_ns = tick_ns;
}

void live_set_begin(struct live *l, uint64_t begin_ns)
{
	l->begin_ns = begin_ns;
}

void live_set_clock(struct live *l, int64_t unix_minus_boot_ns)
{
	l->unix_minus_boot_ns = unix_minus_boot_ns;
}

static int process_compare(const void *a, const void *b)
{
	const struct process *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return x->start_ns < y->start_ns ? -1 : x->start_ns > y->start_ns;
}

struct process *process_find(const struct live *l, uint32_t pid, uint64_t start_ns)
{
	struct process key = {.pid = pid, .start_ns = start_ns}, **found;

	found = tfind(&key, &l->tree, process_compare);
	return found ? *found : NULL;
}

struct process *process_add(struct live *l, const struct event *e)
{
	struct process *p = NULL;

	if (l->counts.processes < LIVE_PROCESSES_MAX &&
	    (!l->max_bytes || l->counts.processes < l->max_bytes / PROCESS_COST))
		p = calloc(1, sizeof(*p));
	if (!p) {
		l->counts.full += e->kind == EVENT_FORK || e->kind == EVENT_EXEC;
		return NULL;
	}
	p->pid = e->pid;
	p->start_ns = e->start_ns;
	p->exec_id = e->exec_id;
	p->fork_ns = e->time_ns;
	if (!tsearch(p, &l->tree, process_compare)) {
		free(p);
		l->counts.full++;
		return NULL;
	}
	p->is_told = e->traits & TRAIT_TOLD;
	l->told += p->is_told;
	TAILQ_INSERT_TAIL(&l->all, p, all);
	l->counts.processes++;
	l->counts.bytes += PROCESS_COST;
	return p;
}

void process_leave_image(struct process *p)
{
	if (p->is_copy)
		TAILQ_REMOVE(&p->image->copies, p, copies);
	p->is_copy = false;
	p->image = NULL;
}

void process_remove(struct live *l, struct process *p)
{
	process_leave_image(p);
	if (p->next) {
		image_uncount(l, p->next);
		image_free(l->facts, p->next);
		l->counts.images--;
	}
	tdelete(p, &l->tree, process_compare);
	TAILQ_REMOVE(&l->all, p, all);
	l->told -= p->is_told;
	l->counts.processes--;
	l->counts.bytes -= PROCESS_COST;
	free(p);
}

struct image_list *live_finished(struct live *l)
{
	return &l->finished;
}

bool live_knows_program(const struct live *l, uint32_t pid, uint64_t start_ns)
{
	const struct process *p = process_find(l, pid, start_ns);

	return p && p->image && p->image->exec;
}

const struct image *live_image_of(const struct live *l, uint32_t pid, uint64_t start_ns)
{
	const struct process *p;

	if (start_ns) {
		p = process_find(l, pid, start_ns);
		return p ? p->image : NULL;
	}
	TAILQ_FOREACH_REVERSE (p, &l->all, process_list, all) /* the newest of that pid */
		if (p->pid == pid)
			return p->image;
	return NULL;
}

void live_counts(const struct live *l, struct live_counts *ret)
{
	*ret = l->counts;
}

void live_free(struct live *l)
{
	struct process *p;
	struct image *image;

	if (!l)
		return;
	while ((p = TAILQ_FIRST(&l->all))) {
		image = p->is_copy ? NULL : p->image;
		if (image) {
			struct process *copy;

			while ((copy = TAILQ_FIRST(&image->copies)))
				process_leave_image(copy);
			image_free(l->facts, image);
			p->image = NULL;
		}
		process_remove(l, p);
	}
	while ((image = TAILQ_FIRST(&l->finished))) {
		TAILQ_REMOVE(&l->finished, image, link);
		image_free(l->facts, image);
	}
	ended_free(l->ended);
	live_restored(l);
	free(l);
}

void live_each(struct live *l, void (*each)(void *arg, struct image *image), void *arg)
{
	struct process *p;

	TAILQ_FOREACH (p, &l->all, all)
		if (p->image && !p->is_copy)
			each(arg, p->image);
}

struct image *live_running(struct live *l, const struct live_key *key)
{
	struct process *p = process_find(l, key->pid, key->start_ns);

	return p && p->image && !p->is_copy && p->image->s.key.exec_id == key->exec_id ? p->image
										       : NULL;
}
