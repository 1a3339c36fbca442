/* SPDX-License-Identifier: BSD-2-Clause */
/* Who still runs when the command has ended: orphans come to us, so all are found below us. */
#include "cli/private.h"
#include "common/array.h"

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

/* "pid (name) state ppid": the name may hold anything, so what counts stands behind the last ). */
static bool read_stat(const char *pid, struct process *ret)
{
	char path[64], text[512], state, *behind;
	_cleanup_close_ int fd = -1;
	ssize_t len;
	int parent;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (len <= 0)
		return false;
	text[len] = '\0';
	behind = strrchr(text, ')');
	if (!behind || sscanf(behind + 1, " %c %d", &state, &parent) != 2)
		return false;
	*ret = (struct process){
		.pid = atoi(pid), .parent = parent, .is_dead = state == 'Z' || state == 'X'};
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
		    read_stat(entry->d_name, &process) && add(all, &process) < 0)
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
