/* SPDX-License-Identifier: BSD-2-Clause */
#include "preload/facts.h"
#include "preload/status.h"
#include "preload/syscalls.h"
#include "common/util.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>

#define BLOCK	    512 /* bytes that getrusage(2) counts as one */
#define STAT_MAX    1024
#define START_FIELD 22 /* of /proc/PID/stat */
#define BOOT_ID_LEN 36
#define SCRIPT_ARGUMENTS                                                                           \
	8 /* in which an interpreter's script may be: interpreters may be scripts */

#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#define RESOLVE_NO_SYMLINKS 4

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

static bool is_same(const char *a, const char *b)
{
	for (; *a && *a == *b; a++, b++)
		;
	return *a == *b;
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

/*
 * The program's path as it was called is what /proc/self/exe reads, if it is a whole one and no
 * link is in it, and the kernel took no interpreter instead (which gets the script's path among its
 * first arguments). That costs a third of asking /proc. -1 if it isn't so, or the kernel can't tell
 * (before 5.6); else a descriptor of the program's file.
 */
static long open_called(const struct start *start)
{
	const char *path = (const char *)start->auxiliary[AT_EXECFN];
	const struct {
		uint64_t flags, mode, resolve;
	} how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS};

	/* ld.so that was called as a program puts the one that it runs there */
	if (!path || *path != '/' || !start->auxiliary[AT_BASE])
		return -1;
	for (const char *at = path; *at; at++)
		if (*at == '/' && (at[1] == '/' || at[1] == '.' || !at[1]))
			return -1;
	for (int i = 1; i <= SCRIPT_ARGUMENTS && start->argv[0] && start->argv[i]; i++)
		if (is_same(start->argv[i], path))
			return -1;
	return CALL(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
}

static long read_exe(void *to, size_t size)
{
	return CALL(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", to, size);
}

/* Its count has the NUL. */
static long read_cwd(void *to, size_t size)
{
	long len = CALL(SYS_getcwd, to, size);

	return len > 0 ? len - 1 : len;
}

static long read_cgroup(void *to, size_t size)
{
	return read_file("/proc/self/cgroup", to, size);
}

/* What a system call fills; with more room, where it is longer. */
static void put_read(struct writer *writer, enum run_item_kind kind, size_t max,
		     long (*read)(void *to, size_t size))
{
	for (;;) {
		size_t size;
		void *to = item_open_some(writer, kind, max, &size);
		long len = to ? read(to, size) : 0;

		if (!to)
			return;
		if ((len == (long)size || len == -ERANGE) && size < max && item_grow(writer))
			continue;
		if (len < 0)
			item_close(writer, 0, RUN_ITEM_FAULT);
		else
			item_close(writer, (size_t)len, (size_t)len == size ? RUN_ITEM_CUT : 0);
		return;
	}
}

static void put_program(struct writer *writer, const struct start *start)
{
	const char *called = (const char *)start->auxiliary[AT_EXECFN];
	size_t len = called ? strlen(called) : 0;
	long fd = open_called(start), r;
	struct run_file file;

	r = fd < 0 ? status_get(AT_FDCWD, "/proc/self/exe", &file, NULL)
		   : status_get(fd, "", &file, NULL);
	if (r == 0)
		item_put(writer, RUN_ITEM_FILE, &file, sizeof(file));
	if (fd < 0)
		put_read(writer, RUN_ITEM_EXE, RUN_MESSAGE_PATH, read_exe);
	else
		item_put(writer, RUN_ITEM_EXE, called, len);
	if (fd >= 0)
		CALL(SYS_close, fd);
	if (len && len < RUN_MESSAGE_PATH)
		item_put(writer, RUN_ITEM_REQUESTED, called, len);
}

void facts_put(struct writer *writer, const struct start *start)
{
	put_process(writer, start);
	put_program(writer, start);
	put_read(writer, RUN_ITEM_CWD, RUN_MESSAGE_PATH, read_cwd);
	/* the job stands in it: a short program is gone before the daemon could look */
	put_read(writer, RUN_ITEM_CGROUP, RUN_MESSAGE_CGROUP, read_cgroup);
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
