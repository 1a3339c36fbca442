// SPDX-License-Identifier: BSD-2-Clause
/* The control socket: three questions, and clients of every kind of manners. */
#include "tests/unit/daemon_folder.h"

#include "daemon/control.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

static char folder[64], path[512];
static struct control_server *server;

static struct {
	unsigned int flushes, tail_calls;
	bool is_tailed, is_flushed;
	size_t padding; /* of a status */
} daemon_state;

static cJSON *status(void *arg)
{
	cJSON *answer = cJSON_CreateObject();
	char *text = calloc(1, daemon_state.padding + 1);

	(void)arg;
	memset(text, 'x', daemon_state.padding);
	cJSON_AddStringToObject(answer, "status", text);
	free(text);
	return answer;
}

static cJSON *explain(void *arg, const char *what)
{
	cJSON *answer = cJSON_CreateObject();

	(void)arg;
	cJSON_AddStringToObject(answer, "explained", what);
	return answer;
}

static void flush(void *arg)
{
	(void)arg;
	daemon_state.flushes++;
}

static cJSON *flushed(void *arg)
{
	cJSON *answer = NULL;

	(void)arg;
	if (daemon_state.is_flushed) {
		answer = cJSON_CreateObject();
		cJSON_AddTrueToObject(answer, "flushed");
	}
	return answer;
}

static void tail(void *arg, bool on)
{
	(void)arg;
	daemon_state.tail_calls++;
	daemon_state.is_tailed = on;
}

static const struct control_actions actions = {status, explain, flush, flushed, tail};

static int begin(void **state)
{
	(void)state;
	folder_new(folder);
	memset(&daemon_state, 0, sizeof(daemon_state));
	snprintf(path, sizeof(path), "%s/run/control.sock", folder);
	return control_new(path, &actions, NULL, &server);
}

static int end(void **state)
{
	(void)state;
	control_free(server);
	server = NULL;
	folder_free(folder);
	return 0;
}

static int client_new(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%.100s", path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void serve(int times)
{
	while (times--)
		control_serve(server);
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
	serve(3);
}

/* What is there to read now; "(closed)" behind it if the server has closed. */
static const char *hear(int fd)
{
	static char text[512];
	size_t len = 0;
	ssize_t n;

	while ((n = recv(fd, text + len, sizeof(text) - len - 16, MSG_DONTWAIT)) > 0)
		len += n;
	strcpy(text + len, n == 0 || errno == ECONNRESET ? "(closed)" : "");
	return text;
}

static bool server_is_quiet(void)
{
	struct pollfd ready = {.fd = control_fd(server), .events = POLLIN};

	return poll(&ready, 1, 0) == 0;
}

static void a_question_is_answered(void **state)
{
	static const struct {
		const char *question, *answer;
	} cases[] = {
		{"status\n", "{\"status\":\"\"}\n(closed)"},
		{"status\nflush\n", "{\"status\":\"\"}\n(closed)"},
		{"stat\n", "{\"error\":\"unknown request; status, explain, flush and tail are "
			   "known\"}\n(closed)"},
		{"\n", "{\"error\":\"unknown request; status, explain, flush and tail are "
		       "known\"}\n(closed)"},
		{"status", ""},
		{"explain 17\n", "{\"explained\":\"17\"}\n(closed)"},
		{"explain /a b\n", "{\"explained\":\"/a b\"}\n(closed)"},
		{"explain \n", "{\"explained\":\"\"}\n(closed)"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int fd = client_new();

		say(fd, cases[i].question);
		assert_string_equal(hear(fd), cases[i].answer);
		close(fd);
		serve(3);
	}
	assert_true(server_is_quiet());
}

/* One byte below and at the limit. */
static void a_question_has_a_length(void **state)
{
	(void)state;
	for (size_t len = CONTROL_LINE_MAX - 2; len < CONTROL_LINE_MAX; len++) {
		char question[CONTROL_LINE_MAX + 1];
		int fd = client_new();

		memset(question, 'x', len);
		question[len] = '\0';
		say(fd, question);
		assert_string_equal(hear(fd), len < CONTROL_LINE_MAX - 1 ? "" : "(closed)");
		close(fd);
		serve(3);
	}
	assert_true(server_is_quiet());
}

static void a_question_may_come_in_pieces(void **state)
{
	int fd = client_new();

	(void)state;
	say(fd, "sta");
	assert_string_equal(hear(fd), "");
	say(fd, "tus");
	say(fd, "\n");
	assert_string_equal(hear(fd), "{\"status\":\"\"}\n(closed)");
	close(fd);
}

static void a_flush_is_answered_when_it_is_done(void **state)
{
	int first = client_new(), second = client_new(), gone = client_new();

	(void)state;
	say(first, "flush\n");
	say(second, "flush\n");
	say(gone, "flush\n");
	close(gone);
	serve(3);
	assert_int_equal(daemon_state.flushes, 3);
	assert_string_equal(hear(first), "");
	daemon_state.is_flushed = true;
	serve(1);
	assert_string_equal(hear(first), "{\"flushed\":true}\n(closed)");
	assert_string_equal(hear(second), "{\"flushed\":true}\n(closed)");
	close(first);
	close(second);
}

/* Who has said all may close that side (as nc does): answered all the same, and no reason to be
 * awake. */
static void a_half_closed_client_is_served(void **state)
{
	int waits = client_new(), watches = client_new(), silent = client_new();

	(void)state;
	say(waits, "flush\n");
	shutdown(waits, SHUT_WR);
	say(watches, "tail\n");
	shutdown(watches, SHUT_WR);
	shutdown(silent, SHUT_WR); /* has asked nothing, and never will */
	serve(5);
	assert_true(server_is_quiet());
	assert_string_equal(hear(silent), "(closed)");
	control_lines(server, "{}\n");
	assert_string_equal(hear(watches), "{}\n");
	daemon_state.is_flushed = true;
	serve(1);
	assert_string_equal(hear(waits), "{\"flushed\":true}\n(closed)");
	close(watches);
	serve(3);
	assert_false(daemon_state.is_tailed);
	close(waits);
	close(silent);
}

/* More than a socket holds, to one who has closed his side meanwhile. */
static void a_long_answer_arrives_whole(void **state)
{
	int fd = client_new();
	size_t len = 0;

	(void)state;
	daemon_state.padding = 3000017;
	assert_int_equal(send(fd, "status\n", 7, MSG_NOSIGNAL), 7);
	shutdown(fd, SHUT_WR);
	for (int i = 0; i < 100000; i++) {
		static char piece[65536];
		ssize_t n;

		control_serve(server);
		n = recv(fd, piece, sizeof(piece), MSG_DONTWAIT);
		if (n == 0)
			break;
		len += MAX(n, 0);
	}
	assert_int_equal(len, daemon_state.padding + strlen("{\"status\":\"\"}\n"));
	close(fd);
}

static void who_watches_gets_lines(void **state)
{
	int first = client_new(), second = client_new();

	(void)state;
	control_lines(server, "{\"before\":1}\n");
	say(first, "tail\n");
	assert_true(daemon_state.is_tailed);
	say(second, "tail\n");
	assert_int_equal(daemon_state.tail_calls, 1);
	control_lines(server, "{\"a\":1}\n{\"a\":2}\n");
	assert_string_equal(hear(first), "{\"a\":1}\n{\"a\":2}\n");
	say(second, "chatter that nobody asked for\n");
	assert_string_equal(hear(second), "{\"a\":1}\n{\"a\":2}\n");
	close(first);
	serve(3);
	assert_true(daemon_state.is_tailed);
	close(second);
	serve(3);
	assert_false(daemon_state.is_tailed);
	assert_int_equal(daemon_state.tail_calls, 2);
}

static void who_does_not_read_is_dropped(void **state)
{
	_cleanup_free_ char *lines = calloc(1, 1 << 20);
	int slow = client_new(), good = client_new();

	(void)state;
	memset(lines, 'x', (1 << 20) - 2);
	lines[(1 << 20) - 2] = '\n';
	say(slow, "tail\n");
	say(good, "tail\n");
	for (size_t sent = 0; sent <= CONTROL_BACKLOG_MAX + (4u << 20); sent += 1 << 20) {
		static char piece[1 << 20];

		control_lines(server, lines);
		for (int i = 0; i < 50; i++) {
			(void)recv(good, piece, sizeof(piece), MSG_DONTWAIT);
			control_serve(server);
		}
	}
	assert_true(daemon_state.is_tailed);
	close(good);
	serve(3);
	assert_false(daemon_state.is_tailed);
	close(slow);
}

static void there_are_few_clients_at_once(void **state)
{
	int fds[CONTROL_CLIENTS_MAX + 3];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = client_new();
		serve(2);
	}
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		assert_string_equal(hear(fds[i]), i < CONTROL_CLIENTS_MAX ? "" : "(closed)");
	close(fds[3]);
	serve(2);
	close(fds[ARRAY_SIZE(fds) - 1]);
	fds[3] = client_new();
	serve(2);
	say(fds[3], "status\n");
	assert_string_equal(hear(fds[3]), "{\"status\":\"\"}\n(closed)");
	for (size_t i = 0; i < ARRAY_SIZE(fds) - 1; i++)
		close(fds[i]);
}

static void the_socket_is_roots_alone_and_goes(void **state)
{
	struct control_server *next;
	char long_path[200];
	struct stat st;

	(void)state;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	/* one that a killed daemon left is replaced */
	assert_int_equal(control_new(path, &actions, NULL, &next), 0);
	control_free(next);
	assert_int_equal(stat(path, &st), -1);
	memset(long_path, 'x', sizeof(long_path) - 1);
	memcpy(long_path, "/tmp/", 5);
	long_path[sizeof(long_path) - 1] = '\0';
	assert_int_equal(control_new(long_path, &actions, NULL, &next), -ENAMETOOLONG);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(a_question_is_answered),	      TEST(a_question_has_a_length),
		TEST(a_question_may_come_in_pieces),  TEST(a_flush_is_answered_when_it_is_done),
		TEST(a_half_closed_client_is_served), TEST(a_long_answer_arrives_whole),
		TEST(who_watches_gets_lines),	      TEST(who_does_not_read_is_dropped),
		TEST(there_are_few_clients_at_once),  TEST(the_socket_is_roots_alone_and_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
