// SPDX-License-Identifier: BSD-2-Clause
/* The table of processes, and what each kind of event does to it (live_image.c: to one image). */
#include "daemon/live_ended.h"
#include "daemon/live_image.h"
#include "daemon/live_job.h"
#include "daemon/live_table.h"

static struct image *image_begin(struct live *l, const struct event *e)
{
	struct image *image = live_is_full(l) ? NULL : image_new(e, l->unix_minus_boot_ns);

	if (!image)
		return NULL;
	l->counts.images++;
	image_count(l, image);
	return image;
}

/*
 * The run that who forked the copy belongs to now that image ends. Copies that live on become runs
 * of their own, so one that forked another is its parent; what it forked before an exec of its own
 * was image's.
 */
static struct live_key copy_parent(const struct live *l, const struct image *image,
				   const struct process *copy)
{
	const struct live_key *by = &copy->parent;
	const struct process *p = process_find(l, by->pid, by->start_ns);

	if (!p || !p->image || p->exec_id != by->exec_id)
		return image->s.key;
	if (p->is_copy ? p->image != image : p->image->s.origin != ORIGIN_FORK)
		return image->s.key;
	return *by;
}

/* The image's own process leaves it. Copies that live on become images of their own. */
static void image_finish(struct live *l, struct image *image)
{
	struct process *copy;

	while ((copy = TAILQ_FIRST(&image->copies))) {
		struct live_key key = {copy->start_ns, copy->pid, copy->exec_id};
		struct image *own = image_clone(image, &key, copy->fork_ns);

		if (own) {
			own->s.parent = copy_parent(l, image, copy);
			own->s.ppid = copy->parent.pid;
			l->counts.images++;
			image_count(l, own);
		}
		TAILQ_REMOVE(&image->copies, copy, copies);
		copy->is_copy = false;
		copy->image = own;
	}
	l->counts.images--;
	image_uncount(l, image);
	TAILQ_INSERT_TAIL(&l->finished, image, link);
}

void process_end_image(struct live *l, struct process *p, enum live_end how, uint64_t end_ns)
{
	struct image *image = p->image;

	if (!image)
		return;
	process_leave_image(p);
	image_grow_up(l, image);
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

/* A copy is one no longer: its usage since its fork, NULL if it isn't known, is its image's. */
static void process_fold(struct process *p, const struct event_usage *usage)
{
	p->image->s.forks++;
	if (usage)
		usage_fold(&p->image->s.folded, usage);
	else
		p->image->s.copy_unseen = true;
	process_leave_image(p);
}

/* The process has exec'd: what it ran till now is over. e: NULL if that was not told. */
static void process_leave_by_exec(struct live *l, struct process *p, const struct event_exec *e,
				  uint64_t time_ns)
{
	if (!p->image)
		return;
	if (p->is_copy) {
		process_fold(p, e ? &e->before : NULL);
		return;
	}
	if (e)
		image_set_usage(p->image, &e->before, e->head.traits);
	count_unseen_exec(l, p);
	process_end_image(l, p, END_EXEC, time_ns);
}

/* The process runs what only mappings have told of: its exec was lost, or it was killed inside. */
static void process_go_on(struct live *l, struct process *p)
{
	process_leave_by_exec(l, p, NULL, p->next->s.begin_ns);
	p->image = TAKE_PTR(p->next);
	p->exec_id = p->image->s.key.exec_id;
}

/* An event of a later image is there: one whose exec never came is over. */
static void process_catch_up(struct live *l, struct process *p, uint32_t exec_id)
{
	if (p->next && p->next->s.key.exec_id < exec_id)
		process_go_on(l, p);
}

/* The process of an event, added if it is new. NULL if it has ended, or the table is full. One that
 * was given up, and execs all the same, has not ended. */
static struct process *process_of_event(struct live *l, const struct event *e)
{
	struct process *p = process_find(l, e->pid, e->start_ns);
	const struct ended_process *ended;

	if (!p && !(e->traits & TRAIT_TOLD))
		p = process_find_told(l, e->pid, e->start_ns);
	if (p)
		return p;
	ended = ended_find(l->ended, e->pid, e->start_ns);
	return ended && e->exec_id <= ended->key.exec_id ? NULL : process_add(l, e);
}

/* The run that a process was when it was key; pid 0: none that is known, so none is made up. */
static struct live_key run_of(const struct live *l, const struct live_key *key)
{
	const struct process *p = process_find(l, key->pid, key->start_ns);
	const struct ended_process *ended;

	if (!p) {
		ended = ended_find(l->ended, key->pid, key->start_ns);
		return ended && ended->key.exec_id == key->exec_id ? ended->run
								   : (struct live_key){};
	}
	if (key->exec_id < p->exec_id)
		return (struct live_key){};
	/* of a later image more will be told, its end at the least */
	return p->is_copy && key->exec_id == p->exec_id ? p->image->s.key : *key;
}

static void image_set_parent(struct live *l, struct image *image, uint32_t pid, uint64_t start_ns,
			     uint32_t exec_id)
{
	if (!pid)
		return;
	image->s.ppid = pid;
	image->s.parent = run_of(l, &(struct live_key){start_ns, pid, exec_id});
}

static void image_told_exec(struct live *l, struct image *image, const struct event_exec *e,
			    const struct exec_past *past, bool is_scan)
{
	image_set_parent(l, image, e->parent_pid, e->parent_start_ns, e->parent_exec_id);
	image_set_exec(image, l->facts, e, is_scan ? ORIGIN_SCAN : ORIGIN_EXEC, past);
	if (live_is_tight(l))
		image_trim(l, image);
	image_count(l, image);
}

/*
 * What the kernel side and the process itself tell of the same exec is one image, as the kernel
 * side told it; whoever comes later only fills what is missing. The kernel side's comes late where
 * the ring held it back: then the image stays under the key that it got.
 */
static bool exec_is_joined(struct live *l, struct process *p, const struct event_exec *e)
{
	static _Alignas(8) char room[EVENT_MAX_BYTES];
	struct event_exec *late = (void *)room;
	struct image *image = p->is_copy ? NULL : p->image;
	struct exec_past past;

	if (!image || !image->exec)
		return false;
	if (e->head.traits & TRAIT_TOLD) {
		if (image_is_told(image) || image->s.origin == ORIGIN_SCAN ||
		    image->s.key.exec_id != e->head.exec_id)
			return false;
		image_fill_exec(image, e);
		image_count(l, image);
		return true;
	}
	if (!p->is_told || !image_is_told(image) || e->head.start_ns == p->start_ns ||
	    e->head.time_ns > image->s.begin_ns)
		return false;
	memcpy(late, e, e->head.size);
	late->head.start_ns = p->start_ns;
	late->head.exec_id = p->exec_id;
	late->token = image->exec->token;
	exec_past_of(NULL, late, &past);
	image_told_exec(l, image, late, &past, false);
	return true;
}

static void apply_exec(struct live *l, const struct event_exec *e, bool is_scan)
{
	struct process *p = process_of_event(l, &e->head);
	const struct image *before;
	struct exec_past past;
	struct job job;

	if (!p || exec_is_joined(l, p, e))
		return;
	process_catch_up(l, p, e->head.exec_id);
	before = live_before(l, e);
	(void)live_job(l, e, &job);
	if (p->image && !p->is_copy && p->image->s.key.exec_id == e->head.exec_id) {
		/* begun by its mappings; or told twice, by the scan and the kernel side: the latter
		 * saw more */
		if (!p->image->exec || (p->image->s.origin == ORIGIN_SCAN && !is_scan)) {
			exec_past_of(NULL, e, &past);
			image_set_job(p->image, &job, before);
			image_told_exec(l, p->image, e, &past, is_scan);
		}
		return;
	}
	exec_past_of(p->is_copy ? NULL : p->image, e, &past);
	process_leave_by_exec(l, p, e, e->head.time_ns);
	p->image = p->next && p->next->s.key.exec_id == e->head.exec_id ? TAKE_PTR(p->next)
									: image_begin(l, &e->head);
	p->exec_id = e->head.exec_id;
	p->is_dropped = !p->image;
	l->counts.full += p->is_dropped;
	if (!p->image)
		return;
	image_set_job(p->image, &job, before);
	image_told_exec(l, p->image, e, &past, is_scan);
	image_is_new(l, p->image);
}

/* The image that an event of (process, exec_id) speaks of, begun if it isn't known yet. */
static struct image *image_of_event(struct live *l, struct process *p, const struct event *e)
{
	process_catch_up(l, p, e->exec_id);
	if (!p->image && p->is_dropped && e->exec_id <= p->exec_id)
		return NULL;
	if (!p->image && !p->next) {
		p->exec_id = e->exec_id;
		p->image = image_begin(l, e);
		return p->image;
	}
	if (e->exec_id > p->exec_id && !p->next) {
		p->next = image_begin(l, e);
		image_inherit_job(p->next, p->image);
	}
	return p->next && p->next->s.key.exec_id == e->exec_id ? p->next : p->image;
}

static void apply_fork(struct live *l, const struct event_fork *e)
{
	struct live_key by = {e->parent_start_ns, e->parent_pid, e->parent_exec_id};
	struct process *parent = process_find(l, by.pid, by.start_ns), *p;
	struct event head = {.pid = by.pid,
			     .start_ns = by.start_ns,
			     .exec_id = by.exec_id,
			     .time_ns = e->head.time_ns};

	if (process_find(l, e->head.pid, e->head.start_ns))
		return;
	p = process_of_event(l, &e->head);
	if (!p)
		return;
	p->parent = by;
	p->is_dropped = parent && parent->is_dropped;
	if (!parent || !parent->image)
		return;
	/* who forks is out of its exec, also if that was lost */
	if (by.exec_id > parent->exec_id && image_of_event(l, parent, &head) && parent->next)
		process_go_on(l, parent);
	p->image = parent->image;
	p->is_copy = true;
	TAILQ_INSERT_TAIL(&p->image->copies, p, copies);
}

static void apply_mmap(struct live *l, const struct event_mmap *e)
{
	struct process *p = process_of_event(l, &e->head);
	struct image *image = p ? image_of_event(l, p, &e->head) : NULL;

	if (!image || (e->path.len && image_knows_mapping(image, &e->head)))
		return;
	if (e->path.len && live_is_tight(l))
		image->s.lacks_objects = true;
	image_add_mapping(image, l->facts, e);
	image_count(l, image);
}

/* run: what it was to its children. */
static void process_end(struct live *l, struct process *p, const struct live_key *run)
{
	struct ended_process ended = {.key = {p->start_ns, p->pid, p->exec_id}, .run = *run};

	ended_add(l->ended, &ended);
	process_remove(l, p);
}

static void apply_exit(struct live *l, const struct event_exit *e)
{
	struct process *p = process_of_event(l, &e->head);
	struct live_key run = {};

	if (!p)
		return;
	if (p->is_copy && e->head.exec_id <= p->exec_id) {
		run = p->image->s.key;
		process_fold(p, &e->usage);
		process_end(l, p, &run);
		return;
	}
	(void)image_of_event(l, p, &e->head);
	if (p->next) /* killed inside exec */
		process_go_on(l, p);
	if (p->image && !p->is_copy) {
		run = p->image->s.key;
		if (!p->image->s.ppid)
			image_set_parent(l, p->image, e->parent_pid, e->parent_start_ns,
					 e->parent_exec_id);
		count_unseen_exec(l, p);
		image_set_exit(p->image, e);
		process_end_image(l, p, END_EXIT, e->head.time_ns);
	}
	process_end(l, p, &run);
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

static void process_is_gone(struct live *l, struct process *p)
{
	struct live_key run;

	if (p->next)
		process_go_on(l, p);
	run = p->image ? p->image->s.key : (struct live_key){};
	l->counts.unseen_ends += p->image != NULL;
	if (p->is_copy)
		process_fold(p, NULL);
	else
		process_end_image(l, p, END_UNSEEN, 0);
	process_end(l, p, &run);
}

void live_reconcile(struct live *l, bool (*is_alive)(void *arg, uint32_t pid, uint64_t start_ns),
		    void *arg)
{
	struct process *p, *next;

	for (p = TAILQ_FIRST(&l->all); p; p = next) {
		next = TAILQ_NEXT(p, all);
		if (!p->is_told && !is_alive(arg, p->pid, p->start_ns))
			process_is_gone(l, p);
	}
}

void live_gone(struct live *l, uint32_t pid, uint64_t start_ns)
{
	struct process *p = process_find(l, pid, start_ns);

	if (p)
		process_is_gone(l, p);
}
