// SPDX-License-Identifier: BSD-2-Clause
/* What a pidfd tells: that all threads of its process have ended, and, since Linux 6.15, how, once
 * somebody has waited for it. */
#include "daemon/ends_state.h"

#include <errno.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

/* include/uapi/linux/pidfd.h of Linux 6.15; older headers lack it */
struct info {
	uint64_t mask, cgroup_id;
	uint32_t pid, tgid, ppid, ids[8];
	int32_t exit_code;
};
#define INFO_EXIT (1ULL << 3)
#define GET_INFO  _IOWR(0xff, 11, struct info)

_Static_assert(sizeof(struct info) == 64, "the first version's size");

int pidfd_new(pid_t pid)
{
	int fd = syscall(SYS_pidfd_open, pid, 0);

	return fd < 0 ? -errno : fd;
}

bool pidfd_is_dead(int pidfd)
{
	struct pollfd fd = {.fd = pidfd, .events = POLLIN};

	return poll(&fd, 1, 0) == 1 && fd.revents & (POLLIN | POLLHUP);
}

bool pidfd_is_reaped(int pidfd)
{
	return syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) && errno == ESRCH;
}

int pidfd_status(int pidfd, uint32_t *ret)
{
	struct info info = {.mask = INFO_EXIT};

	if (ioctl(pidfd, GET_INFO, &info))
		return errno == ESRCH ? -ENODATA : -errno;
	if (!(info.mask & INFO_EXIT))
		return -ENODATA;
	*ret = info.exit_code;
	return 0;
}
