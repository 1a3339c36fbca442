/* SPDX-License-Identifier: BSD-2-Clause */
#include "preload/socket.h"
#include "preload/syscalls.h"
#include "common/message.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

/* 32-bit x86 has calls of their own for these only since 4.3; before, one call with their numbers.
 */
enum socket_call { SOCKET = 1, CONNECT = 3, SENDMSG = 16 };

static long call_socket(enum socket_call what, long a, const void *b, long c)
{
#ifdef SYS_socketcall
	long arguments[] = {a, (long)b, c};

	return CALL(SYS_socketcall, what, arguments);
#else
	static const int numbers[] = {
		[SOCKET] = SYS_socket, [CONNECT] = SYS_connect, [SENDMSG] = SYS_sendmsg};

	return CALL(numbers[what], a, b, c);
#endif
}

long socket_connect(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len = strlen(path);
	long fd, r;

	if (len >= sizeof(address.sun_path))
		return -1;
	memcpy(address.sun_path, path, len);
	fd = call_socket(SOCKET, AF_UNIX, (void *)(SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK), 0);
	if (fd < 0)
		return fd;
	r = call_socket(CONNECT, fd, &address,
			(long)(offsetof(struct sockaddr_un, sun_path) + len + 1));
	if (r < 0) {
		CALL(SYS_close, fd);
		return r;
	}
	return fd;
}

long socket_send(long fd, uint64_t id, const struct parts *parts)
{
	struct message_header header = {.magic = MESSAGE_MAGIC,
					.kind = MESSAGE_RUN,
					.id = id,
					.total = (uint32_t)parts->size};
	long r = 0;

	while (r >= 0 && header.offset < parts->size) {
		size_t piece = MIN(parts->size - header.offset, (size_t)MESSAGE_PIECE_MAX);
		struct iovec datagram[1 + PARTS_MAX] = {{&header, sizeof(header)}};
		struct msghdr message = {.msg_iov = datagram};

		message.msg_iovlen = 1 + parts_slice(parts, header.offset, piece, datagram + 1);
		r = call_socket(SENDMSG, fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
		header.offset += (uint32_t)piece;
	}
	return r < 0 ? r : 0;
}
