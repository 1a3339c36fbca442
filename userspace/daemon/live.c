// SPDX-License-Identifier: BSD-2-Clause
/* The table of processes, and what each kind of event does to it (live_image.c: to one image). */
#include "daemon/live.h"
#include "daemon/live_image.h"
#include "daemon/journal.h"

#include <errno.h>
#include <search.h>

struct process {
	uint64_t start_ns;
	uint32_t pid;
	uint32_t exec_id;
	uint64_t fork_ns;
	struct image *image; /* NULL: not known */
	struct image *next;  /* told of by mappings, its exec to come */
	bool is_copy;	     /* of image's process */
	TAILQ_ENTRY(process) copies, all;
};

TAILQ_HEAD(process_list, process);

struct live {
	struct facts *facts;
	void *tree; /* tsearch by (pid, start) */
	struct process_list all;
	struct image_list finished;
	struct live_counts counts;
	int64_t unix_minus_boot_ns;
};

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

static struct process *process_find(const struct live *l, uint32_t pid, uint64_t start_ns)
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
		l->counts.full++;
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

static void process_remove(struct live *l, struct process *p)
{
	process_leave_image(p);
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

static void process_end_image(struct live *l, struct process *p, enum live_end how, uint64_t end_ns)
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
	process_end_image(l, p, END_EXEC, time_ns);
}

static void apply_exec(struct live *l, const struct event_exec *e, bool is_scan)
{
	struct process *p = process_find(l, e->head.pid, e->head.start_ns);

	if (!p)
		p = process_add(l, &e->head);
	if (!p)
		return;
	if (p->image && !p->is_copy && p->image->s.key.exec_id == e->head.exec_id) {
		/* told twice: by the scan and the kernel side; the latter saw more */
		if (p->image->s.origin == ORIGIN_SCAN && !is_scan)
			image_set_exec(p->image, l->facts, e, ORIGIN_EXEC);
		return;
	}
	process_leave_by_exec(l, p, e->head.time_ns, e->head.traits, &e->before);
	p->image = p->next && p->next->s.key.exec_id == e->head.exec_id ? TAKE_PTR(p->next)
									: image_begin(l, &e->head);
	p->exec_id = e->head.exec_id;
	if (p->image)
		image_set_exec(p->image, l->facts, e, is_scan ? ORIGIN_SCAN : ORIGIN_EXEC);
}

static void apply_fork(struct live *l, const struct event_fork *e)
{
	struct process *parent = process_find(l, e->parent_pid, e->parent_start_ns), *p;

	if (process_find(l, e->head.pid, e->head.start_ns))
		return;
	p = process_add(l, &e->head);
	if (!p || !parent || !parent->image)
		return;
	p->image = parent->image;
	p->is_copy = true;
	TAILQ_INSERT_TAIL(&p->image->copies, p, copies);
}

/* The image that an event of (process, exec_id) speaks of, begun if it isn't known yet. */
static struct image *image_of_event(struct live *l, struct process *p, const struct event *e)
{
	if (p->image && p->exec_id == e->exec_id)
		return p->image;
	if (!p->image && !p->next) {
		p->exec_id = e->exec_id;
		p->image = image_begin(l, e);
		return p->image;
	}
	if (p->next && p->next->s.key.exec_id == e->exec_id)
		return p->next;
	if (e->exec_id == p->exec_id + 1 && !p->next) {
		p->next = image_begin(l, e);
		return p->next;
	}
	return p->image;
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

static void apply_exit(struct live *l, const struct event_exit *e)
{
	struct process *p = process_find(l, e->head.pid, e->head.start_ns);
	struct image *image;

	if (!p)
		p = process_add(l, &e->head);
	if (!p)
		return;
	if (p->is_copy && p->exec_id == e->head.exec_id) {
		p->image->s.forks++;
		usage_fold(&p->image->s.folded, &e->usage);
		process_remove(l, p);
		return;
	}
	image = image_of_event(l, p, &e->head);
	if (image && image == p->next) { /* killed inside exec */
		process_leave_by_exec(l, p, e->head.time_ns, 0, NULL);
		p->image = TAKE_PTR(p->next);
	}
	if (p->image) {
		if (!p->image->exec)
			l->counts.unseen_execs++;
		image_set_exit(p->image, e);
		process_end_image(l, p, END_EXIT, e->head.time_ns);
	}
	process_remove(l, p);
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

bool live_has_process(const struct live *l, uint32_t pid, uint64_t start_ns)
{
	return process_find(l, pid, start_ns);
}

const struct image *live_image_of(const struct live *l, uint32_t pid, uint64_t start_ns)
{
	const struct process *p;

	if (start_ns) {
		p = process_find(l, pid, start_ns);
		return p ? p->image : NULL;
	}
	TAILQ_FOREACH_REVERSE(p, &l->all, process_list, all) /* the newest of that pid */
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

/* Finished images first: what a process ran before stands before what it runs now. */
int live_save(const struct live *l, live_writer writer, void *arg)
{
	const struct image *image;
	const struct process *p;
	int r = 0;

	TAILQ_FOREACH(image, &l->finished, link)
	if ((r = image_save(image, writer, arg)))
		return r;
	TAILQ_FOREACH(p, &l->all, all)
	if (p->image && !p->is_copy && (r = image_save(p->image, writer, arg)))
		return r;
	TAILQ_FOREACH(p, &l->all, all)
	{
		struct event_fork fork = {
			.head = {.kind = EVENT_FORK,
				 .size = sizeof(fork),
				 .time_ns = p->fork_ns,
				 .start_ns = p->start_ns,
				 .pid = p->pid,
				 .exec_id = p->exec_id},
		};

		if (!p->is_copy && p->image)
			continue;
		if (p->is_copy) {
			fork.parent_pid = p->image->s.key.pid;
			fork.parent_start_ns = p->image->s.key.start_ns;
			fork.parent_exec_id = p->image->s.key.exec_id;
		}
		r = writer(arg, JOURNAL_EVENT, &fork, sizeof(fork));
		if (r)
			return r;
	}
	return 0;
}

void live_restore(struct live *l, const struct live_image_state *state)
{
	struct process *p = process_find(l, state->key.pid, state->key.start_ns);

	if (!p || !p->image || p->is_copy)
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
		if (memcmp(&image->s.key, key, sizeof(*key)))
			continue;
		TAILQ_REMOVE(&l->finished, image, link);
		image_free(l->facts, image);
	}
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
		if (p->next)
			image_free(l->facts, p->next);
		process_remove(l, p);
	}
	while ((image = TAILQ_FIRST(&l->finished))) {
		TAILQ_REMOVE(&l->finished, image, link);
		image_free(l->facts, image);
	}
	free(l);
}
