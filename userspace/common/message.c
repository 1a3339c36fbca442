/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sending side: connect, so that a missing daemon is told before anything is cut up, then one
 * datagram a piece. The kernel charges what waits in the daemon's queue to our buffer, so that is
 * asked to be as large as it may; what still doesn't fit is -EAGAIN, never a wait.
 */
#include "common/message.h"

#include <errno.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>

static uint64_t message_id(void)
{
	struct timespec now;
	uint64_t id;

	if (getrandom(&id, sizeof(id), GRND_NONBLOCK) == sizeof(id))
		return id;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return ((uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec) << 22 ^ (uint64_t)getpid();
}

static int connect_socket(const char *path, int *ret)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = -1;
	int size = MESSAGE_MAX;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)); /* as much as allowed */
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return -errno;
	*ret = TAKE_FD(fd);
	return 0;
}

int message_send(const char *socket_path, enum message_kind kind, struct bytes message)
{
	struct message_header header = {.magic = MESSAGE_MAGIC, .kind = kind};
	_cleanup_close_ int fd = -1;
	int r;

	if (!message.len)
		return -EINVAL;
	if (message.len > MESSAGE_MAX)
		return -E2BIG;
	r = connect_socket(socket_path, &fd);
	if (r < 0)
		return r;
	header.id = message_id();
	header.total = (uint32_t)message.len;
	while (header.offset < header.total) {
		size_t len = MIN(header.total - header.offset, (uint32_t)MESSAGE_PIECE_MAX);
		struct iovec parts[] = {
			{&header, sizeof(header)},
			{(char *)message.data + header.offset, len},
		};
		struct msghdr datagram = {.msg_iov = parts, .msg_iovlen = ARRAY_SIZE(parts)};

		if (sendmsg(fd, &datagram, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		header.offset += len;
	}
	return 0;
}
