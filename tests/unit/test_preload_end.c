// SPDX-License-Identifier: BSD-2-Clause
/*
 * What a program leaves at its end, in memory that it shares: read when it has ended, or refused.
 * The memory is real: of this test's own children, opened as the daemon does it.
 */
#include "tests/unit/unit.h"

#include "tests/unit/preload_bench.h"

#include <sys/mman.h>

static const char later[] = "objects: those it opened later are not known";

/* --- what stands there */

typedef void area_fn(char *area);

static void put_end(char *area, uint64_t token, const char *path)
{
	struct run_end_area head = {.is_told = 1};

	message_begin(&room, RUN_END, 0, token);
	message_put_object(&room, 0, path, 9);
	(void)message_end(&room);
	memcpy(area + sizeof(head), room.data, room.used);
	memcpy(area, &head, sizeof(head));
}

static void area_told(char *area)
{
	put_end(area, MESSAGE_TOKEN, "/none/late.so");
}

static void area_untold(char *area)
{
	area_told(area);
	memset(area, 0, sizeof(struct run_end_area));
}

static void area_of_another(char *area)
{
	put_end(area, MESSAGE_TOKEN + 1, "/none/late.so");
}

static void area_endless(char *area)
{
	uint32_t size = UINT32_MAX;

	area_told(area);
	memcpy(area + sizeof(struct run_end_area) + offsetof(struct run_message, size), &size,
	       sizeof(size));
}

/* An item that says it is longer than all, and one of no length that would be read for ever. */
static void area_long_item(char *area)
{
	struct run_item item = {.kind = RUN_ITEM_OBJECT, .len = UINT32_MAX};

	area_told(area);
	memcpy(area + sizeof(struct run_end_area) + sizeof(struct run_message), &item,
	       sizeof(item));
}

static void area_empty_items(char *area)
{
	struct run_message head = {.magic = RUN_MESSAGE_MAGIC,
				   .phase = RUN_END,
				   .size = RUN_END_AREA - sizeof(struct run_end_area),
				   .random = {MESSAGE_TOKEN}};

	((struct run_end_area *)area)->is_told = 1;
	memcpy(area + sizeof(struct run_end_area), &head, sizeof(head));
}

static void area_only_told(char *area)
{
	((struct run_end_area *)area)->is_told = 1;
}

static void area_noise(char *area)
{
	for (size_t i = 0; i < RUN_END_AREA; i++)
		area[i] = i * 167 + 13;
}

/* --- who has it */

struct holder {
	pid_t pid;
	char *area; /* at the same place in both */
	int pipe;
};

/* A child whose memory there is of those flags, or of a file. It writes when it is told to. */
static struct holder holder_new(int flags, int fd, area_fn *write_area)
{
	struct holder h = {.pid = -1};
	int fds[2];
	char byte;

	h.area = mmap(NULL, RUN_END_AREA, PROT_READ | PROT_WRITE, flags, fd, 0);
	assert_true(h.area != MAP_FAILED);
	assert_int_equal(pipe(fds), 0);
	h.pid = fork();
	if (!h.pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(fds[1]);
		if (read(fds[0], &byte, 1) == 1 && write_area)
			write_area(h.area);
		_exit(0);
	}
	close(fds[0]);
	h.pipe = fds[1];
	return h;
}

static void holder_end(struct holder *h)
{
	assert_int_equal(write(h->pipe, "x", 1), 1);
	waitpid(h->pid, NULL, 0);
	close(h->pipe);
	munmap(h->area, RUN_END_AREA);
}

/* The record of a program whose end stands there. */
static cJSON *record_of(struct holder *h)
{
	struct told_program program = {.end = {(uintptr_t)h->area, RUN_END_AREA}};
	struct end told = {.pid = h->pid, .has_status = true};

	assert_int_equal(send_program(h->pid, &program), 0);
	for (int i = 0; i < 200; i++) { /* workers open it */
		facts_collect(tracker_facts(bench.tracker));
		usleep(1000);
	}
	holder_end(h);
	told.time_ns = node_boot_ns();
	preload_end(bench.preload, &told);
	preload_advance(bench.preload, true);
	return bench_record(&bench);
}

static bool has_late(const cJSON *record)
{
	const cJSON *object;

	cJSON_ArrayForEach (object, record_get(record, "set.objects"))
		if (!strcmp(record_get(object, "path")->valuestring, "/none/late.so"))
			return true;
	return false;
}

static const struct {
	const char *name;
	area_fn *write;
	bool has_late, is_told;
} areas[] = {
	{"told", area_told, true, true},
	{"untold", area_untold, false, false},
	{"of another image", area_of_another, false, false},
	{"endless", area_endless, false, false},
	{"an item longer than all", area_long_item, false, false},
	{"items of no length", area_empty_items, false, true},
	{"told, and nothing there", area_only_told, false, false},
	{"noise", area_noise, false, false},
	{"nothing", NULL, false, false},
};

static void test_areas(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(areas); i++) {
		struct holder h = holder_new(MAP_SHARED | MAP_ANONYMOUS, -1, areas[i].write);
		_cleanup_json_ cJSON *record = record_of(&h);

		assert_non_null(record);
		if (has_late(record) != areas[i].has_late)
			fail_msg("%s: the object is %sthere", areas[i].name,
				 areas[i].has_late ? "not " : "");
		if (is_incomplete(record, later) == areas[i].is_told)
			fail_msg("%s: incomplete %s", areas[i].name,
				 areas[i].is_told ? "though told" : "is not said");
	}
}

/* What may be opened: the kernel's own shared memory, and no file system's. */
static void test_places(void **state)
{
	char path[512];
	int file, memory = memfd_create("x", MFD_CLOEXEC);
	const struct {
		const char *name;
		int flags, fd;
		bool has_late;
	} cases[] = {
		{"a file on disk", MAP_SHARED,
		 file = open(folder_path(bench.place.folder, "f", path),
			     O_RDWR | O_CREAT | O_CLOEXEC, 0600),
		 false},
		{"memfd", MAP_SHARED, memory, true},
		{"private memory", MAP_PRIVATE | MAP_ANONYMOUS, -1, false},
	};

	(void)state;
	assert_int_equal(ftruncate(file, RUN_END_AREA) | ftruncate(memory, RUN_END_AREA), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct holder h = holder_new(cases[i].flags, cases[i].fd, area_told);
		_cleanup_json_ cJSON *record = record_of(&h);

		if (has_late(record) != cases[i].has_late)
			fail_msg("%s was %sread", cases[i].name, cases[i].has_late ? "not " : "");
	}
	close(file);
	close(memory);
}

/* Its owner takes the memory away under the daemon's hands. */
static void area_truncate(char *area)
{
	(void)area;
	assert_int_equal(ftruncate(3, 16), 0);
}

static void test_truncated(void **state)
{
	int memory = memfd_create("x", 0);
	_cleanup_json_ cJSON *record = NULL;
	struct holder h;

	(void)state;
	assert_int_equal(ftruncate(memory, RUN_END_AREA), 0);
	if (memory != 3) {
		dup2(memory, 3);
		close(memory);
	}
	h = holder_new(MAP_SHARED, 3, area_truncate);
	area_told(h.area);
	record = record_of(&h);
	assert_false(has_late(record));
	assert_true(is_incomplete(record, later));
	close(3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_areas),
		TEST(test_places),
		TEST(test_truncated),
	};

	if (geteuid()) {
		print_message("# SKIP: only root may open another process's memory as a file\n");
		return 0;
	}
	return cmocka_run_group_tests_name("preload_end", tests, NULL, NULL);
}
