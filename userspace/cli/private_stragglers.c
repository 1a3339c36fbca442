/* SPDX-License-Identifier: BSD-2-Clause */
/* Who still runs when the command has ended: orphans come to us, so all are found below us. */
#include "cli/private.h"
#include "common/array.h"
#include "common/proc_stat.h"

#include <dirent.h>
#include <errno.h>

struct process {
	pid_t pid, parent;
	bool is_below, is_dead;
};

struct processes {
	struct process *items;
	size_t count, size;
};

static bool read_process(int proc, const char *pid, struct process *ret)
{
	struct proc_stat stat;
	char path[64];

	snprintf(path, sizeof(path), "%.20s/stat", pid);
	if (proc_stat_read(proc, path, &stat))
		return false;
	*ret = (struct process){.pid = stat.pid, .parent = stat.ppid, .is_dead = stat.is_zombie};
	return true;
}

static int add(struct processes *all, const struct process *process)
{
	struct process *items = array_grow(all->items, all->count, &all->size, sizeof(*items));

	if (!items)
		return -ENOMEM;
	all->items = items;
	items[all->count++] = *process;
	return 0;
}

static void read_all(struct processes *all)
{
	DIR *dir = opendir("/proc");
	const struct dirent *entry;
	struct process process;

	if (!dir)
		return;
	while ((entry = readdir(dir)))
		if (*entry->d_name >= '1' && *entry->d_name <= '9' &&
		    read_process(dirfd(dir), entry->d_name, &process) && add(all, &process) < 0)
			break;
	closedir(dir);
}

static bool is_parent_below(const struct processes *all, pid_t parent)
{
	if (parent == getpid())
		return true;
	for (size_t i = 0; i < all->count; i++)
		if (all->items[i].pid == parent)
			return all->items[i].is_below;
	return false;
}

size_t private_stragglers(pid_t daemon)
{
	struct processes all = {0};
	size_t count = 0;
	bool is_more = true;

	read_all(&all);
	while (is_more) {
		is_more = false;
		for (size_t i = 0; i < all.count; i++) {
			struct process *process = &all.items[i];

			if (process->is_below || process->pid == daemon ||
			    !is_parent_below(&all, process->parent))
				continue;
			process->is_below = is_more = true;
			count += !process->is_dead;
		}
	}
	free(all.items);
	return count;
}
