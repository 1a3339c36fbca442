// SPDX-License-Identifier: BSD-2-Clause
/* The journal: what was appended is told again, once, whatever the file went through. */
#include "daemon/journal.h"
#include "daemon/layout.h"
#include "tests/unit/daemon_folder.h"

#include <sys/wait.h>

#define MAX_SIZE (1 << 20)

static char folder[64];

/* Bytes before the first entry: the header and the description behind it. */
static size_t head_size(void)
{
	size_t len;

	(void)layout_own(&len);
	return 16 + ((len + 7) & ~(size_t)7);
}

static int folder_begin(void **state)
{
	(void)state;
	folder_new(folder);
	return 0;
}

static int folder_end(void **state)
{
	(void)state;
	umount2(folder, MNT_DETACH);
	folder_free(folder);
	return 0;
}

struct told {
	size_t count;
	char text[65536]; /* "KIND:DATA " */
};

static void told_add(void *arg, uint32_t kind, struct bytes data)
{
	struct told *told = arg;

	assert_int_equal((uintptr_t)data.data % 8, 0);
	told->count++;
	snprintf(told->text + strlen(told->text), sizeof(told->text) - strlen(told->text),
		 "%u:%.*s ", kind, (int)data.len, data.data);
}

static struct journal *journal_of(size_t max, struct told *told)
{
	struct journal *journal;

	*told = (struct told){.count = 0};
	assert_int_equal(journal_new(folder, max, told_add, told, &journal), 0);
	return journal;
}

static void append(struct journal *journal, uint32_t kind, const char *text)
{
	assert_int_equal(journal_append(journal, kind, text, strlen(text)), 0);
}

static void what_was_appended_is_told_in_order(void **state)
{
	static struct told told;
	struct journal *journal = journal_of(MAX_SIZE, &told);

	(void)state;
	assert_int_equal(told.count, 0);
	append(journal, 1, "a");
	append(journal, 2, "");
	append(journal, 7, "12345678");
	append(journal, 3, "123456789");
	journal_free(journal);
	journal = journal_of(MAX_SIZE, &told);
	assert_string_equal(told.text, "1:a 2: 7:12345678 3:123456789 ");
	append(journal, 4, "more");
	journal_free(journal);
	journal_free(journal_of(MAX_SIZE, &told));
	assert_string_equal(told.text, "1:a 2: 7:12345678 3:123456789 4:more ");
}

static void it_survives_a_kill(void **state)
{
	static struct told told;
	int status;
	pid_t pid = fork();

	(void)state;
	if (!pid) {
		struct journal *journal = journal_of(MAX_SIZE, &told);
		char text[8];

		for (unsigned int i = 0; i < 997; i++) {
			snprintf(text, sizeof(text), "%u", i);
			append(journal, 1, text);
		}
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WTERMSIG(status), SIGKILL);
	journal_free(journal_of(MAX_SIZE, &told));
	assert_int_equal(told.count, 997);
}

static void starting_anew_keeps_what_is_appended_then(void **state)
{
	static struct told told;
	struct journal *journal = journal_of(MAX_SIZE, &told);

	(void)state;
	append(journal, 1, "old");
	assert_int_equal(journal_begin(journal), 0);
	append(journal, 1, "kept");
	assert_int_equal(journal_finish(journal, 0), 0);
	append(journal, 1, "later");
	/* given an error, the old one stays and what went to the new one doesn't count */
	assert_int_equal(journal_begin(journal), 0);
	append(journal, 1, "dropped");
	assert_int_equal(journal_finish(journal, -EIO), -EIO);
	append(journal, 1, "last");
	/* killed in the middle */
	assert_int_equal(journal_begin(journal), 0);
	append(journal, 1, "never");
	journal_free(journal);
	journal_free(journal_of(MAX_SIZE, &told));
	assert_string_equal(told.text, "1:kept 1:later 1:last ");
}

static void a_full_journal_says_so(void **state)
{
	static struct told told;
	struct journal *journal = journal_of(MAX_SIZE, &told);
	static char data[4001];
	uint64_t used, max;
	size_t count = 0;

	(void)state;
	while (journal_has_room(journal, sizeof(data))) {
		assert_int_equal(journal_append(journal, 1, data, sizeof(data)), 0);
		count++;
	}
	assert_int_equal(journal_append(journal, 1, data, sizeof(data)), -ENOSPC);
	assert_int_equal(journal_grow_error(journal), 0); /* it's the limit, not the disk */
	assert_int_equal(count, (MAX_SIZE - head_size() - 8) / (4008 + 8));
	journal_size(journal, &used, &max);
	assert_true(used <= max && max == MAX_SIZE);
	assert_true(journal_is_long(journal));
	journal_free(journal);
	journal_free(journal_of(MAX_SIZE, &told));
	assert_int_equal(told.count, count);
}

/* The limit is made smaller, then larger: nothing that stands behind it is lost. */
static void it_may_be_longer_than_is_allowed_now(void **state)
{
	static struct told told;
	struct journal *journal = journal_of(MAX_SIZE, &told);
	static char data[1000];

	(void)state;
	for (unsigned int i = 0; i < 599; i++)
		assert_int_equal(journal_append(journal, 1, data, sizeof(data)), 0);
	journal_free(journal);
	journal = journal_of(MAX_SIZE / 4, &told);
	assert_int_equal(told.count, 599);
	append(journal, 1, "more");
	assert_true(journal_is_long(journal));
	assert_int_equal(journal_begin(journal), 0);
	append(journal, 1, "kept");
	assert_int_equal(journal_finish(journal, 0), 0);
	while (journal_has_room(journal, sizeof(data)))
		assert_int_equal(journal_append(journal, 1, data, sizeof(data)), 0);
	journal_free(journal);
	journal = journal_of(MAX_SIZE, &told);
	assert_in_range(told.count, (MAX_SIZE / 4 - head_size()) / 1008 - 3,
			(MAX_SIZE / 4 - head_size()) / 1008 + 1);
	assert_true(journal_has_room(journal, MAX_SIZE / 2));
	journal_free(journal);
}

/* A store to a page that the file system can't give is a SIGBUS: it must not come to that. */
static void a_full_file_system_is_an_error(void **state)
{
	static struct told told;
	struct journal *journal;
	static char data[5003];
	size_t count = 0;

	(void)state;
	if (!folder_mount(folder, "3m")) {
		print_message("no tmpfs can be mounted here\n");
		skip();
	}
	journal = journal_of(64 << 20, &told);
	while (journal_has_room(journal, sizeof(data))) {
		assert_int_equal(journal_append(journal, 1, data, sizeof(data)), 0);
		count++;
	}
	assert_in_range(count, 2 << 20 >> 13, 3 << 20 >> 12);
	assert_int_equal(journal_append(journal, 1, data, sizeof(data)), -ENOSPC);
	assert_int_equal(journal_grow_error(journal), -ENOSPC);
	assert_int_equal(journal_begin(journal), -ENOSPC);
	assert_int_equal(journal_grow_error(journal), -ENOSPC);
	/* room comes without anything being appended */
	assert_int_equal(mount("tmpfs", folder, NULL, MS_REMOUNT, "size=9m"), 0);
	assert_int_equal(journal_grow_error(journal), 0);
	journal_free(journal);
	journal_free(journal_of(64 << 20, &told));
	assert_int_equal(told.count, count);
}

/* Entries that are whole but for one: it and what follows are gone for good. */
static void garbage_ends_it(void **state)
{
	static const struct {
		uint32_t at; /* behind the header */
		uint8_t bytes[8];
	} cases[] = {
		{16, {0xff, 0xff, 0xff, 0xff}}, /* second entry's length: 4 GiB - 1 */
		{16, {0xf8, 0xff, 0x0f, 0x00}}, /* … just over the file's end */
		{16, {0, 0, 0, 0}},
	};
	static struct told told;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct journal *journal = journal_of(MAX_SIZE, &told);
		char path[512];
		int fd;

		append(journal, 1, "first");
		append(journal, 1, "second");
		append(journal, 1, "third");
		journal_free(journal);
		fd = open(folder_path(folder, "journal", path), O_RDWR | O_CLOEXEC);
		assert_int_equal(pwrite(fd, cases[i].bytes, 4, head_size() + cases[i].at), 4);
		close(fd);
		journal = journal_of(MAX_SIZE, &told);
		assert_string_equal(told.text, "1:first ");
		assert_int_equal(journal_unread(journal), i == 2 ? 0 : 1);
		append(journal, 1, "newer!");
		journal_free(journal);
		journal_free(journal_of(MAX_SIZE, &told));
		/* a length of 0 is the end, behind which only zeros can be: not garbage */
		assert_memory_equal(told.text, "1:first 1:newer! ", 17);
		assert_int_equal(told.count, i == 2 ? 3 : 2);
		unlink(path);
	}
}

static void any_file_in_its_place_does_no_harm(void **state)
{
	static struct told told;
	static char data[4099];
	char path[512];
	struct journal *journal;

	(void)state;
	for (unsigned int seed = 0; seed < 101; seed++) {
		srandom(seed);
		for (size_t i = 0; i < sizeof(data); i++)
			data[i] = random() % (seed % 2 ? 256 : 24);
		if (seed % 3)
			memcpy(data, "RMJ2\x10\0\0\0\x79\x56\x34\x12\x78\x56\x34\x12", 16);
		file_make(folder, "journal", (struct bytes){data, seed * 41 % sizeof(data)});
		journal = journal_of(MAX_SIZE, &told);
		append(journal, 1, "new");
		journal_free(journal);
	}
	/* a folder, a link: refused */
	unlink(folder_path(folder, "journal", path));
	assert_int_equal(mkdir(path, 0700), 0);
	assert_true(journal_new(folder, MAX_SIZE, told_add, &told, &journal) < 0);
	rmdir(path);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(journal_new(folder, MAX_SIZE, told_add, &told, &journal), -ELOOP);
	unlink(path);
	assert_int_equal(journal_new("/nowhere", MAX_SIZE, told_add, &told, &journal), -ENOENT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_begin, folder_end)
	const struct CMUnitTest tests[] = {
		TEST(what_was_appended_is_told_in_order),
		TEST(it_survives_a_kill),
		TEST(starting_anew_keeps_what_is_appended_then),
		TEST(a_full_journal_says_so),
		TEST(it_may_be_longer_than_is_allowed_now),
		TEST(a_full_file_system_is_an_error),
		TEST(garbage_ends_it),
		TEST(any_file_in_its_place_does_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
