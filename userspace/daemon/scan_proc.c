// SPDX-License-Identifier: BSD-2-Clause
/* Which processes run now, from /proc: where no BPF iterator can list them. */
#include "daemon/scan.h"
#include "common/array.h"
#include "common/proc_stat.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>

static bool task_read(int proc, const char *name, uint64_t tick_ns, struct event_task *ret)
{
	struct proc_stat stat;
	char path[32];

	if (!isdigit((unsigned char)*name) || strlen(name) > 10)
		return false;
	snprintf(path, sizeof(path), "%s/stat", name);
	if (proc_stat_read(proc, path, &stat))
		return false;
	*ret = (struct event_task){.pid = stat.pid, .start_ns = stat.start_ticks * tick_ns};
	return true;
}

int scan_find_proc(uint32_t pid, uint64_t tick_ns, struct event_task *ret)
{
	_cleanup_close_ int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char name[16];

	if (proc < 0)
		return -errno;
	snprintf(name, sizeof(name), "%u", pid);
	return task_read(proc, name, tick_ns, ret) ? 0 : -ESRCH;
}

int scan_list_proc(struct scan_tasks *tasks, uint64_t tick_ns)
{
	_cleanup_free_ struct event_task *list = NULL;
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	size_t count = 0, size = 0;
	int r = 0;

	if (!proc)
		return -errno;
	while (!r && (errno = 0, entry = readdir(proc))) {
		struct event_task *bigger = array_grow(list, count, &size, sizeof(*list));

		r = !bigger ? -ENOMEM : count >= SCAN_TASKS_MAX ? -E2BIG : 0;
		if (bigger)
			list = bigger;
		if (!r && task_read(dirfd(proc), entry->d_name, tick_ns, &list[count]))
			count++;
	}
	if (!r)
		r = -errno;
	closedir(proc);
	if (r)
		return r;
	tasks->list = TAKE_PTR(list);
	tasks->count = count;
	tasks->tick_ns = tick_ns;
	return 0;
}
