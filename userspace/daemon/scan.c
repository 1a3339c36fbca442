// SPDX-License-Identifier: BSD-2-Clause
/*
 * A process as /proc shows it, in the form of an exec event and mapping events. A process may end
 * or exec while it is read: what can't be read is left empty, and the events of its end or exec
 * come all the same.
 */
#include "daemon/scan.h"
#include "common/fs.h"

#include <errno.h>
#include <limits.h>
#include <sys/sysmacros.h>

struct scan {
	struct tracker *tracker;
	int dir; /* /proc/PID */
	const struct event_task *task;
	const struct scan_tasks *tasks;
	_Alignas(8) char exec[EVENT_MAX_BYTES];
	char maps[2 * PATH_MAX_BYTES + 256];
};

static struct event_exec *scan_exec(struct scan *s)
{
	return (struct event_exec *)s->exec;
}

static void scan_span(struct scan *s, struct span *span, const char *data, size_t len, size_t max)
{
	struct event_exec *e = scan_exec(s);

	len = MIN(len, max);
	if (e->head.size + len > sizeof(s->exec))
		len = 0;
	*span = (struct span){e->head.size, len};
	if (len)
		memcpy(s->exec + span->off, data, len);
	e->head.size += (len + 7) & ~7U;
}

static void scan_link(struct scan *s, const char *name, struct span *span)
{
	static const char deleted[] = " (deleted)";
	char path[PATH_MAX_BYTES];
	ssize_t len = readlinkat(s->dir, name, path, sizeof(path));
	size_t tail = sizeof(deleted) - 1;

	if (len > (ssize_t)tail && !memcmp(path + len - tail, deleted, tail)) {
		len -= tail;
		scan_exec(s)->head.traits |= TRAIT_DELETED;
	}
	scan_span(s, span, path, MAX(len, 0), PATH_MAX_BYTES);
}

static void scan_file(struct scan *s, const char *name, struct span *span, size_t max, uint32_t cut)
{
	_cleanup_close_ int fd = openat(s->dir, name, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *data = malloc(max + 1);
	ssize_t len = fd < 0 || !data ? 0 : fs_read_all(fd, data, max + 1);

	if (len > (ssize_t)max)
		scan_exec(s)->head.flags |= cut;
	scan_span(s, span, data, MAX(len, 0), max);
}

/* Uid, Gid, PPid of /proc/PID/status. False if the process is gone or a kernel thread. */
static bool scan_status(struct scan *s)
{
	struct event_exec *e = scan_exec(s);
	_cleanup_free_ char *text = NULL;
	const char *at;
	size_t len;

	if (fs_read_file(s->dir, "status", 65536, &text, &len))
		return false;
	at = strstr(text, "\nUid:");
	if (!at || sscanf(at, "\nUid: %u %u", &e->uid, &e->euid) != 2)
		return false;
	at = strstr(text, "\nGid:");
	if (at)
		(void)sscanf(at, "\nGid: %u", &e->gid);
	at = strstr(text, "\nPPid:");
	if (at)
		(void)sscanf(at, "\nPPid: %u", &e->parent_pid);
	return true;
}

static void scan_login_uid(struct scan *s)
{
	_cleanup_free_ char *text = NULL;
	size_t len;

	scan_exec(s)->login_uid = (uint32_t)-1;
	if (!fs_read_file(s->dir, "loginuid", 32, &text, &len))
		scan_exec(s)->login_uid = strtoul(text, NULL, 10);
}

/* "0::/path" is v2's; of v1's lines the deepest. */
static void scan_cgroup(struct scan *s)
{
	struct event_exec *e = scan_exec(s);
	_cleanup_free_ char *text = NULL;
	char *line, *save = NULL, *v1 = NULL, *v2 = NULL;
	unsigned int deepest = 0;
	size_t len;

	if (!fs_read_file(s->dir, "cgroup", 65536, &text, &len)) {
		for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
			char *controllers = strchr(line, ':');
			char *path = controllers ? strchr(controllers + 1, ':') : NULL;
			unsigned int depth = 0;

			if (!path)
				continue;
			path++;
			if (!strncmp(line, "0::", 3)) {
				v2 = path;
				continue;
			}
			for (const char *c = path; *c; c++)
				depth += *c == '/' && c[1];
			if (depth > deepest && strncmp(controllers, ":name=", 6)) {
				deepest = depth;
				v1 = path;
			}
		}
	}
	scan_span(s, &e->cgroup, v2, v2 ? strlen(v2) : 0, CGROUP_MAX_BYTES);
	scan_span(s, &e->cgroup_v1, v1, v1 ? strlen(v1) : 0, CGROUP_MAX_BYTES);
}

struct mapping {
	unsigned int major, minor;
	unsigned long long inode;
	const char *path;
	size_t path_len;
	bool is_executable;
};

/* One line of maps(5): "start-end perms offset major:minor inode   path". */
static bool mapping_parse(const char *line, struct mapping *ret)
{
	char perms[5];
	int at = 0;

	if (sscanf(line, "%*x-%*x %4s %*x %x:%x %llu %n", perms, &ret->major, &ret->minor,
		   &ret->inode, &at) != 4 ||
	    !at)
		return false;
	ret->path = line + at;
	ret->path_len = strcspn(ret->path, "\n");
	ret->is_executable = perms[2] == 'x';
	return ret->inode && ret->path_len && ret->path[0] == '/';
}

static void mapping_tell(struct scan *s, const struct mapping *m)
{
	struct event_mmap *e = (void *)s->maps;
	size_t len = MIN(m->path_len, (size_t)PATH_MAX_BYTES);

	*e = (struct event_mmap){.head = scan_exec(s)->head};
	e->head.kind = EVENT_MMAP;
	e->head.flags = 0;
	e->head.size = sizeof(*e) + len;
	e->file.inode = m->inode;
	e->file.device = m->major << 20 | m->minor;
	e->path = (struct span){sizeof(*e), len};
	e->notes = (struct span){sizeof(*e), 0};
	memcpy(s->maps + sizeof(*e), m->path, len);
	tracker_scanned(s->tracker, &e->head);
}

/* Objects; and before they are told, the program's own file identity, which the same lines show. */
static void scan_maps(struct scan *s, bool only_program)
{
	struct event_exec *e = scan_exec(s);
	struct bytes exe = event_bytes(&e->head, e->exe);
	int fd = openat(s->dir, "maps", O_RDONLY | O_CLOEXEC);
	_cleanup_fclose_ FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	char line[PATH_MAX_BYTES + 256];
	struct mapping m;

	while (file && fgets(line, sizeof(line), file)) {
		if (!mapping_parse(line, &m))
			continue;
		if (only_program && m.path_len >= exe.len && !memcmp(m.path, exe.data, exe.len)) {
			e->file.inode = m.inode;
			e->file.device = m.major << 20 | m.minor;
			return;
		}
		if (!only_program && m.is_executable)
			mapping_tell(s, &m);
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

static bool scan_process(struct scan *s)
{
	struct event_exec *e = scan_exec(s);

	memset(e, 0, sizeof(*e));
	e->head = (struct event){.kind = EVENT_EXEC,
				 .size = sizeof(*e),
				 .time_ns = s->task->start_ns,
				 .start_ns = s->task->start_ns,
				 .pid = s->task->pid,
				 .exec_id = s->task->exec_id,
				 .traits = TRAIT_SCANNED};
	if (!scan_status(s))
		return false;
	scan_parent(s);
	scan_login_uid(s);
	scan_link(s, "exe", &e->exe);
	if (!e->exe.len)
		return false;
	scan_span(s, &e->requested, NULL, 0, 0);
	scan_span(s, &e->interp, NULL, 0, 0);
	scan_link(s, "cwd", &e->cwd);
	scan_cgroup(s);
	scan_file(s, "cmdline", &e->argv, ARGV_MAX_BYTES, EVENT_ARGV_CUT);
	scan_maps(s, true);
	scan_file(s, "environ", &e->env, ENV_MAX_BYTES, EVENT_ENV_CUT);
	tracker_scanned(s->tracker, &e->head);
	scan_maps(s, false);
	return true;
}

void scan_mark(struct scan_tasks *tasks)
{
	tasks->mark_ns = node_boot_ns();
}

int scan_list(struct capture *capture, struct scan_tasks *tasks)
{
	ssize_t count = capture_scan(capture, &tasks->list);

	if (count < 0)
		return count;
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
	return found && found->start_ns == start_ns;
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

unsigned int scan_tell(struct tracker *tracker, const struct scan_tasks *tasks)
{
	_cleanup_free_ const struct event_task **list = tasks_by_start(tasks);
	struct scan *s = list ? calloc(1, sizeof(*s)) : NULL;
	unsigned int told = 0;
	char path[32];

	if (!s)
		return 0;
	s->tracker = tracker;
	s->tasks = tasks;
	for (size_t i = 0; i < tasks->count; i++) {
		s->task = list[i];
		if (s->task->start_ns >= tasks->mark_ns || !tracker_has_room(tracker) ||
		    live_knows_program(tracker_live(tracker), s->task->pid, s->task->start_ns))
			continue;
		snprintf(path, sizeof(path), "/proc/%u", s->task->pid);
		s->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (s->dir < 0)
			continue;
		told += scan_process(s);
		close(s->dir);
	}
	free(s);
	return told;
}
