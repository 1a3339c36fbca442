// SPDX-License-Identifier: BSD-2-Clause
/* Sockets by which the kernel tells. Who else writes to one is not listened to. */
#include "daemon/ends_state.h"
#include "daemon/node.h"

#include <errno.h>
#include <linux/netlink.h>
#include <sys/socket.h>

int netlink_new(int protocol, unsigned int groups, int queue_bytes)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = groups};
	_cleanup_close_ int fd =
		socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);

	if (fd < 0)
		return -errno;
	/* the second is bounded by net.core.rmem_max */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &queue_bytes, sizeof(queue_bytes)))
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &queue_bytes, sizeof(queue_bytes));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)))
		return -errno;
	return TAKE_FD(fd);
}

bool netlink_is_wide(int fd, int queue_bytes)
{
	int has = 0;
	socklen_t len = sizeof(has);

	return !getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &has, &len) && has >= queue_bytes / 8;
}

int netlink_send(int fd, const void *message, size_t len)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};

	return sendto(fd, message, len, 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0 ? -errno
											   : 0;
}

/*
 * The error comes before the messages that had found room, and the kernel goes on dropping until
 * the queue is empty: what is taken from the error until then is of a time of its own.
 */
static void overrun_begins(struct ends *ends, enum ends_source source)
{
	ends->is_overrun[source] = true;
	ends->epochs[source]++;
	if (source == ENDS_BY_CONNECTOR)
		ends->forks_lost_ns = node_boot_ns();
}

static void overrun_ends(struct ends *ends, enum ends_source source)
{
	if (!ends->is_overrun[source])
		return;
	ends->is_overrun[source] = false;
	ends->epochs[source]++;
	if (source == ENDS_BY_CONNECTOR)
		ends->forks_lost_ns = node_boot_ns();
}

void netlink_drain(struct ends *ends, int fd, enum ends_source source,
		   void (*take)(struct ends *, const void *data, size_t len))
{
	for (unsigned int count = 0; count < DRAIN_MESSAGES; count++) {
		struct sockaddr_nl from = {};
		socklen_t from_len = sizeof(from);
		ssize_t len = recvfrom(fd, ends->buffer, sizeof(ends->buffer), 0,
				       (struct sockaddr *)&from, &from_len);

		if (len < 0 && errno == ENOBUFS) {
			ends->overruns[source]++;
			overrun_begins(ends, source);
		} else if (len < 0 && errno != EINTR) {
			overrun_ends(ends, source);
			return;
		} else if (len > 0 && from_len == sizeof(from) && !from.nl_pid) {
			take(ends, ends->buffer, len);
		}
	}
	ends->is_undrained = true;
}
