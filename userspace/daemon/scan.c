// SPDX-License-Identifier: BSD-2-Clause
/*
 * A process as /proc shows it, in the form of an exec event and mapping events. Here nothing of
 * /proc is read but by the scanner's thread: what it could not read in time is marked.
 */
#include "daemon/scan.h"

#include <errno.h>
#include <limits.h>

struct scan {
	struct tracker *tracker;
	const struct event_task *task;
	const struct scan_tasks *tasks;
	_Alignas(8) char exec[EVENT_MAX_BYTES];
	char map[sizeof(struct event_mmap) + PATH_MAX_BYTES];
};

static struct event_exec *scan_exec(struct scan *s)
{
	return (struct event_exec *)s->exec;
}

static void scan_span(struct scan *s, struct span *span, const struct scan_text *text,
		      const char *data, uint32_t cut)
{
	struct event_exec *e = scan_exec(s);
	uint32_t len = text ? text->len : 0;

	if (text && text->is_cut)
		e->head.flags |= cut;
	if (e->head.size + len > sizeof(s->exec))
		len = 0;
	*span = (struct span){e->head.size, len};
	if (len)
		memcpy(s->exec + span->off, data, len);
	e->head.size += (len + 7) & ~7U;
}

static void scan_maps(struct scan *s, const struct scan_read *read)
{
	struct event_mmap *e = (void *)s->map;
	uint32_t at = 0;

	for (uint32_t i = 0; i < read->maps_count; i++) {
		const struct scan_mapping *m = (void *)(read->maps + at);

		*e = (struct event_mmap){.head = scan_exec(s)->head};
		e->head.kind = EVENT_MMAP;
		e->head.flags = 0;
		e->head.size = sizeof(*e) + m->path_len;
		e->file.inode = m->inode;
		e->file.device = m->device;
		e->path = (struct span){sizeof(*e), m->path_len};
		e->notes = (struct span){sizeof(*e), 0};
		memcpy(s->map + sizeof(*e), m->path, m->path_len);
		tracker_scanned(s->tracker, &e->head);
		at += (sizeof(*m) + m->path_len + 7) & ~7U;
	}
}

static int task_compare(const void *a, const void *b)
{
	const struct event_task *x = a, *y = b;

	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

/* The scan's parents are known by pid alone: theirs are among the same tasks. */
static void scan_parent(struct scan *s)
{
	struct event_exec *e = scan_exec(s);
	struct event_task key = {.pid = e->parent_pid}, *parent;

	parent = bsearch(&key, s->tasks->list, s->tasks->count, sizeof(key), task_compare);
	e->parent_pid = parent ? parent->pid : 0;
	e->parent_start_ns = parent ? parent->start_ns : 0;
	e->parent_exec_id = parent ? parent->exec_id : 0;
}

/* done: enum scan_part */
static void scan_spans(struct scan *s, const struct scan_read *read, unsigned int done)
{
	struct event_exec *e = scan_exec(s);

	scan_span(s, &e->exe, &read->exe, read->exe_data, EVENT_EXE_CUT);
	scan_span(s, &e->requested, NULL, NULL, 0);
	scan_span(s, &e->interp, NULL, NULL, 0);
	scan_span(s, &e->cwd, &read->cwd, read->cwd_data, EVENT_CWD_CUT);
	scan_span(s, &e->cgroup, &read->cgroup, read->cgroup_data, EVENT_CGROUP_CUT);
	scan_span(s, &e->cgroup_v1, &read->cgroup_v1, read->cgroup_v1_data, EVENT_CGROUP_CUT);
	scan_span(s, &e->argv, done & SCAN_ARGV ? &read->argv : NULL, read->argv_data,
		  EVENT_ARGV_CUT);
	scan_span(s, &e->env, done & SCAN_ENV ? &read->env : NULL, read->env_data, EVENT_ENV_CUT);
	if (!(done & SCAN_ARGV) || read->argv.is_partial)
		e->head.flags |= EVENT_ARGV_FAULT;
	if (!(done & SCAN_ENV) || read->env.is_partial)
		e->head.flags |= EVENT_ENV_FAULT;
	if (!(done & SCAN_MAPS))
		e->head.flags |= EVENT_OBJECTS_FAULT;
	else if (read->has_more_maps)
		e->head.flags |= EVENT_OBJECTS_LIMIT;
}

static bool scan_process(struct scan *s, struct scanner *scanner)
{
	struct event_exec *e = scan_exec(s);
	unsigned int done;
	const struct scan_read *read = scanner_read(scanner, s->task->pid, &done);

	if (!(done & SCAN_STATUS) || !read->is_program)
		return false;
	memset(e, 0, sizeof(*e));
	e->head = (struct event){.kind = EVENT_EXEC,
				 .size = sizeof(*e),
				 .time_ns = s->task->start_ns,
				 .start_ns = s->task->start_ns,
				 .pid = s->task->pid,
				 .exec_id = s->task->exec_id,
				 .traits = TRAIT_SCANNED | (s->tasks->tick_ns ? TRAIT_TOLD : 0)};
	if (read->is_deleted)
		e->head.traits |= TRAIT_DELETED;
	e->uid = read->uid;
	e->euid = read->euid;
	e->gid = read->gid;
	e->login_uid = read->login_uid;
	e->head.traits |= s->task->traits;
	e->parent_pid = read->ppid;
	scan_parent(s);
	if (done & SCAN_MAPS)
		e->file = read->program;
	scan_spans(s, read, done);
	tracker_scanned(s->tracker, &e->head);
	if (done & SCAN_MAPS)
		scan_maps(s, read);
	return true;
}

void scan_mark(struct scan_tasks *tasks)
{
	tasks->mark_ns = node_boot_ns();
}

int scan_list(struct capture *capture, uint64_t tick_ns, struct scan_tasks *tasks)
{
	ssize_t count =
		capture ? capture_scan(capture, &tasks->list) : scan_list_proc(tasks, tick_ns);

	if (count < 0)
		return count;
	if (capture)
		tasks->count = count;
	qsort(tasks->list, tasks->count, sizeof(*tasks->list), task_compare);
	return 0;
}

void scan_done(struct scan_tasks *tasks)
{
	free(tasks->list);
}

bool scan_is_alive(void *arg, uint32_t pid, uint64_t start_ns)
{
	const struct scan_tasks *tasks = arg;
	struct event_task key = {.pid = pid}, *found;

	if (start_ns >= tasks->mark_ns)
		return true;
	found = bsearch(&key, tasks->list, tasks->count, sizeof(key), task_compare);
	if (!found)
		return false;
	return tasks->tick_ns ? found->start_ns / tasks->tick_ns == start_ns / tasks->tick_ns
			      : found->start_ns == start_ns;
}

static int task_compare_start(const void *a, const void *b)
{
	const struct event_task *x = *(const struct event_task *const *)a,
				*y = *(const struct event_task *const *)b;

	return x->start_ns < y->start_ns ? -1 : x->start_ns > y->start_ns;
}

/* Parents before their children, who have their runs as parents: pids come round. */
static const struct event_task **tasks_by_start(const struct scan_tasks *tasks)
{
	const struct event_task **list = calloc(MAX(tasks->count, 1), sizeof(*list));

	for (size_t i = 0; list && i < tasks->count; i++)
		list[i] = &tasks->list[i];
	if (list)
		qsort(list, tasks->count, sizeof(*list), task_compare_start);
	return list;
}

/* What the kernel side has told of before has an exact start. */
static bool knows(const struct live *live, const struct event_task *task, uint64_t tick_ns)
{
	struct live_found found;

	if (!tick_ns)
		return live_knows_program(live, task->pid, task->start_ns);
	return live_find(live, task->pid, task->start_ns, tick_ns, &found) && found.image;
}

void scan_tell(struct tracker *tracker, struct scanner *scanner, const struct scan_tasks *tasks,
	       void (*each)(void *arg, const struct event_task *task, uint64_t seen_ns), void *arg)
{
	_cleanup_free_ const struct event_task **list = tasks_by_start(tasks);
	struct scan *s = list ? calloc(1, sizeof(*s)) : NULL;

	if (!s)
		return;
	s->tracker = tracker;
	s->tasks = tasks;
	for (size_t i = 0; i < tasks->count; i++) {
		uint64_t seen_ns = 0;
		bool is_known;

		s->task = list[i];
		is_known = knows(tracker_live(tracker), s->task, tasks->tick_ns);
		if (!is_known && s->task->start_ns < tasks->mark_ns && tracker_has_room(tracker)) {
			seen_ns = node_boot_ns();
			is_known = scan_process(s, scanner);
		}
		if (is_known && each)
			each(arg, s->task, seen_ns);
	}
	scanner_rest(scanner);
	free(s);
}
