/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many datagrams may wait in a socket is decided when it is made, for all of a network
 * namespace's alike, and is 10 by default: a burst of programs would find it full. So the setting
 * is raised for that moment, and put back.
 *
 * What a sender passes along with a datagram is no longer kept out by a small control buffer once
 * the buffer has room for a pidfd, which is as long as any other descriptor: pidfds are asked for
 * only where the kernel can refuse the others (SO_PASSRIGHTS).
 */
#include "daemon/receive_socket.h"
#include "common/fs.h"

#include <errno.h>
#include <sys/socket.h>

#define QUEUE_FILE "/proc/sys/net/unix/max_dgram_qlen"

static unsigned int queue_read(void)
{
	_cleanup_free_ char *text = NULL;
	size_t len;

	return fs_read_file(AT_FDCWD, QUEUE_FILE, 32, &text, &len) ? 0 : strtoul(text, NULL, 10);
}

static bool queue_write(unsigned int length)
{
	_cleanup_close_ int fd = open(QUEUE_FILE, O_WRONLY | O_CLOEXEC);
	char text[16];
	int len = snprintf(text, sizeof(text), "%u\n", length);

	return fd >= 0 && write(fd, text, len) == len;
}

static bool set(int fd, int option, int value)
{
	return !setsockopt(fd, SOL_SOCKET, option, &value, sizeof(value));
}

int receive_socket(unsigned int queue_wanted, unsigned int *ret_queue, bool *ret_has_pidfds)
{
	unsigned int queue = queue_read();
	bool is_raised = queue && queue < queue_wanted && queue_write(queue_wanted);
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error = errno;

	if (is_raised)
		(void)queue_write(queue);
	if (fd < 0)
		return -error;
	/* before it has a name: whoever can send is attested */
	if (!set(fd, SO_PASSCRED, 1))
		return -errno;
	*ret_has_pidfds = set(fd, SO_PASSRIGHTS, 0) && set(fd, SO_PASSPIDFD, 1);
	*ret_queue = is_raised ? queue_wanted : queue;
	return TAKE_FD(fd);
}
