// SPDX-License-Identifier: BSD-2-Clause
/* What is taken of a message, and what is refused. */
#include "tests/unit/unit.h"

#include "common/run_read.h"
#include "tests/unit/run_message.h"

#include <errno.h>

static struct message_room room;

static void message_simple(void)
{
	message_begin(&room, RUN_BEGIN, 4711, MESSAGE_TOKEN);
	message_put(&room, RUN_ITEM_EXE, 0, BYTES("/bin/a"));
}

static void text(unsigned int kind, struct bytes data)
{
	message_simple();
	message_put(&room, kind, 0, data);
}

static char long_text[RUN_MESSAGE_ENV + 64];

static void too_long(unsigned int kind, size_t max)
{
	memset(long_text, 'x', sizeof(long_text));
	text(kind, (struct bytes){long_text, max + 1});
}

static void put_head(size_t offset, uint32_t value)
{
	memcpy(room.data + offset, &value, sizeof(value));
}

#define HEAD(member) offsetof(struct run_message, member)

/* --- refused: each changes a sound message in one way; it is ended after it unless size is said */

static void bad_magic(void)
{
	message_simple();
	put_head(0, RUN_MESSAGE_MAGIC + 1);
}

static void bad_phase_0(void)
{
	message_simple();
	put_head(HEAD(phase), 0);
}

static void bad_phase_4(void)
{
	message_simple();
	put_head(HEAD(phase), 4);
}

static void bad_doubled(void)
{
	text(RUN_ITEM_EXE, BYTES("/bin/b"));
}

static void bad_doubled_struct(void)
{
	struct run_process process = {};

	message_simple();
	message_put(&room, RUN_ITEM_PROCESS, 0, (struct bytes){(char *)&process, sizeof(process)});
	message_put(&room, RUN_ITEM_PROCESS, 0, (struct bytes){(char *)&process, sizeof(process)});
}

static void bad_nul_in_path(void)
{
	text(RUN_ITEM_CWD, BYTES("/a\0b"));
}

static void bad_nul_in_cgroup(void)
{
	text(RUN_ITEM_CGROUP, BYTES("0::/\0\n"));
}

static void bad_long_path(void)
{
	too_long(RUN_ITEM_CWD, RUN_MESSAGE_PATH);
}

static void bad_long_argv(void)
{
	too_long(RUN_ITEM_ARGV, RUN_MESSAGE_ARGV);
}

static void bad_long_env(void)
{
	too_long(RUN_ITEM_ENV, RUN_MESSAGE_ENV);
}

static void bad_long_cgroup(void)
{
	too_long(RUN_ITEM_CGROUP, RUN_MESSAGE_CGROUP);
}

static void bad_fault_with_bytes(void)
{
	message_simple();
	message_put(&room, RUN_ITEM_CWD, RUN_ITEM_FAULT, BYTES("/a"));
}

static void bad_item_len(void)
{
	struct run_item item = {.kind = RUN_ITEM_CWD, .len = 9};

	message_simple();
	memcpy(room.data + room.used, &item, sizeof(item));
	room.used += sizeof(item) + 8;
}

static void bad_item_endless(void)
{
	struct run_item item = {.kind = RUN_ITEM_CWD, .len = UINT32_MAX};

	message_simple();
	memcpy(room.data + room.used, &item, sizeof(item));
	room.used += sizeof(item) + 16;
}

static void bad_unknown_endless(void)
{
	struct run_item item = {.kind = 999, .len = UINT32_MAX - 7};

	message_simple();
	memcpy(room.data + room.used, &item, sizeof(item));
	room.used += sizeof(item) + 16;
}

static void bad_half_item(void)
{
	message_simple();
	room.used += 4;
}

static void bad_object_without_path(void)
{
	struct run_object object = {};

	message_simple();
	message_put(&room, RUN_ITEM_OBJECT, 0, (struct bytes){(char *)&object, sizeof(object)});
}

static void bad_object_short(void)
{
	text(RUN_ITEM_OBJECT, BYTES("/lib/a"));
}

static void object(uint8_t has_watermark, uint8_t build_id_len, struct bytes path)
{
	struct {
		struct run_object object;
		char path[64];
	} item = {.object = {has_watermark, build_id_len, {}, {}, {}}};

	message_simple();
	memcpy(item.path, path.data, path.len);
	message_put(&room, RUN_ITEM_OBJECT, 0,
		    (struct bytes){(char *)&item, sizeof(item.object) + path.len});
}

static void bad_object_flag(void)
{
	object(2, 20, BYTES("/lib/a"));
}

static void bad_object_build_id(void)
{
	object(0, 65, BYTES("/lib/a"));
}

static void bad_object_nul(void)
{
	object(0, 20, BYTES("/lib\0a"));
}

static void bad_object_no_slash(void)
{
	object(0, 20, BYTES("linux-vdso.so.1"));
}

static void bad_program(void)
{
	struct run_object program = {.build_id_len = 255};

	message_simple();
	message_put(&room, RUN_ITEM_PROGRAM, 0, (struct bytes){(char *)&program, sizeof(program)});
}

static void end_memory(uint64_t address, uint64_t size)
{
	struct run_end_memory memory = {address, size};

	message_simple();
	message_put(&room, RUN_ITEM_END_MEMORY, 0, (struct bytes){(char *)&memory, sizeof(memory)});
}

static void bad_end_small(void)
{
	end_memory(1 << 20, 16);
}

static void bad_end_huge(void)
{
	end_memory(1 << 20, 1ull << 40);
}

static void bad_end_crooked(void)
{
	end_memory((1 << 20) + 1, RUN_END_AREA);
}

static void bad_end_wraps(void)
{
	end_memory(UINT64_MAX - 4095, RUN_END_AREA);
}

static void bad_boot(void)
{
	text(RUN_ITEM_BOOT, BYTES("short"));
}

static void bad_host_path(void)
{
	text(RUN_ITEM_HOST, BYTES("../n1"));
}

static void bad_host_empty(void)
{
	text(RUN_ITEM_HOST, BYTES(""));
}

/* A member of the process, by its offset, or the head's pid. */
static void process(size_t offset, uint64_t value, size_t size)
{
	struct run_process process = {.boot_ns = 7};

	message_simple();
	memcpy((char *)&process + offset, &value, size);
	message_put(&room, RUN_ITEM_PROCESS, 0, (struct bytes){(char *)&process, sizeof(process)});
}
#define PROCESS(member, value)                                                                     \
	process(offsetof(struct run_process, member), value,                                       \
		sizeof(((struct run_process *)0)->member))

static void bad_pid(void)
{
	message_simple();
	put_head(HEAD(pid), 1u << 31);
}

static void bad_ppid(void)
{
	PROCESS(ppid, 1u << 31);
}

static void bad_boot_ns(void)
{
	PROCESS(boot_ns, RUN_SPAN_MAX + 1);
}

static void bad_unix_ns(void)
{
	PROCESS(unix_ns, RUN_UNIX_MAX + 1);
}

static void bad_unix_before_boot(void)
{
	PROCESS(unix_ns, 6);
}

static void bad_start(void)
{
	uint64_t ticks = RUN_TICKS_MAX + 1;

	text(RUN_ITEM_START, (struct bytes){(char *)&ticks, sizeof(ticks)});
}

#define BAD(name)                                                                                  \
	{                                                                                          \
#name, bad_##name                                                                  \
	}
static const struct {
	const char *name;
	void (*make)(void);
} refused[] = {
	BAD(magic),
	BAD(phase_0),
	BAD(phase_4),
	BAD(doubled),
	BAD(doubled_struct),
	BAD(nul_in_path),
	BAD(nul_in_cgroup),
	BAD(long_path),
	BAD(long_argv),
	BAD(long_env),
	BAD(long_cgroup),
	BAD(fault_with_bytes),
	BAD(item_len),
	BAD(item_endless),
	BAD(unknown_endless),
	BAD(half_item),
	BAD(object_without_path),
	BAD(object_short),
	BAD(object_flag),
	BAD(object_build_id),
	BAD(object_nul),
	BAD(object_no_slash),
	BAD(program),
	BAD(end_small),
	BAD(end_huge),
	BAD(end_crooked),
	BAD(end_wraps),
	BAD(boot),
	BAD(host_path),
	BAD(host_empty),
	BAD(pid),
	BAD(ppid),
	BAD(boot_ns),
	BAD(unix_ns),
	BAD(unix_before_boot),
	BAD(start),
};

static void test_refused(void **state)
{
	struct run_read read, before;

	(void)state;
	memset(&read, 0x5a, sizeof(read));
	before = read;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		refused[i].make();
		if (run_read(message_end(&room), &read) != -EINVAL)
			fail_msg("%s was taken", refused[i].name);
		assert_memory_equal(&read, &before, sizeof(read));
	}
}

/* Every length that the head may give, and every cut of the message. */
static void test_sizes(void **state)
{
	struct bytes message;
	struct run_read read;

	(void)state;
	message_simple();
	message = message_end(&room);
	for (size_t len = 0; len < message.len; len++)
		assert_int_equal(run_read((struct bytes){message.data, len}, &read), -EINVAL);
	assert_int_equal(run_read(message, &read), 0);
	for (uint32_t size = 0; size < sizeof(struct run_message); size++) {
		put_head(HEAD(size), size);
		assert_int_equal(run_read(message, &read), -EINVAL);
	}
	put_head(HEAD(size), message.len + 1);
	assert_int_equal(run_read(message, &read), -EINVAL);
	put_head(HEAD(size), RUN_MESSAGE_MAX + 8);
	assert_int_equal(run_read((struct bytes){room.data, sizeof(room.data)}, &read), -EINVAL);
}

/* A module of another age: kinds and members that only one side knows. */
static void test_ages(void **state)
{
	struct {
		struct run_process process;
		uint64_t more[3];
	} newer = {.process = {.boot_ns = 5, .max_rss = 7}, .more = {1, 2, 3}};
	struct run_read read;

	(void)state;
	message_simple();
	message_put(&room, RUN_ITEM_KINDS + 3, 0, BYTES("?"));
	message_put(&room, 0, 0, BYTES("??"));
	message_put(&room, RUN_ITEM_KINDS + 3, 0, BYTES("?"));
	message_put(&room, RUN_ITEM_PROCESS, 0, (struct bytes){(char *)&newer, sizeof(newer)});
	assert_int_equal(run_read(message_end(&room), &read), 0);
	assert_int_equal(read.process.boot_ns, 5);
	assert_int_equal(read.process.max_rss, 7);
	message_simple();
	message_put(&room, RUN_ITEM_PROCESS, 0, (struct bytes){(char *)&newer, 20});
	assert_int_equal(run_read(message_end(&room), &read), 0);
	assert_int_equal(read.process.boot_ns, 5);
	assert_int_equal(read.process.max_rss, 0);
	assert_false(read.has_usage);
}

/* Usage that can't be is none. */
static void test_usage(void **state)
{
	struct run_read read;

	(void)state;
	for (size_t at = offsetof(struct run_process, user_ns); at < sizeof(struct run_process);
	     at += sizeof(uint64_t)) {
		struct run_process told = {.user_ns = 1};
		bool is_time = at < offsetof(struct run_process, minor_faults);
		uint64_t max = is_time ? RUN_CPU_MAX : RUN_USAGE_MAX;

		for (uint64_t value = max; value <= max + 1; value++) {
			memcpy((char *)&told + at, &value, sizeof(value));
			message_simple();
			message_put(&room, RUN_ITEM_PROCESS, 0,
				    (struct bytes){(char *)&told, sizeof(told)});
			assert_int_equal(run_read(message_end(&room), &read), 0);
			assert_int_equal(read.has_usage, value == max);
		}
	}
}

static void test_taken(void **state)
{
	struct bytes items, path;
	struct run_object found;
	struct run_read read;

	(void)state;
	message_simple();
	message_put(&room, RUN_ITEM_ARGV, RUN_ITEM_CUT, BYTES("a\0-n\0"));
	message_put(&room, RUN_ITEM_ENV, RUN_ITEM_FAULT, BYTES(""));
	message_put_object(&room, 0, "/lib/a", 1);
	message_put_object(&room, RUN_ITEM_MORE, "/lib/b", 2);
	assert_int_equal(run_read(message_end(&room), &read), 0);
	assert_int_equal(read.pid, 4711);
	assert_int_equal(read.random[0], MESSAGE_TOKEN);
	assert_true(read.exe.is_there && read.exe.text.len == 6);
	assert_true(read.argv.is_cut && read.argv.text.len == 5);
	assert_true(read.env.is_there && read.env.is_fault && !read.cwd.is_there);
	assert_true(read.has_more);
	assert_int_equal(read.object_count, 2);
	items = read.items;
	assert_true(run_read_object(&items, &found, &path));
	assert_memory_equal(path.data, "/lib/a", path.len);
	assert_true(run_read_object(&items, &found, &path));
	assert_int_equal(found.build_id[0], 2);
	assert_false(run_read_object(&items, &found, &path));
}

/* --- ends */

static _Alignas(8) char area[RUN_END_AREA];

static void area_make(uint32_t is_told, enum run_phase phase, uint64_t token)
{
	struct run_end_area head = {is_told, 0, 3000, 1000};

	memset(area, 0, sizeof(area));
	message_begin(&room, phase, 4711, token);
	message_put_object(&room, 0, "/lib/late", 3);
	(void)message_end(&room);
	memcpy(area, &head, sizeof(head));
	memcpy(area + sizeof(head), room.data, room.used);
}

static void test_end(void **state)
{
	static const struct {
		uint32_t is_told;
		enum run_phase phase;
		uint64_t token;
		int answer;
	} cases[] = {
		{1, RUN_END, MESSAGE_TOKEN, 0},		  {0, RUN_END, MESSAGE_TOKEN, -ENODATA},
		{2, RUN_END, MESSAGE_TOKEN, -EINVAL},	  {1, RUN_BEGIN, MESSAGE_TOKEN, -EINVAL},
		{1, RUN_END, MESSAGE_TOKEN + 1, -EINVAL},
	};
	struct run_end read;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		area_make(cases[i].is_told, cases[i].phase, cases[i].token);
		assert_int_equal(
			run_read_end((struct bytes){area, sizeof(area)}, MESSAGE_TOKEN, &read),
			cases[i].answer);
	}
	area_make(1, RUN_END, MESSAGE_TOKEN);
	assert_int_equal(run_read_end((struct bytes){area, sizeof(area)}, MESSAGE_TOKEN, &read), 0);
	assert_int_equal(read.elapsed_ns, 2000);
	assert_int_equal(read.message.object_count, 1);
	for (size_t len = 0; len < sizeof(struct run_end_area) + room.used; len++)
		assert_true(run_read_end((struct bytes){area, len}, MESSAGE_TOKEN, &read) < 0);
	/* told, and nothing there: what memory that was mapped over it holds */
	memset(area + sizeof(struct run_end_area), 0, sizeof(area) - sizeof(struct run_end_area));
	assert_int_equal(run_read_end((struct bytes){area, sizeof(area)}, MESSAGE_TOKEN, &read),
			 -EINVAL);
}

/* --- files */

static void test_file(void **state)
{
	static _Alignas(8) char file[3 * RUN_END_AREA];
	static const struct {
		uint64_t magic;
		uint32_t more, offset;
		size_t len;
		int answer;
		size_t area;
	} cases[] = {
		{RUN_FILE_MAGIC, 0, 0, sizeof(file), 0, 0},
		{RUN_FILE_MAGIC, 0, RUN_END_AREA, sizeof(file), 0, RUN_END_AREA},
		{RUN_FILE_MAGIC, 0, RUN_END_AREA, RUN_END_AREA + 5, 0, 5},
		{RUN_FILE_MAGIC, 0, 2 * RUN_END_AREA, 2 * RUN_END_AREA, 0, 0},
		{RUN_FILE_MAGIC, 0, 5 * RUN_END_AREA, sizeof(file), 0, 0},
		{RUN_FILE_MAGIC + 1, 0, 0, sizeof(file), -EINVAL, 0},
		{RUN_FILE_MAGIC, 0, RUN_END_AREA + 8, sizeof(file), -EINVAL, 0},
		{RUN_FILE_MAGIC, RUN_MESSAGE_MAX, 0, sizeof(file), -EINVAL, 0},
		{RUN_FILE_MAGIC, UINT32_MAX - 64, 0, sizeof(file), -EINVAL, 0},
		{RUN_FILE_MAGIC, RUN_END_AREA, RUN_END_AREA, sizeof(file), -EINVAL, 0},
		{RUN_FILE_MAGIC, 0, 0, sizeof(struct run_file_head) + 3, -EINVAL, 0},
		{RUN_FILE_MAGIC, 0, 0, 7, -EINVAL, 0},
	};
	struct run_read read;
	struct bytes found;

	(void)state;
	message_simple();
	(void)message_end(&room);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct run_file_head head = {cases[i].magic, room.used + cases[i].more,
					     cases[i].offset};

		memset(file, 0, sizeof(file));
		memcpy(file, &head, sizeof(head));
		memcpy(file + sizeof(head), room.data, room.used);
		if (run_read_file((struct bytes){file, cases[i].len}, &read, &found) !=
		    cases[i].answer)
			fail_msg("case %zu", i);
		if (!cases[i].answer)
			assert_int_equal(found.len, cases[i].area);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused), cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_ages),	cmocka_unit_test(test_taken),
		cmocka_unit_test(test_end),	cmocka_unit_test(test_file),
		cmocka_unit_test(test_usage),
	};

	return cmocka_run_group_tests_name("run_read", tests, NULL, NULL);
}
