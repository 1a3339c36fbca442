// SPDX-License-Identifier: BSD-2-Clause
/* close_range(2), around those that are kept; and SCM_RIGHTS. */
#include "daemon/descriptors.h"
#include "common/util.h"

#include <errno.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>

void descriptors_own(const int *keep, size_t count)
{
	unsigned int from = 3, next;
	int null;

	if (unshare(CLONE_FILES))
		return;
	/* the caller's, when the daemon goes to the background */
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; fd < 3 && null >= 0; fd++)
		dup2(null, fd);
	do {
		next = ~0U;
		for (size_t i = 0; i < count; i++)
			if ((unsigned int)keep[i] >= from)
				next = MIN(next, (unsigned int)keep[i]);
		if (next > from)
			syscall(SYS_close_range, from, next == ~0U ? next : next - 1, 0);
		from = next + 1;
	} while (next != ~0U);
}

int descriptors_pair(int ret[2])
{
	int queue = 4 << 20, pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair))
		return -errno;
	if (setsockopt(pair[0], SOL_SOCKET, SO_SNDBUFFORCE, &queue, sizeof(queue)))
		(void)setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &queue, sizeof(queue));
	memcpy(ret, pair, sizeof(pair));
	return 0;
}

union passed {
	struct cmsghdr header;
	char data[CMSG_SPACE(sizeof(int))];
};

bool descriptors_pass(int socket, int fd)
{
	_cleanup_close_ int own = fd;
	union passed control = {.header = {.cmsg_level = SOL_SOCKET,
					   .cmsg_type = SCM_RIGHTS,
					   .cmsg_len = CMSG_LEN(sizeof(int))}};
	struct iovec part = {"", 1};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = fd < 0 ? NULL : &control,
				 .msg_controllen = fd < 0 ? 0 : sizeof(control)};

	memcpy(CMSG_DATA(&control.header), &own, sizeof(own));
	return sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) == 1;
}

int descriptors_take(int socket)
{
	union passed control = {};
	char byte;
	struct iovec part = {&byte, 1};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	int fd;

	if (recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != 1 ||
	    !CMSG_FIRSTHDR(&message) || control.header.cmsg_type != SCM_RIGHTS ||
	    control.header.cmsg_len != CMSG_LEN(sizeof(int)))
		return -1;
	memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
	return fd;
}
