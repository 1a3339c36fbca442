// SPDX-License-Identifier: BSD-2-Clause
/*
 * What /proc tells of a process that has ended and that nobody has waited for: status, times and
 * faults of all its threads; bytes read and written. Its memory is gone, and its peak with it.
 *
 * Without ptrace access the kernel shows a status of 0, which is a status like any other. The same
 * access is needed to read the link /proc/PID/exe, which leads nowhere then: ENOENT says that we
 * have it, EACCES that we don't. Bytes are in a file that is root's once the process is dead.
 */
#include "daemon/ends_state.h"
#include "common/fs.h"

#include <errno.h>
#include <inttypes.h>

#define PF_EXITING 0x4 /* include/linux/sched.h */

bool stat_parse(const char *text, uint64_t ns_per_tick, struct stat_told *ret)
{
	const char *open = strchr(text, '('), *close = strrchr(text, ')');
	uint64_t flags, minor, major, user, system, threads, start;
	struct stat_told told = {};
	const char *field = close;

	/* fields 3, 9, 10, 12, 14, 15, 20, 22 of proc(5) */
	if (!open || !close || close < open ||
	    sscanf(close,
		   ") %c %*d %*d %*d %*d %*d %" SCNu64 " %" SCNu64 " %*u %" SCNu64 " %*u %" SCNu64
		   " %" SCNu64 " %*d %*d %*d %*d %" SCNu64 " %*d %" SCNu64,
		   &told.state, &flags, &minor, &major, &user, &system, &threads, &start) != 8)
		return false;
	for (int number = 2; field && number < 52; number++)
		field = strchr(field + 1, ' ');
	if (field)
		told.wait_status = strtoul(field + 1, NULL, 10);
	memcpy(told.comm, open + 1, MIN((size_t)(close - open - 1), sizeof(told.comm) - 1));
	told.is_ending = flags & PF_EXITING;
	told.is_dead = told.state == 'X' || (told.state == 'Z' && threads <= 1);
	told.start_ns = start * ns_per_tick;
	told.usage = (struct event_usage){.user_ns = user * ns_per_tick,
					  .system_ns = system * ns_per_tick,
					  .minor_faults = minor,
					  .major_faults = major};
	told.usage.runtime_ns = told.usage.user_ns + told.usage.system_ns;
	*ret = told;
	return true;
}

static int read_text(pid_t pid, const char *name, char *text, size_t size)
{
	_cleanup_close_ int fd = -1;
	char path[48];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	len = fs_read_all(fd, text, size - 1);
	if (len < 0)
		return len;
	text[len] = '\0';
	return 0;
}

/* The first thread's exact runtime: all of it, for most processes, and more than ticks show. */
static void read_runtime(pid_t pid, struct stat_told *told)
{
	char text[128];
	uint64_t runtime;

	if (!read_text(pid, "schedstat", text, sizeof(text)) &&
	    sscanf(text, "%" SCNu64, &runtime) == 1)
		told->usage.runtime_ns = MAX(told->usage.runtime_ns, runtime);
}

static void read_io(pid_t pid, struct stat_told *told)
{
	char text[512];
	const char *at;

	if (read_text(pid, "io", text, sizeof(text)))
		return;
	at = strstr(text, "\nread_bytes: ");
	told->has_io = at && sscanf(at, "\nread_bytes: %llu\nwrite_bytes: %llu",
				    &told->usage.read_bytes, &told->usage.write_bytes) == 2;
}

static bool has_access(pid_t pid)
{
	char path[48], target[1];

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	return readlink(path, target, sizeof(target)) >= 0 || errno == ENOENT;
}

int stat_read(pid_t pid, struct stat_told *ret)
{
	struct stat_told told = {};
	char text[2048];
	int r = read_text(pid, "stat", text, sizeof(text));

	if (r)
		return r == -ENOENT ? -ESRCH : r;
	if (!stat_parse(text, NS_PER_S / sysconf(_SC_CLK_TCK), &told))
		return -EBADMSG;
	if (told.is_dead) {
		read_runtime(pid, &told);
		read_io(pid, &told);
		told.has_status = has_access(pid);
	}
	*ret = told;
	return 0;
}
