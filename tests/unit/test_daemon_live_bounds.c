/* SPDX-License-Identifier: BSD-2-Clause */
/* The live table's bounds: what is kept of programs when too much is live, that nothing is lost
 * uncounted, and that what is saved of thousands of programs with the same objects is short. */
#include "tests/unit/unit.h"

#include "daemon/journal.h"
#include "daemon/live.h"
#include "tests/unit/daemon_events.h"

static struct facts *facts, *kept[8]; /* never freed, as questions have them: still no leak */

static int facts_begin(void **state)
{
	static size_t count;
	int r = facts_new(0, &facts); /* nobody answers: what is asked stays open */

	(void)state;
	kept[count++] = facts;
	return r;
}

static struct event head_of(uint32_t pid)
{
	return (struct event){.pid = pid, .start_ns = 1000 + pid, .exec_id = 1, .time_ns = 2000};
}

/* With that many bytes of arguments and of environment. */
static void exec_tell(struct live *live, uint32_t pid, size_t bytes)
{
	static char text[ARGV_MAX_BYTES];
	static union event_room room;
	struct event head = head_of(pid);

	memset(text, 'x', sizeof(text));
	event_make_exec(&room, &head,
			&(struct exec_texts){.argv = {text, bytes}, .env = {text, bytes}});
	live_apply(live, &room.head, false);
}

static void mapping_tell(struct live *live, uint32_t pid, uint32_t number, size_t path_len)
{
	static char path[PATH_MAX_BYTES + 1];
	static union event_room room;
	struct event head = head_of(pid);

	memset(path, '/', sizeof(path));
	snprintf(path, sizeof(path), "/lib%07u", number);
	event_make_mmap(&room, &head, 5000 + number, (struct bytes){path, path_len});
	live_apply(live, &room.head, false);
}

static void exit_tell(struct live *live, uint32_t pid)
{
	static union event_room room;
	struct event head = head_of(pid);

	event_make_exit(&room, &head, 0);
	live_apply(live, &room.head, false);
}

static uint64_t live_bytes(const struct live *live)
{
	struct live_counts counts;

	live_counts(live, &counts);
	return counts.bytes + facts_bytes(facts);
}

static void images_free(struct live *live)
{
	struct image *image;

	while ((image = TAILQ_FIRST(live_finished(live)))) {
		TAILQ_REMOVE(live_finished(live), image, link);
		image_free(facts, image);
	}
}

#define MAX_BYTES (1u << 20)
#define PROGRAMS  2003

/* First all is kept, then heads, then nothing; and each is counted. */
static void too_much_is_kept_in_part_then_not(void **state)
{
	uint32_t whole = 0, heads = 0, none = 0;
	struct live_counts counts;
	struct live *live;

	(void)state;
	assert_int_equal(live_new(facts, &live), 0);
	live_set_max(live, MAX_BYTES);
	for (uint32_t pid = 1; pid <= PROGRAMS; pid++) {
		const struct image *image;

		exec_tell(live, pid, 2000);
		mapping_tell(live, pid, 1, 20);
		image = live_image_of(live, pid, 1000 + pid);
		if (!image) {
			none++;
			continue;
		}
		/* once heads are all that is kept, it stays so; their head names the program */
		assert_true(!heads || image->s.is_trimmed);
		assert_true(!none);
		heads += image->s.is_trimmed;
		whole += !image->s.is_trimmed;
		assert_int_equal(image->exec->argv.len, image->s.is_trimmed ? 256 : 2000);
		assert_int_equal(image->exec->env.len, image->s.is_trimmed ? 0 : 2000);
		assert_int_equal(image->object_count, !image->s.lacks_objects);
		assert_memory_equal(event_bytes(&image->exec->head, image->exec->exe).data,
				    "/usr/bin/program", image->exec->exe.len);
		assert_true(live_bytes(live) < MAX_BYTES + 4096);
	}
	assert_true(whole > 50 && heads > 200 && none > 50);
	live_counts(live, &counts);
	assert_int_equal(counts.trimmed, heads);
	assert_int_equal(counts.full, none);
	for (uint32_t pid = 1; pid <= PROGRAMS; pid++)
		exit_tell(live, pid);
	images_free(live);
	live_counts(live, &counts);
	assert_int_equal(counts.bytes, 0);
	/* there is room again */
	exec_tell(live, PROGRAMS + 1, 2000);
	assert_false(live_image_of(live, PROGRAMS + 1, 0)->s.is_trimmed);
	live_free(live);
}

/* One program that maps thousands of files with long paths. */
static void objects_count_as_well(void **state)
{
	struct live_counts counts;
	struct live *live;

	(void)state;
	assert_int_equal(live_new(facts, &live), 0);
	live_set_max(live, MAX_BYTES);
	exec_tell(live, 7, 100);
	for (uint32_t i = 0; i < LIVE_OBJECTS_MAX; i++)
		mapping_tell(live, 7, i, PATH_MAX_BYTES);
	assert_true(live_image_of(live, 7, 0)->s.lacks_objects);
	assert_true(live_image_of(live, 7, 0)->object_count > 100);
	assert_true(live_bytes(live) < MAX_BYTES);
	live_counts(live, &counts);
	assert_int_equal(counts.full, 0);
	live_free(live);
}

/* A table that was within a larger limit. */
static void a_table_that_is_too_large_is_cut(void **state)
{
	struct live_counts before, after;
	struct live *live;

	(void)state;
	for (uint64_t max = MAX_BYTES * 4; max >= MAX_BYTES / 16; max /= 4) {
		assert_int_equal(live_new(facts, &live), 0);
		for (uint32_t pid = 1; pid <= 997; pid++)
			exec_tell(live, pid, 2000);
		live_counts(live, &before);
		live_set_max(live, max);
		live_shrink(live);
		live_counts(live, &after);
		assert_true(live_bytes(live) <= max / 2 || !after.images);
		assert_true(after.images > 10 || max < MAX_BYTES);
		assert_true(after.trimmed > 0);
		assert_int_equal(after.full, before.images - after.images);
		/* those that are kept are the oldest */
		assert_int_equal(!!live_image_of(live, 1, 1001), after.images > 0);
		live_free(live);
	}
}

struct entries {
	size_t count[JOURNAL_KINDS], bytes;
};

static int entry_count(void *arg, uint32_t kind, const void *data, size_t len)
{
	struct entries *entries = arg;

	(void)data;
	entries->count[kind]++;
	entries->bytes += len;
	return 0;
}

/* Each file is told once in a journal, and again in the next. */
static void objects_are_saved_once(void **state)
{
	struct live *live;

	(void)state;
	assert_int_equal(live_new(facts, &live), 0);
	for (uint32_t pid = 1; pid <= 499; pid++) {
		exec_tell(live, pid, 10);
		for (uint32_t i = 0; i < 31; i++)
			mapping_tell(live, pid, i, 60);
	}
	for (int i = 0; i < 2; i++) {
		struct entries entries = {};
		struct live_saver saver = live_saver(entry_count, &entries);

		assert_int_equal(live_save(live, &saver), 0);
		assert_int_equal(entries.count[JOURNAL_FILE], 31);
		assert_int_equal(entries.count[JOURNAL_OBJECTS], 499);
		assert_int_equal(entries.count[JOURNAL_EVENT], 499);
		assert_true(entries.bytes < 499 * 1024);
	}
	live_free(live);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, facts_begin)
	const struct CMUnitTest tests[] = {
		TEST(too_much_is_kept_in_part_then_not),
		TEST(objects_count_as_well),
		TEST(a_table_that_is_too_large_is_cut),
		TEST(objects_are_saved_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
