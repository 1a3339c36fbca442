/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages in pieces over a socket. */
#include "tests/unit/unit.h"

#include "common/message.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

static char folder[] = "/tmp/runmark-message-XXXXXX";
static struct sockaddr_un address = {.sun_family = AF_UNIX};

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", folder);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(address.sun_path);
	return rmdir(folder);
}

static int listen_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	unlink(address.sun_path);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void messages_arrive_whole(void **state)
{
	static const struct {
		size_t len;
		unsigned int pieces;
	} cases[] = {{1, 1},
		     {MESSAGE_PIECE_MAX - 1, 1},
		     {MESSAGE_PIECE_MAX, 1},
		     {MESSAGE_PIECE_MAX + 1, 2},
		     {3 * MESSAGE_PIECE_MAX + 7, 4}};
	uint64_t last_id = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *message = malloc(cases[i].len), *got = calloc(1, cases[i].len);
		_cleanup_close_ int fd = listen_socket();
		struct {
			struct message_header header;
			char data[MESSAGE_PIECE_MAX + 1];
		} piece;
		uint64_t id = 0;

		for (size_t j = 0; j < cases[i].len; j++)
			message[j] = (char)(j % 251);
		assert_int_equal(message_send(address.sun_path, MESSAGE_LINK,
					      (struct bytes){message, cases[i].len}),
				 0);
		for (unsigned int n = 0; n < cases[i].pieces; n++) {
			ssize_t len =
				recv(fd, &piece, sizeof(piece), 0) - (ssize_t)sizeof(piece.header);

			assert_in_range(len, 1, MESSAGE_PIECE_MAX);
			assert_int_equal(piece.header.magic, MESSAGE_MAGIC);
			assert_int_equal(piece.header.kind, MESSAGE_LINK);
			assert_int_equal(piece.header.total, cases[i].len);
			assert_int_equal(piece.header.offset, n * MESSAGE_PIECE_MAX);
			assert_true(!n || piece.header.id == id);
			id = piece.header.id;
			memcpy(got + piece.header.offset, piece.data, (size_t)len);
		}
		assert_int_equal(recv(fd, &piece, sizeof(piece), 0), -1);
		assert_memory_equal(got, message, cases[i].len);
		assert_true(id != last_id);
		last_id = id;
	}
}

static void nobody_waits(void **state)
{
	_cleanup_close_ int fd = listen_socket();
	_cleanup_free_ char *message = calloc(1, MESSAGE_MAX);
	int r = 0;

	(void)state;
	for (int i = 0; i < 4711 && !r; i++)
		r = message_send(address.sun_path, MESSAGE_RUN,
				 (struct bytes){message, MESSAGE_PIECE_MAX});
	assert_int_equal(r, -EAGAIN);
}

static void what_cannot_be_sent(void **state)
{
	static const char long_path[] =
		"/123456789/123456789/123456789/123456789/123456789/123456789/123456789/123456789/"
		"123456789/123456789/123456789";
	_cleanup_free_ char *message = calloc(1, MESSAGE_MAX + 1);

	(void)state;
	unlink(address.sun_path);
	assert_int_equal(message_send(address.sun_path, MESSAGE_LINK, BYTES("x")), -ENOENT);
	close(listen_socket());
	assert_int_equal(message_send(address.sun_path, MESSAGE_LINK, BYTES("x")), -ECONNREFUSED);
	assert_int_equal(message_send(long_path, MESSAGE_LINK, BYTES("x")), -ENAMETOOLONG);
	assert_int_equal(message_send(address.sun_path, MESSAGE_LINK, BYTES("")), -EINVAL);
	assert_int_equal(message_send(address.sun_path, MESSAGE_LINK,
				      (struct bytes){message, MESSAGE_MAX + 1}),
			 -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_arrive_whole),
		cmocka_unit_test(nobody_waits),
		cmocka_unit_test(what_cannot_be_sent),
	};

	return cmocka_run_group_tests_name("message", tests, set_up, tear_down);
}
