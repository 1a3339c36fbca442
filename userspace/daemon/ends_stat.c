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
#include "common/proc_stat.h"

#include <errno.h>
#include <inttypes.h>

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
	uint64_t tick_ns = NS_PER_S / sysconf(_SC_CLK_TCK);
	struct stat_told told;
	struct proc_stat stat;
	char path[48];
	int r;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	r = proc_stat_read(AT_FDCWD, path, &stat);
	if (r)
		return r;
	told = (struct stat_told){.is_ending = stat.is_exiting,
				  .is_dead = stat.is_zombie && stat.threads <= 1,
				  .wait_status = stat.wait_status,
				  .start_ns = stat.start_ticks * tick_ns,
				  .usage = {.user_ns = stat.user_ticks * tick_ns,
					    .system_ns = stat.system_ticks * tick_ns,
					    .minor_faults = stat.minor_faults,
					    .major_faults = stat.major_faults}};
	memcpy(told.comm, stat.comm, sizeof(told.comm));
	told.usage.runtime_ns = told.usage.user_ns + told.usage.system_ns;
	if (told.is_dead) {
		read_runtime(pid, &told);
		read_io(pid, &told);
		told.has_status = has_access(pid);
	}
	*ret = told;
	return 0;
}
