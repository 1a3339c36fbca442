/* SPDX-License-Identifier: BSD-2-Clause */
/* The daemon's socket: pieces put together per sender, bounds and quotas, and what is refused. */
#include "tests/unit/unit.h"

#include "common/run_message.h"
#include "daemon/receive.h"
#include "daemon/uid_quota.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

struct taken {
	unsigned int count;
	enum message_kind kind;
	struct message_sender sender;
	char *data;
	size_t len;
};

static void take(void *arg, enum message_kind kind, const struct message_sender *sender,
		 struct bytes message)
{
	struct taken *taken = arg;

	free(taken->data);
	taken->count++;
	taken->kind = kind;
	taken->sender = *sender;
	taken->data = malloc(message.len + 1);
	memcpy(taken->data, message.data, message.len);
	taken->len = message.len;
}

struct box {
	struct receiver *receiver;
	struct taken taken;
	uint64_t now_ns;
};

static const struct message_sender alice = {41, 1000, 100}, bob = {43, 1001, 101};

static int set_up(void **state)
{
	struct box *box = calloc(1, sizeof(*box));

	box->receiver = receiver_new_detached();
	box->now_ns = 1000 * NS_PER_S;
	*state = box;
	return box->receiver ? 0 : -1;
}

static int tear_down(void **state)
{
	struct box *box = *state;

	receiver_free(box->receiver);
	free(box->taken.data);
	free(box);
	return 0;
}

/* One datagram: a header and len bytes, each the low byte of its place in the message. */
static void send_piece(struct box *box, const struct message_sender *sender,
		       const struct message_header *header, size_t len)
{
	static char datagram[sizeof(*header) + 2 * MESSAGE_PIECE_MAX];

	memcpy(datagram, header, sizeof(*header));
	for (size_t i = 0; i < len; i++)
		datagram[sizeof(*header) + i] = (char)((header->offset + i) * 31);
	receiver_take(box->receiver, sender, (struct bytes){datagram, sizeof(*header) + len},
		      box->now_ns, take, &box->taken);
}

static struct message_header header_of(uint64_t id, uint32_t total, uint32_t offset)
{
	return (struct message_header){MESSAGE_MAGIC, MESSAGE_LINK, id, total, offset};
}

static void send_at(struct box *box, const struct message_sender *sender, uint64_t id,
		    uint32_t total, uint32_t offset)
{
	struct message_header header = header_of(id, total, offset);

	send_piece(box, sender, &header, MIN(total - offset, (uint32_t)MESSAGE_PIECE_MAX));
}

static void send_message(struct box *box, const struct message_sender *sender, uint64_t id,
			 uint32_t total)
{
	for (uint32_t offset = 0; offset < total; offset += MESSAGE_PIECE_MAX)
		send_at(box, sender, id, total, offset);
}

static void assert_taken(struct box *box, unsigned int count, const struct message_sender *sender,
			 size_t len)
{
	assert_int_equal(box->taken.count, count);
	assert_memory_equal(&box->taken.sender, sender, sizeof(*sender));
	assert_int_equal(box->taken.len, len);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(box->taken.data[i], (char)(i * 31));
}

static void test_messages_of_every_length(void **state)
{
	static const uint32_t lengths[] = {1,	  2,	 16383,	 16384,	     16385,
					   32768, 32769, 100003, MESSAGE_MAX};
	struct box *box = *state;

	for (unsigned int i = 0; i < ARRAY_SIZE(lengths); i++) {
		send_message(box, &alice, i + 1, lengths[i]);
		assert_taken(box, i + 1, &alice, lengths[i]);
	}
	assert_int_equal(receiver_counters(box->receiver, MESSAGE_LINK)->messages,
			 ARRAY_SIZE(lengths));
}

static void test_senders_are_kept_apart(void **state)
{
	static const struct message_sender other_pid = {42, 1000, 100};
	struct box *box = *state;

	/* the same id from three processes, piece by piece */
	for (uint32_t offset = 0; offset < 50000; offset += MESSAGE_PIECE_MAX) {
		send_at(box, &alice, 7, 50000, offset);
		send_at(box, &bob, 7, 50000, offset);
		send_at(box, &other_pid, 7, 50000, offset);
	}
	assert_taken(box, 3, &other_pid, 50000);
	assert_int_equal(receiver_counters(box->receiver, MESSAGE_LINK)->lost_order, 0);
}

static void test_headers_that_make_no_sense(void **state)
{
	static const struct {
		struct message_header header;
		size_t len;
	} cases[] = {
		{{MESSAGE_MAGIC + 1, MESSAGE_LINK, 1, 5, 0}, 5},
		{{MESSAGE_MAGIC, 0, 1, 5, 0}, 5},
		{{MESSAGE_MAGIC, 3, 1, 5, 0}, 5},
		{{MESSAGE_MAGIC, MESSAGE_LINK, 1, 5, 0}, 4},
		{{MESSAGE_MAGIC, MESSAGE_LINK, 1, 5, 0}, 6},
		{{MESSAGE_MAGIC, MESSAGE_LINK, 1, 0, 0}, 5},
		{{MESSAGE_MAGIC, MESSAGE_LINK, 1, 5, 5}, 5},
		{{MESSAGE_MAGIC, MESSAGE_LINK, 1, 40000, 1}, MESSAGE_PIECE_MAX},
		{{MESSAGE_MAGIC, MESSAGE_LINK, 1, 40000, 16383}, MESSAGE_PIECE_MAX},
		{{MESSAGE_MAGIC, MESSAGE_LINK, 1, 40000, 0}, MESSAGE_PIECE_MAX - 1},
		{{MESSAGE_MAGIC, MESSAGE_LINK, 1, 40000, 0}, MESSAGE_PIECE_MAX + 1},
		{{MESSAGE_MAGIC, MESSAGE_LINK, 1, 16384, UINT32_MAX - 16383}, MESSAGE_PIECE_MAX},
	};
	struct box *box = *state;
	uint64_t garbled = 0;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		send_piece(box, &alice, &cases[i].header, cases[i].len);
		assert_int_equal(receiver_counters(box->receiver, MESSAGE_LINK)->lost_garbled,
				 ++garbled);
	}
	for (size_t len = 0; len <= sizeof(struct message_header); len++)
		receiver_take(box->receiver, &alice,
			      (struct bytes){(const char *)&cases[3].header, len}, box->now_ns,
			      take, &box->taken);
	assert_int_equal(receiver_counters(box->receiver, MESSAGE_LINK)->lost_garbled,
			 garbled + sizeof(struct message_header) + 1);
	send_at(box, &alice, 1, MESSAGE_MAX + 1, 0);
	send_at(box, &alice, 2, UINT32_MAX, 0);
	assert_int_equal(receiver_counters(box->receiver, MESSAGE_LINK)->lost_too_long, 2);
	assert_int_equal(box->taken.count, 0);
}

static void test_missing_and_doubled_pieces(void **state)
{
	struct box *box = *state;

	send_at(box, &alice, 1, 50000, 16384); /* without a first one */
	assert_int_equal(receiver_counters(box->receiver, MESSAGE_LINK)->lost_order, 1);
	send_at(box, &alice, 2, 50000, 0);
	send_at(box, &alice, 2, 50000, 32768); /* one left out */
	assert_int_equal(receiver_counters(box->receiver, MESSAGE_LINK)->lost_order, 2);
	send_at(box, &alice, 3, 50000, 0);
	send_at(box, &alice, 3, 50000, 0); /* the same twice */
	assert_int_equal(receiver_counters(box->receiver, MESSAGE_LINK)->lost_order, 3);
	send_at(box, &alice, 4, 50000, 0);
	send_at(box, &alice, 4, 50001, 16384); /* another length */
	assert_int_equal(receiver_counters(box->receiver, MESSAGE_LINK)->lost_order, 4);
	assert_int_equal(box->taken.count, 0);
	/* and none of it is in the way of the next */
	send_message(box, &alice, 2, 50000);
	assert_taken(box, 1, &alice, 50000);
}

static void test_one_user_leaves_room_for_others(void **state)
{
	struct box *box = *state;

	for (uint64_t id = 1; id <= 23; id++)
		send_at(box, &alice, id, 20000, 0);
	assert_int_equal(receiver_counters(box->receiver, MESSAGE_LINK)->lost_full,
			 23 - RECEIVE_PENDING_UID_MAX);
	send_message(box, &bob, 1, 20000);
	assert_taken(box, 1, &bob, 20000);
	/* what is announced counts, too */
	for (uid_t uid = 5000; uid < 5013; uid++)
		send_at(box, &(struct message_sender){1, uid, 1}, 1, MESSAGE_MAX, 0);
	assert_int_equal(receiver_counters(box->receiver, MESSAGE_LINK)->lost_full,
			 23 - RECEIVE_PENDING_UID_MAX + 13 -
				 (RECEIVE_PENDING_BYTES - RECEIVE_PENDING_UID_MAX * 20000) /
					 MESSAGE_MAX);
}

static void test_the_rest_that_never_comes(void **state)
{
	struct box *box = *state;

	for (uint64_t id = 1; id <= RECEIVE_PENDING_UID_MAX; id++)
		send_at(box, &alice, id, 20000, 0);
	box->now_ns += RECEIVE_TIMEOUT_NS;
	/* no socket: only the sweep runs */
	assert_true(receiver_drain(box->receiver, 1, box->now_ns, take, &box->taken) < 0);
	assert_int_equal(receiver_counters(box->receiver, MESSAGE_LINK)->lost_timeout,
			 RECEIVE_PENDING_UID_MAX);
	send_message(box, &alice, 1, 20000);
	assert_taken(box, 1, &alice, 20000);
}

static void test_quota_of_a_user(void **state)
{
	struct box *box = *state;

	for (unsigned int i = 0; i < RECEIVE_UID_DATAGRAMS + 17; i++)
		send_at(box, &alice, i, 3, 0);
	assert_int_equal(box->taken.count, RECEIVE_UID_DATAGRAMS);
	assert_int_equal(receiver_counters(box->receiver, MESSAGE_LINK)->lost_quota, 17);
	send_at(box, &bob, 1, 3, 0);
	assert_int_equal(box->taken.count, RECEIVE_UID_DATAGRAMS + 1);
	box->now_ns += RECEIVE_WINDOW_NS;
	send_at(box, &alice, 1, 3, 0);
	assert_int_equal(box->taken.count, RECEIVE_UID_DATAGRAMS + 2);
}

static void test_quota_with_more_users_than_places(void **state)
{
	static const struct uid_quota_limits limits = {100, 3, 1000};
	struct uid_quota *quota = uid_quota_new(&limits);
	unsigned int allowed = 0;

	(void)state;
	for (unsigned int round = 0; round < 5; round++)
		for (uid_t uid = 0; uid < 7919; uid++)
			allowed += uid_quota_take(quota, uid, 1, 1000);
	/* those with a place have three each, all others three together */
	assert_true(allowed <= 3 * (UID_QUOTA_USERS + 1));
	assert_true(allowed > 3 * UID_QUOTA_USERS / 2);
	/* bytes over the limit are refused, and don't use it up */
	assert_false(uid_quota_take(quota, 1, 1001, 5000));
	assert_true(uid_quota_take(quota, 1, 1000, 5000));
	assert_false(uid_quota_take(quota, 1, 1, 5099));
	assert_true(uid_quota_take(quota, 1, 1, 5100));
	uid_quota_free(quota);
}

static void send_run(struct box *box, const struct message_sender *sender, uint64_t id,
		     uint32_t total, uint32_t offset)
{
	struct message_header header = {MESSAGE_MAGIC, MESSAGE_RUN, id, total, offset};

	send_piece(box, sender, &header, MIN(total - offset, (uint32_t)MESSAGE_PIECE_MAX));
}

/* Half messages without end take no room from whole ones, nor from links. */
static void test_a_flood_of_runs(void **state)
{
	struct box *box = *state;

	for (uint64_t id = 1; id <= 100003; id++)
		send_run(box, &(struct message_sender){1, 5000 + id % 101, 1}, id, 20000, 0);
	assert_int_equal(receiver_counters(box->receiver, MESSAGE_RUN)->lost_full,
			 100003 - RECEIVE_RUNS_PENDING_MAX);
	send_run(box, &alice, 7, 20000, 0);
	for (uint64_t id = 1; id < RECEIVE_RUNS_PENDING_MAX; id++)
		send_run(box, &bob, 200000 + id, 20000, 0);
	send_run(box, &alice, 7, 20000, MESSAGE_PIECE_MAX);
	assert_taken(box, 1, &alice, 20000);
	assert_int_equal(box->taken.kind, MESSAGE_RUN);
	send_message(box, &bob, 1, 50000);
	assert_taken(box, 2, &bob, 50000);
	assert_int_equal(box->taken.kind, MESSAGE_LINK);
	/* over its own length, which is less than a link's */
	send_run(box, &alice, 9, RUN_MESSAGE_MAX + 1, 0);
	assert_int_equal(receiver_counters(box->receiver, MESSAGE_RUN)->lost_too_long, 1);
}

static void test_quotas_of_runs_and_links(void **state)
{
	struct box *box = *state;
	const struct receive_counters *runs = receiver_counters(box->receiver, MESSAGE_RUN);

	for (unsigned int i = 0; i < RECEIVE_RUNS_UID_DATAGRAMS + 19; i++)
		send_run(box, &alice, i, 3, 0);
	assert_int_equal(runs->lost_quota, 19);
	assert_int_equal(box->taken.count, RECEIVE_RUNS_UID_DATAGRAMS);
	send_message(box, &alice, 1, 3);
	send_run(box, &bob, 1, 3, 0);
	assert_int_equal(box->taken.count, RECEIVE_RUNS_UID_DATAGRAMS + 2);
}

/* What came another way is no loss. */
static void test_the_rest_that_came_another_way(void **state)
{
	struct box *box = *state;

	send_run(box, &alice, 1, 20000, 0);
	receiver_forget(box->receiver, MESSAGE_RUN, bob.uid, 1); /* not his */
	receiver_forget(box->receiver, MESSAGE_RUN, alice.uid, 1);
	send_run(box, &alice, 2, 20000, 0);
	box->now_ns += RECEIVE_TIMEOUT_NS;
	assert_true(receiver_drain(box->receiver, 1, box->now_ns, take, &box->taken) < 0);
	assert_int_equal(receiver_counters(box->receiver, MESSAGE_RUN)->lost_timeout, 1);
}

/* --- the socket itself */

/* 0 or negative errno. */
static int send_with(const char *path, struct bytes data, int descriptor)
{
	union {
		struct cmsghdr header;
		char data[CMSG_SPACE(sizeof(int))];
	} control = {};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct iovec part = {(char *)data.data, data.len};
	struct msghdr message = {.msg_name = &address,
				 .msg_namelen = sizeof(address),
				 .msg_iov = &part,
				 .msg_iovlen = 1};
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0), r;

	strcpy(address.sun_path, path);
	if (descriptor >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &descriptor, sizeof(int));
	}
	r = sendmsg(fd, &message, 0) < 0 ? -errno : 0;
	close(fd);
	return r;
}

static unsigned int count_descriptors(void)
{
	unsigned int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void test_over_the_socket(void **state)
{
	char folder[] = "/tmp/runmark-receive-XXXXXX", path[64];
	struct taken taken = {};
	struct receiver *receiver;
	unsigned int descriptors;
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/sock", folder);
	assert_int_equal(receiver_new(path, &receiver), 0);
	receiver_free(receiver);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(receiver_new(path, &receiver), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0666);

	assert_int_equal(receiver_drain(receiver, 10, 1, take, &taken), 0);
	assert_int_equal(message_send(path, MESSAGE_RUN, BYTES("{}")), 0);
	assert_int_equal(message_send(path, MESSAGE_LINK, BYTES("hello")), 0);
	assert_int_equal(
		poll(&(struct pollfd){.fd = receiver_fd(receiver), .events = POLLIN}, 1, 0), 1);
	assert_int_equal(receiver_drain(receiver, 1, 1, take, &taken), 1);
	assert_int_equal(taken.kind, MESSAGE_RUN);
	assert_int_equal(receiver_drain(receiver, 10, 1, take, &taken), 1);
	assert_int_equal(taken.kind, MESSAGE_LINK);
	assert_int_equal(taken.sender.pid, getpid());
	assert_int_equal(taken.sender.uid, geteuid());
	assert_int_equal(taken.sender.gid, getegid());
	assert_memory_equal(taken.data, "hello", 5);

	/* descriptors stay outside; what came with them is refused */
	descriptors = count_descriptors();
	if (receiver_has_pidfds(receiver)) { /* Linux 6.16: nor can they be sent */
		assert_int_equal(send_with(path, BYTES("x"), STDIN_FILENO), -EPERM);
		assert_int_equal(receiver_drain(receiver, 10, 1, take, &taken), 0);
	} else {
		assert_int_equal(send_with(path, BYTES("x"), STDIN_FILENO), 0);
		assert_int_equal(receiver_drain(receiver, 10, 1, take, &taken), 1);
		assert_int_equal(receiver_counters(receiver, MESSAGE_LINK)->lost_descriptors, 1);
	}
	assert_int_equal(count_descriptors(), descriptors);
	/* a datagram larger than any of ours */
	static char large[40000];
	assert_int_equal(send_with(path, (struct bytes){large, sizeof(large)}, -1), 0);
	assert_int_equal(receiver_drain(receiver, 10, 1, take, &taken), 1);
	assert_int_equal(receiver_counters(receiver, MESSAGE_LINK)->lost_too_long, 1);
	assert_int_equal(taken.count, 2);
	receiver_free(receiver);
	free(taken.data);
	rmdir(folder);
}

static void take_pidfd(void *arg, enum message_kind kind, const struct message_sender *sender,
		       struct bytes message)
{
	(void)kind, (void)sender, (void)message;
	assert_true(receiver_take_pidfd(arg) >= 0);
	assert_int_equal(receiver_take_pidfd(arg), -1);
}

/* Who sent it has ended by then, and was waited for. */
static void test_the_sender_is_held(void **state)
{
	static char large[40009];
	char folder[] = "/tmp/runmark-receive-XXXXXX", path[64];
	struct receiver *receiver;
	unsigned int descriptors;
	pid_t pid;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/sock", folder);
	assert_int_equal(receiver_new(path, &receiver), 0);
	if (!receiver_has_pidfds(receiver)) {
		receiver_free(receiver);
		rmdir(folder);
		print_message("this kernel has no SO_PASSRIGHTS\n");
		skip();
	}
	descriptors = count_descriptors();
	pid = fork();
	if (!pid)
		_exit(message_send(path, MESSAGE_RUN, BYTES("{}")) ||
		      message_send(path, MESSAGE_LINK, (struct bytes){large, sizeof(large)}));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(receiver_drain(receiver, 1, 1, take_pidfd, receiver), 1);
	assert_int_equal(receiver_drain(receiver, 10, 1, take_pidfd, receiver), 3);
	/* those that were taken are ours, and no other is left */
	assert_int_equal(count_descriptors(), descriptors + 2);
	receiver_free(receiver);
	rmdir(folder);
}

static void test_what_lies_in_the_place_of_the_socket(void **state)
{
	char folder[] = "/tmp/runmark-receive-XXXXXX", path[64], long_path[200];
	struct receiver *receiver, *second;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/sock", folder);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	assert_int_equal(receiver_new(path, &receiver), -EEXIST);
	unlink(path);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(receiver_new(path, &receiver), -EEXIST);
	unlink(path);
	/* a stale one */
	assert_int_equal(receiver_new(path, &receiver), 0);
	assert_int_equal(receiver_new(path, &second), 0);
	receiver_free(second);
	receiver_free(receiver);
	memset(long_path, 'a', sizeof(long_path) - 1);
	long_path[sizeof(long_path) - 1] = '\0';
	assert_int_equal(receiver_new(long_path, &receiver), -ENAMETOOLONG);
	rmdir(folder);
	assert_int_equal(receiver_new(path, &receiver), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_messages_of_every_length, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_senders_are_kept_apart, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_headers_that_make_no_sense, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_missing_and_doubled_pieces, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_one_user_leaves_room_for_others, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_the_rest_that_never_comes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_quota_of_a_user, set_up, tear_down),
		cmocka_unit_test(test_quota_with_more_users_than_places),
		cmocka_unit_test_setup_teardown(test_a_flood_of_runs, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_quotas_of_runs_and_links, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_the_rest_that_came_another_way, set_up,
						tear_down),
		cmocka_unit_test(test_over_the_socket),
		cmocka_unit_test(test_the_sender_is_held),
		cmocka_unit_test(test_what_lies_in_the_place_of_the_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
