// SPDX-License-Identifier: BSD-2-Clause
/*
 * Both sources at once: a program of which the kernel side and its module tell is one run of the
 * kernel side's, whoever comes first; a run of the module's where the kernel side lost the exec.
 */
#include "tests/unit/unit.h"

#include "tests/unit/preload_bench.h"

#define KERNEL_START_NS 12345 /* behind the tick that /proc shows */

static union event_room event;
static pid_t child[2];

static int begin_beside(void **state)
{
	(void)state;
	bench_begin(&bench, true);
	children_new(child, 2);
	return 0;
}

static int end_beside(void **state)
{
	(void)state;
	children_end(child);
	bench_end(&bench);
	return 0;
}

/* What /proc shows of the process's start, and the kernel side's more exact one. */
static uint64_t start_of(pid_t pid)
{
	uint64_t start_ns;
	uint32_t ppid;

	assert_true(preload_look_stat(pid, bench.place.node.tick_ns, &ppid, &start_ns));
	return start_ns + KERNEL_START_NS;
}

static struct event head_of(pid_t pid, uint32_t exec_id)
{
	static uint64_t seq;

	return (struct event){.pid = pid,
			      .start_ns = start_of(pid),
			      .exec_id = exec_id,
			      .time_ns = node_boot_ns(),
			      .cpu = 1,
			      .seq = ++seq};
}

static void kernel_exec(pid_t pid, uint32_t exec_id, uint32_t flags, uint64_t time_ns)
{
	struct event head = head_of(pid, exec_id);

	head.flags = flags;
	if (time_ns)
		head.time_ns = time_ns;
	event_make_exec(&event, &head, &(struct exec_texts){.argv = BYTES("kernel\0")});
	tracker_event(bench.tracker, &event.head);
}

static void kernel_mmap(pid_t pid, uint32_t exec_id)
{
	struct event head = head_of(pid, exec_id);

	event_make_mmap(&event, &head, 13, bytes_of("/usr/lib/libkernel.so"));
	tracker_event(bench.tracker, &event.head);
}

static void kernel_exit(pid_t pid, uint32_t exec_id)
{
	struct event head = head_of(pid, exec_id);

	event_make_exit(&event, &head, 3 << 8);
	event.head.traits = TRAIT_HAD_STATE | TRAIT_RSS_EXACT;
	tracker_event(bench.tracker, &event.head);
}

static void kernel_fork(pid_t parent, pid_t pid, uint32_t exec_id)
{
	event.fork = (struct event_fork){.head = head_of(pid, exec_id),
					 .parent_start_ns = start_of(parent),
					 .parent_pid = parent,
					 .parent_exec_id = exec_id};
	event.head.kind = EVENT_FORK;
	event.head.size = sizeof(event.fork);
	tracker_event(bench.tracker, &event.head);
}

static void tell(pid_t pid, uint64_t inode)
{
	assert_int_equal(send_program(pid, &(struct told_program){.inode = inode}), 0);
}

static void assert_only(const char *source, const char *argv)
{
	_cleanup_json_ cJSON *record = bench_record(&bench);

	assert_non_null(record);
	assert_null(bench_record(&bench));
	assert_json(record, "source", source);
	assert_json(record, "argv", argv);
	assert_json(record, "exit", "{\"code\":3}");
}

/* The kernel side first, and all was there. */
static void test_known(void **state)
{
	(void)state;
	kernel_exec(child[0], 2, 0, 0);
	kernel_mmap(child[0], 2);
	tell(child[0], 77);
	kernel_exit(child[0], 2);
	assert_only("\"bpf\"", "[\"kernel\"]");
	assert_int_equal(counts().joined, 1);
}

/* The same when it has ended by then. */
static void test_ended(void **state)
{
	pid_t gone[1];

	(void)state;
	children_new(gone, 1);
	kernel_exec(gone[0], 2, 0, 0);
	kernel_exit(gone[0], 2);
	children_end(gone);
	tell(gone[0], 77);
	preload_advance(bench.preload, true);
	assert_only("\"bpf\"", "[\"kernel\"]");
	assert_int_equal(counts().joined, 1);
}

/* What the kernel side could not read is filled in; its objects stay its own. */
static void test_filled(void **state)
{
	(void)state;
	kernel_exec(child[0], 2, EVENT_ARGV_FAULT, 0);
	kernel_mmap(child[0], 2);
	tell(child[0], 77);
	kernel_exit(child[0], 2);
	assert_only("\"bpf\"", "[\"program\",\"-n\"]");
}

static void test_objects(void **state)
{
	_cleanup_json_ cJSON *record = NULL;

	(void)state;
	kernel_exec(child[0], 2, EVENT_OBJECTS_UNSEEN, 0);
	tell(child[0], 77);
	kernel_exit(child[0], 2);
	record = bench_record(&bench);
	assert_json(record, "source", "\"bpf\"");
	assert_int_equal(cJSON_GetArraySize(record_get(record, "set.objects")), 2);
	assert_json(record, "incomplete", "[]");
}

/* An exec that the ring lost: of a copy, and of a process that ran another program. */
static void test_lost(void **state)
{
	_cleanup_json_ cJSON *copy = NULL, *other = NULL, *before = NULL;

	(void)state;
	kernel_exec(child[0], 2, 0, 0);
	kernel_fork(child[0], child[1], 2);
	tell(child[1], 99);
	kernel_exit(child[1], 3);
	copy = bench_record(&bench);
	assert_json(copy, "source", "\"preload\"");
	assert_json(copy, "exit", "{\"code\":3}");
	tell(child[0], 99);
	kernel_exit(child[0], 3);
	before = bench_record(&bench);
	other = bench_record(&bench);
	assert_null(bench_record(&bench));
	assert_json(before, "source", "\"bpf\"");
	assert_json(before, "exit", "null");
	assert_json(other, "source", "\"preload\"");
	assert_json(other, "exit", "{\"code\":3}");
	assert_int_equal(counts().joined, 0);
}

/* By the time the message is taken the process runs another program, or the same again. */
static void test_earlier(void **state)
{
	const uint64_t inodes[] = {99, 77};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(inodes); i++) {
		_cleanup_json_ cJSON *first = NULL, *last = NULL;
		struct told_program program = {.inode = inodes[i], .token = i + 1};

		kernel_exec(child[i], 2, 0, 0);
		program.boot_ns = node_boot_ns();
		kernel_exec(child[i], 3, EVENT_ARGV_FAULT, 0);
		assert_int_equal(send_program(child[i], &program), 0);
		kernel_exit(child[i], 3);
		first = bench_record(&bench);
		last = bench_record(&bench);
		assert_null(bench_record(&bench));
		assert_json(first, "argv", "[\"kernel\"]");
		assert_json(first, "exit", "null");
		assert_json(last, "source", "\"bpf\"");
		assert_json(last, "argv", "null");
		assert_json(last, "exit", "{\"code\":3}");
	}
	assert_int_equal(counts().joined, ARRAY_SIZE(inodes));
}

/* The kernel side knows nothing of the process but its end. */
static void test_unknown(void **state)
{
	_cleanup_json_ cJSON *record = NULL;

	(void)state;
	tell(child[0], 77);
	kernel_exit(child[0], 2);
	record = bench_record(&bench);
	assert_null(bench_record(&bench));
	assert_json(record, "source", "\"preload\"");
	assert_json(record, "exit", "{\"code\":3}");
	/* who is asked for its end may tell it as well */
	bench_ended(&bench, child[0], 0, 0);
	assert_null(bench_record(&bench));
}

/* The kernel side's exec comes behind the message, which the ring held back. */
static void test_late(void **state)
{
	uint64_t before = node_boot_ns();

	(void)state;
	tell(child[0], 77);
	kernel_exec(child[0], 2, 0, before);
	kernel_mmap(child[0], 2);
	kernel_exit(child[0], 2);
	assert_only("\"bpf\"", "[\"kernel\"]");
}

int main(void)
{
#define BESIDE(name) cmocka_unit_test_setup_teardown(name, begin_beside, end_beside)
	const struct CMUnitTest tests[] = {
		BESIDE(test_known), BESIDE(test_ended),	  BESIDE(test_filled), BESIDE(test_objects),
		BESIDE(test_lost),  BESIDE(test_unknown), BESIDE(test_late),   BESIDE(test_earlier),
	};

	return cmocka_run_group_tests_name("preload_join", tests, NULL, NULL);
}
