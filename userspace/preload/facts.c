/* SPDX-License-Identifier: BSD-2-Clause */
#include "preload/facts.h"
#include "preload/syscalls.h"

#include <fcntl.h>
#include <linux/stat.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/sysmacros.h>
#include <time.h>

#define BOOTTIME_NS_PER_S 1000000000ULL

extern unsigned long getauxval(unsigned long type) __attribute__((weak));

/* The file's bytes, or negative errno; not more than size. */
static long read_file(const char *path, void *to, size_t size)
{
	long fd = CALL(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	size_t len = 0;
	long n = 0;

	if (fd < 0)
		return fd;
	while (len < size && (n = CALL(SYS_read, fd, (char *)to + len, size - len)) > 0)
		len += (size_t)n;
	CALL(SYS_close, fd);
	return n < 0 ? n : (long)len;
}

static uint64_t boottime_ns(void)
{
	struct {
		long seconds, nanoseconds;
	} now;

	if (CALL(SYS_clock_gettime, CLOCK_BOOTTIME, &now) < 0)
		return 0;
	return (uint64_t)now.seconds * BOOTTIME_NS_PER_S + (uint64_t)now.nanoseconds;
}

static unsigned long auxiliary(unsigned long type)
{
	return getauxval ? getauxval(type) : 0;
}

static void put_process(struct writer *writer)
{
	struct run_process process = {
		.boot_ns = boottime_ns(),
		.ppid = (uint32_t)CALL(SYS_getppid, 0),
		.uid = (uint32_t)auxiliary(AT_UID),
		.euid = (uint32_t)auxiliary(AT_EUID),
		.gid = (uint32_t)auxiliary(AT_GID),
		.flags = (sizeof(long) == 4 ? RUN_PROCESS_COMPAT : 0) |
			 (auxiliary(AT_SECURE) ? RUN_PROCESS_SECURE : 0),
	};

	item_put(writer, RUN_ITEM_PROCESS, &process, sizeof(process));
}

/* statx(2) has one form on all machines; kernels before 4.11 don't have it, and the daemon looks
 * itself. */
static void put_file(struct writer *writer)
{
#ifdef SYS_statx
	struct statx st;
	struct run_file file;

	if (CALL(SYS_statx, AT_FDCWD, "/proc/self/exe", 0, STATX_BASIC_STATS, &st) < 0)
		return;
	file = (struct run_file){
		.device = makedev(st.stx_dev_major, st.stx_dev_minor),
		.inode = st.stx_ino,
		.size = st.stx_size,
		.mtime_ns =
			(uint64_t)st.stx_mtime.tv_sec * BOOTTIME_NS_PER_S + st.stx_mtime.tv_nsec,
		.owner_uid = st.stx_uid,
	};
	item_put(writer, RUN_ITEM_FILE, &file, sizeof(file));
#else
	(void)writer;
#endif
}

/* Closes an item that a system call has filled: len bytes of size, or negative errno. */
static void close_read(struct writer *writer, long len, size_t size)
{
	if (len < 0)
		item_close(writer, 0, RUN_ITEM_FAULT);
	else
		item_close(writer, (size_t)len, (size_t)len == size ? RUN_ITEM_CUT : 0);
}

static void put_exe(struct writer *writer)
{
	size_t size;
	char *to = item_open(writer, RUN_ITEM_EXE, RUN_MESSAGE_PATH, &size);

	if (to)
		close_read(writer, CALL(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", to, size),
			   size);
}

/* getcwd(2) counts its NUL. */
static void put_cwd(struct writer *writer)
{
	size_t size;
	char *to = item_open(writer, RUN_ITEM_CWD, RUN_MESSAGE_PATH, &size);
	long len;

	if (!to)
		return;
	len = CALL(SYS_getcwd, to, size);
	close_read(writer, len > 0 ? len - 1 : len, size);
}

static void put_cgroup(struct writer *writer)
{
	size_t size;
	char *to = item_open(writer, RUN_ITEM_CGROUP, RUN_MESSAGE_CGROUP, &size);

	if (to)
		close_read(writer, read_file("/proc/self/cgroup", to, size), size);
}

/* Copies the string and its NUL; false if it doesn't fit whole. */
static bool copy_string(const char *text, char *to, size_t size, size_t *used)
{
	size_t len = strlen(text) + 1;

	if (len > size - *used)
		return false;
	memcpy(to + *used, text, len);
	*used += len;
	return true;
}

static void put_strings(struct writer *writer, enum run_item_kind kind, char *const *strings,
			size_t max)
{
	size_t size, used = 0;
	char *to = item_open(writer, kind, max, &size);

	if (!to)
		return;
	if (!strings) {
		item_close(writer, 0, RUN_ITEM_FAULT);
		return;
	}
	while (*strings && copy_string(*strings, to, size, &used))
		strings++;
	/* of an argument, what fits is worth having; the environment's half values are not */
	if (*strings && kind == RUN_ITEM_ARGV && used < size) {
		memcpy(to + used, *strings, size - used - 1);
		to[size - 1] = '\0';
		used = size;
	}
	item_close(writer, used, *strings ? RUN_ITEM_CUT : 0);
}

static void put_requested(struct writer *writer)
{
	const char *name = (const char *)auxiliary(AT_EXECFN);
	size_t len = name ? strlen(name) : 0;

	if (len && len < RUN_MESSAGE_PATH)
		item_put(writer, RUN_ITEM_REQUESTED, name, len);
}

void facts_put(struct writer *writer, const struct start *start)
{
	put_process(writer);
	put_file(writer);
	put_exe(writer);
	put_requested(writer);
	put_cwd(writer);
	put_cgroup(writer);
	put_strings(writer, RUN_ITEM_ARGV, start->argv, RUN_MESSAGE_ARGV);
	put_strings(writer, RUN_ITEM_ENV, start->envp, RUN_MESSAGE_ENV);
}
