// SPDX-License-Identifier: BSD-2-Clause
/*
 * From a program's message to its run record, through the tracker. What the kernel says of a
 * process is asked of real ones: this test's own children.
 */
#include "tests/unit/unit.h"

#include "tests/unit/preload_bench.h"

#include <signal.h>
#include <sys/wait.h>

static struct bench bench;
static struct message_room room;

static int begin(void **state)
{
	(void)state;
	bench_begin(&bench, false);
	return 0;
}

static int end(void **state)
{
	(void)state;
	bench_end(&bench);
	return 0;
}

/* A program of that process as its module tells of it. */
static struct bytes program(uint32_t pid, uint64_t token, uint64_t boot_ns, uint64_t used_ns)
{
	struct run_process process = {.boot_ns = boot_ns,
				      .ppid = 1,
				      .uid = 1009,
				      .euid = 1009,
				      .user_ns = used_ns,
				      .minor_faults = 100,
				      .max_rss = 1 << 20};
	struct run_file file = {.device = 0x801,
				.inode = 77,
				.size = 9001,
				.mtime_ns = 1700000000123456789,
				.owner_uid = 0};
	struct run_object self = {.has_watermark = 1, .build_id_len = 20};

	memset(self.build_id, 0xab, 20);
	memset(self.watermark, 0x11, 16);
	message_begin(&room, RUN_BEGIN, pid, token);
	message_put(&room, RUN_ITEM_PROCESS, 0, (struct bytes){(char *)&process, sizeof(process)});
	message_put(&room, RUN_ITEM_FILE, 0, (struct bytes){(char *)&file, sizeof(file)});
	message_put(&room, RUN_ITEM_EXE, 0, BYTES("/usr/bin/program"));
	message_put(&room, RUN_ITEM_REQUESTED, 0, BYTES("program"));
	message_put(&room, RUN_ITEM_CWD, 0, BYTES("/home/alice"));
	message_put(&room, RUN_ITEM_CGROUP, 0, BYTES("0::/user.slice\n"));
	message_put(&room, RUN_ITEM_ARGV, 0, BYTES("program\0-n\0"));
	message_put(&room, RUN_ITEM_ENV, 0, BYTES("LANG=C\0"));
	message_put(&room, RUN_ITEM_PROGRAM, 0, (struct bytes){(char *)&self, sizeof(self)});
	message_put_object(&room, 0, "/usr/lib/liba.so", 1);
	message_put_object(&room, 0, "/none/ld-linux-x86-64.so.2", 2);
	return message_end(&room);
}

static void ended(pid_t pid, uint64_t after_ns, uint32_t status, uint64_t used_ns)
{
	struct end end = {.pid = pid,
			  .time_ns = node_boot_ns() + after_ns,
			  .has_status = true,
			  .has_usage = true,
			  .has_times = true,
			  .has_io = true,
			  .wait_status = status,
			  .usage = {.user_ns = used_ns,
				    .runtime_ns = used_ns,
				    .minor_faults = 131,
				    .read_bytes = 4096,
				    .max_rss = 5 << 20}};

	preload_end(bench.preload, &end);
	preload_advance(bench.preload, true);
}

/* What a message makes is a run like any other, of another source. */
static void test_run(void **state)
{
	_cleanup_json_ cJSON *record = NULL;
	uint64_t now = node_boot_ns();

	(void)state;
	assert_int_equal(
		bench_send(&bench, GONE_PID, 1009, program(GONE_PID, MESSAGE_TOKEN, now, 1000000)),
		0);
	assert_int_equal(bench.watched, 1);
	assert_null(bench_record(&bench));
	ended(GONE_PID, 0, 7 << 8, 3000000);
	record = bench_record(&bench);
	assert_non_null(record);
	assert_json(record, "source", "\"preload\"");
	assert_json(record, "exit", "{\"code\":7}");
	assert_json(record, "exe.path", "\"/usr/bin/program\"");
	assert_json(record, "exe.build_id", "\"abababababababababababababababababababab\"");
	assert_json(record, "exe.device", "\"8:1\"");
	assert_json(record, "argv", "[\"program\",\"-n\"]");
	assert_json(record, "uid", "1009");
	assert_json(record, "usage.user_s", "0.002");
	assert_json(record, "usage.minor_faults", "31");
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
		    "\"objects: those it opened later are not known\","
		    "\"usage.forks: not known, nor what copies used\"]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_run, begin, end),
	};

	return cmocka_run_group_tests_name("preload", tests, NULL, NULL);
}
