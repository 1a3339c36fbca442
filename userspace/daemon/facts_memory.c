// SPDX-License-Identifier: BSD-2-Clause
/*
 * /proc/PID/maps tells where the file is mapped by its device and inode, without asking the file
 * system, so it is sure that the memory is of this file; also when the pid is another's by now. The
 * place is looked up again after reading: a process that has exec'd in between has the file
 * somewhere else, or not at all.
 */
#include "daemon/facts_memory.h"
#include "common/elf_memory.h"

#include <errno.h>

bool memory_is_start(const char *line, uint32_t device, uint64_t inode, uint64_t *ret_address)
{
	unsigned long long address, offset, number;
	unsigned int major, minor;

	if (sscanf(line, "%llx-%*x %*4s %llx %x:%x %llu", &address, &offset, &major, &minor,
		   &number) != 5)
		return false;
	if (offset || number != inode || (major << 20 | minor) != device)
		return false;
	*ret_address = address;
	return true;
}

/* 0 or -ENOENT. */
static int find_start(const struct lookup *l, uint64_t *ret)
{
	_cleanup_fclose_ FILE *file = NULL;
	char path[32], line[PATH_MAX_BYTES + 256];

	snprintf(path, sizeof(path), "/proc/%u/maps", l->pids[0]);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (memory_is_start(line, l->file.device, l->file.inode, ret))
			return 0;
	return -ENOENT;
}

static ssize_t memory_read(void *arg, void *out, size_t len, uint64_t address)
{
	ssize_t n = pread(*(int *)arg, out, len, (off_t)address);

	return n < 0 ? -errno : n;
}

int memory_notes(const struct lookup *l, struct note_ids *ret)
{
	_cleanup_close_ int fd = -1;
	struct note_ids notes = {};
	uint64_t start, again;
	char path[32];
	int r;

	if (!l->pids[0] || find_start(l, &start))
		return -ENOENT;
	snprintf(path, sizeof(path), "/proc/%u/mem", l->pids[0]);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = elf_memory_notes(memory_read, &fd, start, &notes);
	if (r)
		return r;
	if (find_start(l, &again) || again != start)
		return -ESTALE;
	*ret = notes;
	return 0;
}
