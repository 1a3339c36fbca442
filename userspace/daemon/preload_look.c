// SPDX-License-Identifier: BSD-2-Clause
/* /proc/PID, read in a few microseconds. */
#include "daemon/preload_look.h"
#include "common/fs.h"
#include "common/proc_stat.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static int folder_open(uint32_t pid)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%u", pid);
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* Number of bytes, with a NUL behind; negative errno. */
static ssize_t file_read(int folder, const char *name, char *data, size_t size)
{
	_cleanup_close_ int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -errno : fs_read_all(fd, data, size - 1);

	data[MAX(len, 0)] = '\0';
	return len;
}

/* A folder that was opened before is that of the process for which pidfd stands, if that still has
 * its number. */
static bool is_its(int pidfd)
{
	return pidfd < 0 || !syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) || errno == EPERM;
}

/*
 * Who is exiting has left its groups of v1, and is shown as in their root; its group of v2 is still
 * shown (proc_cgroup_show() in kernel/cgroup/cgroup.c). But where v1 is in use, v2's may be the
 * root.
 */
static struct bytes cgroup_of_dead(struct bytes text)
{
	static const char v2[] = "0::/";

	while (text.len) {
		const char *end = memchr(text.data, '\n', text.len);
		struct bytes line = {text.data, end ? (size_t)(end - text.data) : text.len};

		if (line.len > strlen(v2) && !memcmp(line.data, v2, strlen(v2)))
			return line;
		text.len -= MIN(line.len + 1, text.len);
		text.data += line.len + (end != NULL);
	}
	return (struct bytes){};
}

/* "mnt:[4026531841]" */
struct ns_name {
	char name[32];
};

static bool namespace_read(int folder, const char *path, struct ns_name *ret)
{
	ssize_t len = readlinkat(folder, path, ret->name, sizeof(ret->name) - 1);

	ret->name[MAX(len, 0)] = '\0';
	return len > 0;
}

/* The host's: the kernel's own threads have them, and show them where the first process may not be
 * looked at, or is a container's. */
static bool host_namespace_read(const char *name, struct ns_name *ret)
{
	char path[32];

	if (readlink("/proc/2/exe", path, sizeof(path)) < 0 && errno == ENOENT) {
		snprintf(path, sizeof(path), "/proc/2/ns/%s", name);
		if (namespace_read(AT_FDCWD, path, ret))
			return true;
	}
	snprintf(path, sizeof(path), "/proc/1/ns/%s", name);
	return namespace_read(AT_FDCWD, path, ret);
}

/* Against the host's; not known to who may not look there. */
static uint32_t namespaces_of(int folder)
{
	static struct ns_name host_mount, host_user;
	struct ns_name mount, user;

	if ((!*host_mount.name && !host_namespace_read("mnt", &host_mount)) ||
	    (!*host_user.name && !host_namespace_read("user", &host_user)) ||
	    !namespace_read(folder, "ns/mnt", &mount) || !namespace_read(folder, "ns/user", &user))
		return 0;
	return TRAIT_NAMESPACES | (strcmp(mount.name, host_mount.name) ? TRAIT_MOUNT_OTHER : 0) |
	       (strcmp(user.name, host_user.name) ? TRAIT_USER_OTHER : 0);
}

void preload_look(uint32_t pid, int pidfd, uint64_t tick_ns, struct preload_look *ret)
{
	_cleanup_close_ int folder = folder_open(pid);
	struct proc_stat stat;
	char text[32];
	struct stat st;
	ssize_t len;

	memset(ret, 0, offsetof(struct preload_look, room));
	ret->login_uid = (uint32_t)-1;
	/* in this order: of one that is gone the folder is root's, and its stat tells that it is */
	if (folder < 0 || !is_its(pidfd) || fstat(folder, &st) ||
	    proc_stat_read(folder, "stat", &stat))
		return;
	ret->is_there = true;
	ret->ppid = stat.ppid;
	ret->start_ns = stat.start_ticks * tick_ns;
	ret->euid = st.st_uid; /* of a folder, whatever PR_SET_DUMPABLE makes of its files */
	if (file_read(folder, "loginuid", text, sizeof(text)) > 0)
		ret->login_uid = strtoul(text, NULL, 10);
	ret->traits = namespaces_of(folder);
	len = file_read(folder, "cgroup", ret->room, sizeof(ret->room));
	ret->cgroup = (struct bytes){ret->room, MAX(len, 0)};
	if (proc_stat_read(folder, "stat", &stat) || stat.is_exiting)
		ret->cgroup = cgroup_of_dead(ret->cgroup);
	ret->has_cgroup = ret->cgroup.len > 0;
}

bool preload_look_stat(uint32_t pid, uint64_t tick_ns, uint32_t *ret_ppid, uint64_t *ret_start_ns)
{
	_cleanup_close_ int folder = folder_open(pid);
	struct proc_stat stat;

	if (folder < 0 || proc_stat_read(folder, "stat", &stat) || stat.is_exiting)
		return false;
	*ret_ppid = stat.ppid;
	*ret_start_ns = stat.start_ticks * tick_ns;
	return true;
}

static ssize_t program_of(uint32_t pid, char *to, size_t size)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%u/exe", pid);
	return readlink(path, to, size);
}

bool preload_is_same_program(uint32_t pid, uint32_t other_pid)
{
	char a[4096], b[4096];
	ssize_t len = program_of(pid, a, sizeof(a)), other = program_of(other_pid, b, sizeof(b));

	return len > 0 && len == other && (size_t)len < sizeof(a) && !memcmp(a, b, len);
}
