// SPDX-License-Identifier: BSD-2-Clause
/*
 * From a program's message to its run record, through the tracker. What the kernel says of a
 * process is asked of real ones: this test's own children.
 */
#include "tests/unit/unit.h"

#include "tests/unit/preload_bench.h"

#include "common/opt_out.h"
#include "daemon/rules.h"

static void assert_list(const cJSON *record, const char *text, bool is_there)
{
	if (is_incomplete(record, text) != is_there)
		fail_msg("%s: %s", is_there ? "missing" : "too much", text);
}

static long number_of(const cJSON *record, const char *name)
{
	double value;

	assert_int_equal(record_get_number(record, name, &value), 0);
	return value;
}

/* What a message makes is a run like any other, of another source. */
static void test_run(void **state)
{
	_cleanup_json_ cJSON *record = NULL;

	(void)state;
	assert_int_equal(send_program(GONE_PID, &(struct told_program){.used_ns = 1000000}), 0);
	assert_int_equal(bench.watched, 1);
	assert_null(bench_record(&bench));
	bench_ended(&bench, GONE_PID, 7 << 8, 3000000);
	record = bench_record(&bench);
	assert_non_null(record);
	assert_json(record, "source", "\"preload\"");
	assert_json(record, "exit", "{\"code\":7}");
	assert_json(record, "exe.path", "\"/usr/bin/program\"");
	assert_json(record, "exe.build_id", "\"abababababababababababababababababababab\"");
	assert_json(record, "exe.device", "\"8:1\"");
	assert_json(record, "exe.size", "9001");
	assert_json(record, "exe.fstype", "null");
	assert_json(record, "argv", "[\"program\",\"-n\"]");
	assert_json(record, "uid", "1009");
	assert_json(record, "gid", "1013");
	assert_json(record, "usage.user_s", "0.002");
	assert_json(record, "usage.minor_faults", "31");
	assert_json(record, "usage.read_bytes", "4096");
	assert_json(record, "usage.max_rss", "5242880");
	assert_json(record, "usage.forks", "null");
	assert_json(record, "set.objects",
		    "[{\"path\":\"/none/ld-linux-x86-64.so.2\",\"build_id\":"
		    "\"0202020202020202020202020202020202020202\",\"watermark\":null},"
		    "{\"path\":\"/usr/lib/liba.so\",\"build_id\":"
		    "\"0101010101010101010101010101010101010101\",\"watermark\":null}]");
	assert_json(record, "incomplete",
		    "[\"exe.fstype: not told by the module\","
		    "\"job: its control group is its own word\","
		    "\"usage.forks: not known, nor what copies used\"]");
}

/* Numbers that no reader of records takes are null, and said to be missing. */
static void test_over(void **state)
{
	static const struct {
		struct told_program program;
		const char *name, *incomplete;
	} cases[] = {
		{{.size = RECORD_NUMBER_MAX + 2}, "exe.size", "exe.size: more than a record holds"},
		{{.mtime_ns = RECORD_TIME_MAX},
		 "exe.mtime",
		 "exe.mtime: no year from 1970 to 2261"},
		{{.mtime_ns = UINT64_MAX}, "exe.mtime", "exe.mtime: no year from 1970 to 2261"},
		{{.read_bytes = RECORD_NUMBER_MAX + 2},
		 "usage.max_rss",
		 "usage: with what the process used before this program"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_json_ cJSON *record = NULL;
		struct told_program program = cases[i].program;
		bool is_usage = program.read_bytes;

		program.token = 2000 + i;
		assert_int_equal(send_program(GONE_PID, &program), 0);
		bench_ended(&bench, GONE_PID, 0, 3000000);
		record = bench_record(&bench);
		assert_non_null(record);
		assert_json(record, cases[i].name, is_usage ? "5242880" : "null");
		assert_list(record, cases[i].incomplete, true);
	}
}

/* --- what is not known of ends */

static void test_ends(void **state)
{
	static const struct {
		struct end end;
		const char *exit, *user, *rss, *io, *incomplete;
	} cases[] = {
		{{.has_status = true, .wait_status = 9},
		 "{\"signal\":9,\"name\":\"SIGKILL\",\"core\":false,\"oom\":false}",
		 NULL,
		 NULL,
		 NULL,
		 "usage: not known"},
		{{.wait_status = 1 << 8,
		  .has_times = true,
		  .usage = {.user_ns = 5000000, .runtime_ns = 5000000}},
		 "null",
		 "0.005",
		 "null",
		 "null",
		 "exit: not known"},
		{{.has_status = true,
		  .has_times = true,
		  .has_io = true,
		  .usage = {.read_bytes = 7}},
		 "{\"code\":0}",
		 "0",
		 "null",
		 "7",
		 "usage.max_rss: not known"},
		{{.has_status = true,
		  .has_usage = true,
		  .is_partial = true,
		  .forks_since_ns = 1,
		  .usage = {.max_rss = 13}},
		 "{\"code\":0}",
		 "0",
		 "13",
		 "0",
		 "usage: not of all threads"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_json_ cJSON *record = NULL;
		struct end told = cases[i].end;

		told.pid = GONE_PID;
		told.time_ns = node_boot_ns();
		assert_int_equal(send_program(GONE_PID, &(struct told_program){.token = 1000 + i}),
				 0);
		preload_end(bench.preload, &told);
		preload_advance(bench.preload, true);
		record = bench_record(&bench);
		assert_json(record, "exit", cases[i].exit);
		if (cases[i].user) {
			assert_json(record, "usage.user_s", cases[i].user);
			assert_json(record, "usage.max_rss", cases[i].rss);
			assert_json(record, "usage.read_bytes", cases[i].io);
			assert_json(record, "usage.forks", told.forks_since_ns ? "0" : "null");
		} else {
			assert_json(record, "usage", "null");
		}
		assert_list(record, cases[i].incomplete, true);
	}
}

/* What a process sent before its end may still wait in the socket when its end is seen. */
static void test_late_exec(void **state)
{
	_cleanup_json_ cJSON *first = NULL, *second = NULL;
	struct end told = {.pid = GONE_PID, .has_status = true};

	(void)state;
	assert_int_equal(send_program(GONE_PID, &(struct told_program){.token = 1}), 0);
	told.time_ns = node_boot_ns();
	preload_end(bench.preload, &told);
	preload_advance(bench.preload, false);
	assert_null(bench_record(&bench));
	assert_int_equal(
		send_program(GONE_PID,
			     &(struct told_program){.token = 2, .boot_ns = told.time_ns - 1}),
		0);
	preload_advance(bench.preload, true);
	first = bench_record(&bench);
	second = bench_record(&bench);
	assert_json(first, "exit", "null");
	assert_json(second, "exit", "{\"code\":0}");
	assert_string_equal(record_get(first, "next_run_id")->valuestring,
			    record_get(second, "run_id")->valuestring);
}

/* --- which image it is */

static void test_exec_chain(void **state)
{
	_cleanup_json_ cJSON *first = NULL, *second = NULL;
	pid_t child;

	(void)state;
	children_new(&child, 1);
	assert_int_equal(send_program(child, &(struct told_program){.token = 1,
								    .end = {4096, RUN_END_AREA},
								    .used_ns = 1000000}),
			 0);
	assert_int_equal(send_program(child, &(struct told_program){.token = 2,
								    .used_ns = 5000000,
								    .exe = "/usr/bin/other"}),
			 0);
	children_end(&child);
	bench_ended(&bench, child, 0, 6000000);
	first = bench_record(&bench);
	second = bench_record(&bench);
	assert_null(bench_record(&bench));
	assert_json(first, "usage.user_s", "0.004");
	assert_json(first, "usage.max_rss", "null");
	assert_json(first, "exit", "null");
	assert_string_equal(record_get(first, "next_run_id")->valuestring,
			    record_get(second, "run_id")->valuestring);
	assert_list(first, "objects: those it opened later are not known", true);
	assert_json(second, "usage.user_s", "0.001");
	assert_json(second, "exe.path", "\"/usr/bin/other\"");
	assert_list(second, "job: its control group is its own word", false);
	assert_int_equal(counts().begins, 2);
	assert_int_equal(counts().processes, 0);
}

static void test_doubled(void **state)
{
	_cleanup_json_ cJSON *record = NULL;

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(send_program(GONE_PID, &(struct told_program){.token = 5}), 0);
	assert_int_equal(counts().doubled, 2);
	bench_ended(&bench, GONE_PID, 0, 0);
	record = bench_record(&bench);
	assert_non_null(record);
	/* by the drop folder, long after */
	assert_int_equal(send_program(GONE_PID, &(struct told_program){.token = 5}), 0);
	assert_int_equal(counts().doubled, 3);
	assert_int_equal(counts().processes, 0);
	assert_null(bench_record(&bench));
}

/* A number that is used again: a message of the process that has it now. */
static void test_number_again(void **state)
{
	_cleanup_json_ cJSON *first = NULL;
	pid_t child;

	(void)state;
	children_new(&child, 1);
	/* begun before the child was: of who had its number */
	assert_int_equal(send_program(child, &(struct told_program){.token = 1, .boot_ns = 1000}),
			 0);
	assert_int_equal(bench.watched, 0);
	assert_int_equal(send_program(child, &(struct told_program){.token = 2}), 0);
	preload_advance(bench.preload, true);
	children_end(&child);
	first = bench_record(&bench);
	assert_non_null(first);
	assert_null(bench_record(&bench));
	assert_list(first, "exit: not known", true);
	assert_int_equal(bench.watched_pid, child);
}

/* --- who it is */

/* A message says what it likes: pid, user, parent and group are the kernel's. */
static void test_forged(void **state)
{
	_cleanup_json_ cJSON *record = NULL;
	pid_t child, self = getpid();

	(void)state;
	children_new(&child, 1);
	assert_int_equal(
		bench_send(&bench, child, 1013,
			   bench_message(&room, &(struct told_program){.pid = self, .ppid = 1})),
		0);
	assert_int_equal(bench.watched_pid, child);
	children_end(&child);
	bench_ended(&bench, child, 0, 0);
	record = bench_record(&bench);
	assert_int_equal(number_of(record, "pid"), child);
	assert_int_equal(number_of(record, "ppid"), self);
	assert_json(record, "uid", "1013");
	assert_int_equal(number_of(record, "euid"), geteuid());
	assert_list(record, "job: its control group is its own word", false);
}

/* One that is gone already can't make itself the child of another user's process. */
static void test_forged_parent(void **state)
{
	_cleanup_json_ cJSON *mine = NULL, *other = NULL;
	pid_t child;

	(void)state;
	children_new(&child, 1);
	assert_int_equal(send_program(child, &(struct told_program){.token = 1}), 0);
	assert_int_equal(bench_send(&bench, GONE_PID, 1013,
				    bench_message(&room, &(struct told_program){.pid = GONE_PID,
										.ppid = child})),
			 0);
	bench_ended(&bench, GONE_PID, 0, 0);
	other = bench_record(&bench);
	assert_json(other, "parent_run_id", "null");
	assert_int_equal(bench_send(&bench, GONE_PID - 1, 1009,
				    bench_message(&room, &(struct told_program){.pid = GONE_PID - 1,
										.token = 3,
										.ppid = child})),
			 0);
	bench_ended(&bench, GONE_PID - 1, 0, 0);
	mine = bench_record(&bench);
	assert_int_equal(number_of(mine, "ppid"), child);
	assert_true(cJSON_IsString(record_get(mine, "parent_run_id")));
	children_end(&child);
}

static int send_file(uint32_t owner, const struct told_program *program)
{
	struct bytes message = bench_message(&room, program);
	struct run_file_head head = {.magic = RUN_FILE_MAGIC,
				     .message_size = (uint32_t)message.len};
	_cleanup_free_ char *file = malloc(sizeof(head) + message.len);

	assert_non_null(file);
	memcpy(file, &head, sizeof(head));
	memcpy(file + sizeof(head), message.data, message.len);
	return preload_take_file(bench.preload, owner, 1013,
				 (struct bytes){file, sizeof(head) + message.len});
}

/* A file says what it likes, and anybody may leave one: another user's process is none of its. */
static void test_forged_file(void **state)
{
	const struct node *node = &bench.place.node;
	_cleanup_json_ cJSON *record = NULL;
	uint64_t start_ns;
	uint32_t ppid;
	pid_t child;

	(void)state;
	children_new(&child, 1);
	assert_int_equal(send_program(child, &(struct told_program){.token = 1}), 0);
	assert_true(preload_look_stat(child, node->tick_ns, &ppid, &start_ns));
	for (unsigned int before = 0; before < 3; before++) { /* as it, or as who had its number */
		struct told_program program = {.pid = child,
					       .token = 2 + before,
					       .boot = node->boot_id,
					       .start_ticks = start_ns / node->tick_ns - before};

		assert_int_equal(send_file(1013, &program), -EPERM);
	}
	assert_int_equal(counts().refused, 3);
	assert_int_equal(counts().processes, 1);
	assert_null(bench_record(&bench));
	children_end(&child);
	bench_ended(&bench, child, 7 << 8, 0);
	record = bench_record(&bench);
	assert_json(record, "exit", "{\"code\":7}");
	assert_json(record, "uid", "1009");
	assert_null(bench_record(&bench));
}

/* A full socket had no room for the first of two programs of a process, but for the second: that
 * goes on. */
static void test_earlier_file(void **state)
{
	const struct node *node = &bench.place.node;
	const uint32_t owners[] = {0, 1009}; /* whose the process is now, or who told of it */
	uint64_t start_ns;
	uint32_t ppid;
	pid_t child[2];

	(void)state;
	children_new(child, 2);
	for (unsigned int i = 0; i < ARRAY_SIZE(owners); i++) {
		_cleanup_json_ cJSON *first = NULL, *last = NULL;
		struct told_program program = {.pid = child[i],
					       .token = 10 + i,
					       .boot = node->boot_id,
					       .boot_ns = node_boot_ns(),
					       .argv = BYTES("first\0")};

		assert_int_equal(send_program(child[i], &(struct told_program){.token = 20 + i}),
				 0);
		assert_true(preload_look_stat(child[i], node->tick_ns, &ppid, &start_ns));
		program.start_ticks = start_ns / node->tick_ns;
		assert_int_equal(send_file(owners[i], &program), 0);
		assert_int_equal(counts().processes, 1);
		first = bench_record(&bench);
		assert_json(first, "argv", "[\"first\"]");
		assert_json(first, "end", "null");
		bench_ended(&bench, child[i], 7 << 8, 0);
		last = bench_record(&bench);
		assert_json(last, "argv", "[\"program\",\"-n\"]");
		assert_json(last, "exit", "{\"code\":7}");
		assert_null(bench_record(&bench));
	}
	children_end(child);
}

/* A copy in between tells nothing of itself: the child's parent is the program it is a copy of. */
static void test_copies(void **state)
{
	_cleanup_json_ cJSON *shell = NULL, *child = NULL;
	pid_t list[4];

	(void)state;
	children_new(list, 4);
	assert_int_equal(send_program(list[0], &(struct told_program){.token = 1}), 0);
	assert_int_equal(send_program(list[3], &(struct told_program){.token = 2}), 0);
	assert_int_equal(counts().processes, 4);
	assert_int_equal(bench.watched, 4);
	for (int i = 3; i >= 0; i--)
		bench_ended(&bench, list[i], 0, 1000000);
	children_end(list);
	child = bench_record(&bench);
	shell = bench_record(&bench);
	assert_null(bench_record(&bench));
	assert_int_equal(number_of(child, "ppid"), list[2]);
	assert_string_equal(record_get(child, "parent_run_id")->valuestring,
			    record_get(shell, "run_id")->valuestring);
	assert_json(shell, "usage.user_s", "0.003"); /* with what the copies used that are known */
	assert_int_equal(counts().processes, 0);
}

static void test_opt_out(void **state)
{
	_cleanup_json_ cJSON *before = NULL, *out = NULL, *child = NULL;
	pid_t list[2];

	(void)state;
	children_new(list, 2);
	assert_int_equal(send_program(list[0], &(struct told_program){.token = 1}), 0);
	message_begin(&room, RUN_OPT_OUT, list[0], 2);
	assert_int_equal(bench_send(&bench, list[0], 1009, message_end(&room)), 0);
	assert_int_equal(send_program(list[1], &(struct told_program){.token = 3}), 0);
	bench_ended(&bench, list[1], 0, 0);
	bench_ended(&bench, list[0], 0, 0);
	children_end(list);
	before = bench_record(&bench);
	child = bench_record(&bench);
	out = bench_record(&bench);
	assert_json(before, "exe.path", "\"/usr/bin/program\"");
	assert_int_equal(number_of(out, "verdict"), VERDICT_OPTED_OUT);
	assert_json(out, "exe.path", "null");
	assert_json(out, "argv", "null");
	assert_json(child, "exe.path", "\"/usr/bin/program\"");
	assert_int_equal(counts().opted_out, 1);
	/* by its environment, of a module that does not look */
	assert_int_equal(send_program(GONE_PID, &(struct told_program){.env = BYTES(OPT_OUT "\0")}),
			 0);
	bench_ended(&bench, GONE_PID, 0, 0);
	cJSON_Delete(out);
	out = bench_record(&bench);
	assert_int_equal(number_of(out, "verdict"), VERDICT_OPTED_OUT);
}

/* --- bounds */

static void test_refused(void **state)
{
	struct bytes message = bench_message(&room, &(struct told_program){});

	(void)state;
	assert_int_equal(bench_send(&bench, 0, 1009, message), -ESRCH);
	message.len--;
	assert_int_equal(bench_send(&bench, GONE_PID, 1009, message), -EINVAL);
	message_begin(&room, RUN_END, 7, 1);
	assert_int_equal(bench_send(&bench, GONE_PID, 1009, message_end(&room)), -EINVAL);
	assert_int_equal(counts().refused, 3);
	assert_int_equal(counts().processes, 0);
	/* the end of who told nothing */
	bench_ended(&bench, GONE_PID, 0, 0);
	assert_null(bench_record(&bench));
}

/* Nobody tells of its end: it is looked for. */
static void test_unwatched(void **state)
{
	_cleanup_json_ cJSON *record = NULL;
	pid_t child;

	(void)state;
	bench.watch_answer = -ENOSPC;
	children_new(&child, 1);
	assert_int_equal(send_program(child, &(struct told_program){}), 0);
	preload_advance(bench.preload, true);
	assert_int_equal(counts().processes, 1);
	assert_int_equal(counts().unwatched, 1);
	children_end(&child);
	usleep(1100000);
	preload_advance(bench.preload, true);
	assert_int_equal(counts().processes, 0);
	record = bench_record(&bench);
	assert_json(record, "end", "null");
	assert_list(record, "end: not seen", true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_run),	       TEST(test_ends),		 TEST(test_late_exec),
		TEST(test_exec_chain), TEST(test_doubled),	 TEST(test_number_again),
		TEST(test_forged),     TEST(test_forged_parent), TEST(test_copies),
		TEST(test_opt_out),    TEST(test_refused),	 TEST(test_unwatched),
		TEST(test_over),       TEST(test_forged_file),	 TEST(test_earlier_file),
	};

	return cmocka_run_group_tests_name("preload", tests, NULL, NULL);
}
