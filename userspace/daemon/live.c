// SPDX-License-Identifier: BSD-2-Clause
/* The table of processes, and what each kind of event does to it (live_image.c: to one image). */
#include "daemon/live_table.h"
#include "daemon/live_image.h"

#include <errno.h>
#include <search.h>

int live_new(struct facts *facts, struct live **ret)
{
	struct live *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->facts = facts;
	TAILQ_INIT(&l->all);
	TAILQ_INIT(&l->finished);
	*ret = l;
	return 0;
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

/* NULL if the table is full. */
static struct process *process_add(struct live *l, const struct event *e)
{
	struct process *p = NULL;

	if (l->counts.processes < LIVE_PROCESSES_MAX)
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
	TAILQ_INSERT_TAIL(&l->all, p, all);
	l->counts.processes++;
	return p;
}

static void process_leave_image(struct process *p)
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
		image_free(l->facts, p->next);
		l->counts.images--;
	}
	tdelete(p, &l->tree, process_compare);
	TAILQ_REMOVE(&l->all, p, all);
	l->counts.processes--;
	free(p);
}

static struct image *image_begin(struct live *l, const struct event *e)
{
	struct image *image = image_new(e, l->unix_minus_boot_ns);

	if (image)
		l->counts.images++;
	else
		l->counts.full++;
	return image;
}

/* The image's own process leaves it. Copies that live on become images of their own. */
static void image_finish(struct live *l, struct image *image)
{
	struct process *copy;

	while ((copy = TAILQ_FIRST(&image->copies))) {
		struct live_key key = {copy->start_ns, copy->pid, copy->exec_id};

		TAILQ_REMOVE(&image->copies, copy, copies);
		copy->is_copy = false;
		copy->image = image_clone(image, &key, copy->fork_ns);
		if (copy->image)
			l->counts.images++;
	}
	l->counts.images--;
	TAILQ_INSERT_TAIL(&l->finished, image, link);
}

void process_end_image(struct live *l, struct process *p, enum live_end how, uint64_t end_ns)
{
	struct image *image = p->image;

	if (!image)
		return;
	process_leave_image(p);
	image->s.end = how;
	image->s.end_ns = end_ns;
	image_ask_missing(image, l->facts);
	image_finish(l, image);
}

static void count_unseen_exec(struct live *l, const struct process *p)
{
	if (!p->image->exec && p->start_ns >= l->begin_ns)
		l->counts.unseen_execs++;
}

/* The process has exec'd: what it ran till now is over. before: its usage till then, or NULL. */
static void process_leave_by_exec(struct live *l, struct process *p, uint64_t time_ns,
				  uint32_t traits, const struct event_usage *before)
{
	if (!p->image)
		return;
	if (p->is_copy) {
		if (before)
			usage_fold(&p->image->s.folded, before);
		process_leave_image(p);
		return;
	}
	if (before) {
		p->image->s.usage = *before;
		p->image->s.has_usage = true;
		p->image->s.traits =
			(p->image->s.traits & ~TRAIT_RSS_EXACT) | (traits & TRAIT_RSS_EXACT);
	}
	count_unseen_exec(l, p);
	process_end_image(l, p, END_EXEC, time_ns);
}

/* The process runs what only mappings have told of: its exec was lost, or it was killed inside. */
static void process_go_on(struct live *l, struct process *p)
{
	process_leave_by_exec(l, p, p->next->s.begin_ns, 0, NULL);
	p->image = TAKE_PTR(p->next);
	p->exec_id = p->image->s.key.exec_id;
}

/* An event of a later image is there: one whose exec never came is over. */
static void process_catch_up(struct live *l, struct process *p, uint32_t exec_id)
{
	if (p->next && p->next->s.key.exec_id < exec_id)
		process_go_on(l, p);
}

static void apply_exec(struct live *l, const struct event_exec *e, bool is_scan)
{
	struct process *p = process_find(l, e->head.pid, e->head.start_ns), *parent;

	if (!p)
		p = process_add(l, &e->head);
	if (!p)
		return;
	process_catch_up(l, p, e->head.exec_id);
	if (p->image && !p->is_copy && p->image->s.key.exec_id == e->head.exec_id) {
		/* begun by its mappings; or told twice, by the scan and the kernel side: the latter
		 * saw more */
		if (!p->image->exec || (p->image->s.origin == ORIGIN_SCAN && !is_scan))
			image_set_exec(p->image, l->facts, e, is_scan ? ORIGIN_SCAN : ORIGIN_EXEC);
		return;
	}
	process_leave_by_exec(l, p, e->head.time_ns, e->head.traits, &e->before);
	p->image = p->next && p->next->s.key.exec_id == e->head.exec_id ? TAKE_PTR(p->next)
									: image_begin(l, &e->head);
	p->exec_id = e->head.exec_id;
	if (!p->image)
		return;
	image_set_exec(p->image, l->facts, e, is_scan ? ORIGIN_SCAN : ORIGIN_EXEC);
	/* a copy's run is that of its origin */
	parent = process_find(l, e->parent_pid, e->parent_start_ns);
	if (parent && parent->is_copy)
		p->image->s.parent = parent->image->s.key;
}

/* The image that an event of (process, exec_id) speaks of, begun if it isn't known yet. */
static struct image *image_of_event(struct live *l, struct process *p, const struct event *e)
{
	process_catch_up(l, p, e->exec_id);
	if (!p->image && !p->next) {
		p->exec_id = e->exec_id;
		p->image = image_begin(l, e);
		return p->image;
	}
	if (e->exec_id > p->exec_id && !p->next)
		p->next = image_begin(l, e);
	return p->next && p->next->s.key.exec_id == e->exec_id ? p->next : p->image;
}

static void apply_fork(struct live *l, const struct event_fork *e)
{
	struct process *parent = process_find(l, e->parent_pid, e->parent_start_ns), *p;
	struct event head = {.pid = e->parent_pid,
			     .start_ns = e->parent_start_ns,
			     .exec_id = e->parent_exec_id,
			     .time_ns = e->head.time_ns};

	if (process_find(l, e->head.pid, e->head.start_ns))
		return;
	p = process_add(l, &e->head);
	if (!p || !parent || !parent->image)
		return;
	/* who forks is out of its exec, also if that was lost */
	if (e->parent_exec_id > parent->exec_id && image_of_event(l, parent, &head) && parent->next)
		process_go_on(l, parent);
	p->image = parent->image;
	p->is_copy = true;
	TAILQ_INSERT_TAIL(&p->image->copies, p, copies);
}

static void apply_mmap(struct live *l, const struct event_mmap *e)
{
	struct process *p = process_find(l, e->head.pid, e->head.start_ns);
	struct image *image;

	if (!p)
		p = process_add(l, &e->head);
	if (!p)
		return;
	image = image_of_event(l, p, &e->head);
	if (image)
		image_add_mapping(image, l->facts, e);
}

static bool has_ended(const struct live *l, const struct event *e)
{
	for (size_t i = 0; i < ENDED_KEPT; i++)
		if (l->ended[i].pid == e->pid && l->ended[i].start_ns == e->start_ns)
			return true;
	return false;
}

static void process_end(struct live *l, struct process *p)
{
	l->ended[l->ended_next].pid = p->pid;
	l->ended[l->ended_next].start_ns = p->start_ns;
	l->ended_next = (l->ended_next + 1) % ENDED_KEPT;
	process_remove(l, p);
}

static void apply_exit(struct live *l, const struct event_exit *e)
{
	struct process *p = process_find(l, e->head.pid, e->head.start_ns);

	if (!p) {
		if (has_ended(l,
			      &e->head)) /* by the last rung, each of two last threads may tell */
			return;
		p = process_add(l, &e->head);
	}
	if (!p)
		return;
	if (p->is_copy && e->head.exec_id <= p->exec_id) {
		p->image->s.forks++;
		usage_fold(&p->image->s.folded, &e->usage);
		process_end(l, p);
		return;
	}
	(void)image_of_event(l, p, &e->head);
	if (p->next) /* killed inside exec */
		process_go_on(l, p);
	if (p->image && !p->is_copy) {
		count_unseen_exec(l, p);
		image_set_exit(p->image, e);
		process_end_image(l, p, END_EXIT, e->head.time_ns);
	}
	process_end(l, p);
}

void live_apply(struct live *l, const struct event *event, bool is_scan)
{
	switch (event->kind) {
	case EVENT_EXEC:
		apply_exec(l, (const void *)event, is_scan);
		break;
	case EVENT_FORK:
		apply_fork(l, (const void *)event);
		break;
	case EVENT_MMAP:
		apply_mmap(l, (const void *)event);
		break;
	case EVENT_EXIT:
		apply_exit(l, (const void *)event);
		break;
	}
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

void live_reconcile(struct live *l, bool (*is_alive)(void *arg, uint32_t pid, uint64_t start_ns),
		    void *arg)
{
	struct process *p, *next;

	for (p = TAILQ_FIRST(&l->all); p; p = next) {
		next = TAILQ_NEXT(p, all);
		if (is_alive(arg, p->pid, p->start_ns))
			continue;
		if (p->next)
			process_go_on(l, p);
		if (p->image && !p->is_copy) {
			l->counts.unseen_ends++;
			process_end_image(l, p, END_UNSEEN, 0);
		}
		process_remove(l, p);
	}
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
	free(l);
}
