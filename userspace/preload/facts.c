/* SPDX-License-Identifier: BSD-2-Clause */
#include "preload/facts.h"
#include "preload/status.h"
#include "preload/syscalls.h"
#include "common/util.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>

#define BLOCK	    512 /* bytes that getrusage(2) counts as one */
#define STAT_MAX    1024
#define START_FIELD 22 /* of /proc/PID/stat */
#define BOOT_ID_LEN 36

/* What the kernel fills: of libc's form the times may be longer. */
struct kernel_time {
	long seconds, parts;
};

struct kernel_usage {
	struct kernel_time user, system;
	long max_rss_kib, unused[3], minor_faults, major_faults, swaps, read_blocks, write_blocks,
		more[5];
};

/* The bytes of a file of /proc, which one read gives as far as they fit; negative errno. */
static long read_file(const char *path, void *to, size_t size)
{
	long fd = CALL(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	long n;

	if (fd < 0)
		return fd;
	n = CALL(SYS_read, fd, to, size);
	CALL(SYS_close, fd);
	return n;
}

uint64_t facts_clock_ns(long clock)
{
	struct kernel_time now;

	if (CALL(SYS_clock_gettime, clock, &now) < 0)
		return 0;
	return (uint64_t)now.seconds * NS_PER_S + (uint64_t)now.parts;
}

static uint64_t ns_of(const struct kernel_time *time)
{
	return (uint64_t)time->seconds * NS_PER_S + (uint64_t)time->parts * 1000;
}

static void put_process(struct writer *writer, const struct start *start)
{
	const unsigned long *auxiliary = start->auxiliary;
	struct kernel_usage usage = {};
	struct run_process process = {
		.boot_ns = facts_clock_ns(CLOCK_BOOTTIME),
		.ppid = (uint32_t)CALL(SYS_getppid, 0),
		.uid = (uint32_t)auxiliary[AT_UID],
		.euid = (uint32_t)auxiliary[AT_EUID],
		.gid = (uint32_t)auxiliary[AT_GID],
		.flags = (sizeof(long) == 4 ? RUN_PROCESS_COMPAT : 0) |
			 (auxiliary[AT_SECURE] ? RUN_PROCESS_SECURE : 0),
	};

	CALL(SYS_getrusage, RUSAGE_SELF, &usage);
	process.user_ns = ns_of(&usage.user);
	process.system_ns = ns_of(&usage.system);
	process.minor_faults = (uint64_t)usage.minor_faults;
	process.major_faults = (uint64_t)usage.major_faults;
	process.read_bytes = (uint64_t)usage.read_blocks * BLOCK;
	process.write_bytes = (uint64_t)usage.write_blocks * BLOCK;
	process.max_rss = (uint64_t)usage.max_rss_kib * 1024;
	item_put(writer, RUN_ITEM_PROCESS, &process, sizeof(process));
}

static void put_file(struct writer *writer)
{
	struct run_file file;

	if (status_get(AT_FDCWD, "/proc/self/exe", &file, NULL) == 0)
		item_put(writer, RUN_ITEM_FILE, &file, sizeof(file));
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
	char *to = item_open(writer, RUN_ITEM_EXE, RUN_MESSAGE_PATH);

	if (to)
		close_read(writer,
			   CALL(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", to, RUN_MESSAGE_PATH),
			   RUN_MESSAGE_PATH);
}

/* getcwd(2) counts its NUL. */
static void put_cwd(struct writer *writer)
{
	char *to = item_open(writer, RUN_ITEM_CWD, RUN_MESSAGE_PATH);
	long len;

	if (!to)
		return;
	len = CALL(SYS_getcwd, to, RUN_MESSAGE_PATH);
	close_read(writer, len > 0 ? len - 1 : len, RUN_MESSAGE_PATH);
}

static void put_cgroup(struct writer *writer)
{
	char *to = item_open(writer, RUN_ITEM_CGROUP, RUN_MESSAGE_CGROUP);

	if (to)
		close_read(writer, read_file("/proc/self/cgroup", to, RUN_MESSAGE_CGROUP),
			   RUN_MESSAGE_CGROUP);
}

static void put_requested(struct writer *writer, const struct start *start)
{
	const char *name = (const char *)start->auxiliary[AT_EXECFN];
	size_t len = name ? strlen(name) : 0;

	if (len && len < RUN_MESSAGE_PATH)
		item_put(writer, RUN_ITEM_REQUESTED, name, len);
}

void facts_put(struct writer *writer, const struct start *start)
{
	put_process(writer, start);
	put_file(writer);
	put_exe(writer);
	put_requested(writer, start);
	put_cwd(writer);
	put_cgroup(writer);
}

/* The name, which is the second field, may hold blanks and brackets: the last one ends it. */
static bool find_start(char *stat, size_t len, uint64_t *ret)
{
	const char *at;
	uint64_t ticks = 0;

	stat[len] = '\0';
	at = strrchr(stat, ')');
	for (int field = 2; at && field < START_FIELD; field++)
		at = strchr(at + 1, ' ');
	if (!at)
		return false;
	for (at++; *at >= '0' && *at <= '9'; at++)
		ticks = ticks * 10 + (uint64_t)(*at - '0');
	*ret = ticks;
	return true;
}

void facts_put_place(struct writer *writer)
{
	char boot[BOOT_ID_LEN], stat[STAT_MAX];
	struct utsname name;
	uint64_t ticks;
	long len;

	if (CALL(SYS_uname, &name) == 0)
		item_put(writer, RUN_ITEM_HOST, name.nodename, strlen(name.nodename));
	if (read_file("/proc/sys/kernel/random/boot_id", boot, sizeof(boot)) == sizeof(boot))
		item_put(writer, RUN_ITEM_BOOT, boot, sizeof(boot));
	len = read_file("/proc/self/stat", stat, sizeof(stat) - 1);
	if (len > 0 && find_start(stat, (size_t)len, &ticks))
		item_put(writer, RUN_ITEM_START, &ticks, sizeof(ticks));
}
