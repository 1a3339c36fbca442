// SPDX-License-Identifier: BSD-2-Clause
/* Facts: what workers find of files and users, when they may not be believed, and what happens to
 * those that nobody waits for any more. */
#include "tests/unit/daemon_folder.h"

#include "daemon/facts.h"
#include "daemon/facts_lookup.h"

#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

static char folder[64];
static struct facts *kept[16]; /* never freed, since workers have them: still no leak */

static struct facts *facts_of(unsigned int workers)
{
	static size_t count;

	assert_true(count < ARRAY_SIZE(kept));
	assert_int_equal(facts_new(workers, &kept[count]), 0);
	return kept[count++];
}

static int begin(void **state)
{
	(void)state;
	folder_new(folder);
	return 0;
}

static int end(void **state)
{
	(void)state;
	folder_free(folder);
	return 0;
}

/* As the kernel side would tell of the file at path. */
static struct event_file file_of(const char *path)
{
	struct event_file file = {.fstype = "ext4"};
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	file.inode = st.st_ino;
	file.size = st.st_size;
	file.mtime_ns = st.st_mtim.tv_sec * NS_PER_S + st.st_mtim.tv_nsec;
	file.device = major(st.st_dev) << 20 | minor(st.st_dev);
	return file;
}

/* A copy of a program, which has a build-id. */
static const char *program_copy(const char *program, const char *name, char path[512])
{
	_cleanup_free_ char *data = NULL;
	size_t len;

	assert_int_equal(fs_read_file(AT_FDCWD, program, 1 << 20, &data, &len), 0);
	file_make(folder, name, (struct bytes){data, len});
	folder_path(folder, name, path);
	assert_int_equal(chmod(path, 0700), 0);
	return path;
}

static void collect_until_known(struct facts *facts, const struct fact *fact)
{
	struct pollfd ready = {.fd = facts_fd(facts), .events = POLLIN};

	for (int i = 0; fact->state == FACT_ASKED && i < 1000; i++) {
		poll(&ready, 1, 10);
		facts_collect(facts);
	}
	assert_int_not_equal(fact->state, FACT_ASKED);
}

static struct fact *file_known(struct facts *facts, const struct event_file *file,
			       struct bytes path, uint32_t pid)
{
	struct fact *fact = facts_file(facts, file, path, pid, 0);

	assert_non_null(fact);
	collect_until_known(facts, fact);
	return fact;
}

static void a_files_notes_are_found(void **state)
{
	struct facts_counts counts;
	struct facts *facts;
	struct event_file file;
	struct fact *fact, *again;
	char path[512];

	(void)state;
	facts = facts_of(2);
	file = file_of(program_copy("/bin/true", "program", path));
	fact = file_known(facts, &file, bytes_of(path), 0);
	assert_int_equal(fact->state, FACT_KNOWN);
	assert_int_equal(fact->notes.build_id_len, 20);
	/* once asked, it is known for all */
	again = facts_file(facts, &file, bytes_of(path), 0, 0);
	assert_ptr_equal(again, fact);
	facts_release(facts, again);
	facts_release(facts, fact);
	again = facts_file(facts, &file, bytes_of(path), 0, 0);
	assert_ptr_equal(again, fact);
	assert_int_equal(again->state, FACT_KNOWN);
	facts_release(facts, again);
	facts_counts(facts, &counts);
	assert_int_equal(counts.asked, 1);
	assert_int_equal(counts.cached, 2);
	assert_int_equal(counts.waiting, 0);
}

static void a_file_that_is_no_program_has_no_notes(void **state)
{
	struct facts *facts;
	struct event_file file;
	struct fact *fact;
	char path[512];

	(void)state;
	facts = facts_of(1);
	file_make(folder, "text", BYTES("no program"));
	file = file_of(folder_path(folder, "text", path));
	fact = file_known(facts, &file, bytes_of(path), 0);
	assert_int_equal(fact->state, FACT_KNOWN);
	assert_int_equal(fact->notes.build_id_len, 0);
	facts_release(facts, fact);
}

/* Nothing is better than something else's id. */
static void a_replaced_file_is_not_believed(void **state)
{
	static const struct {
		const char *what;
		size_t at;
		uint64_t plus;
		const char *why;
	} cases[] = {
		{"inode", offsetof(struct event_file, inode), 1, "file was replaced"},
		{"size", offsetof(struct event_file, size), 1, "file was replaced"},
		{"mtime", offsetof(struct event_file, mtime_ns), 1, "file was replaced"},
		{"device", offsetof(struct event_file, device), 1, "file was replaced"},
		{"nothing", offsetof(struct event_file, inode), 0, NULL},
	};
	struct event_file file;
	struct facts *facts;
	char path[512];

	(void)state;
	facts = facts_of(2);
	program_copy("/bin/true", "program", path);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fact *fact;
		uint32_t value;

		file = file_of(path);
		memcpy(&value, (char *)&file + cases[i].at, sizeof(value));
		value += cases[i].plus;
		memcpy((char *)&file + cases[i].at, &value, sizeof(value));
		fact = file_known(facts, &file, bytes_of(path), 0);
		assert_int_equal(fact->state, cases[i].why ? FACT_UNKNOWN : FACT_KNOWN);
		if (cases[i].why)
			assert_string_equal(fact->why, cases[i].why);
		facts_release(facts, fact);
	}
	/* overlayfs and btrfs show stat(2) another device than the kernel side sees */
	file = file_of(path);
	file.device++;
	strcpy(file.fstype, "overlay");
	assert_int_equal(file_known(facts, &file, bytes_of(path), 0)->state, FACT_KNOWN);
	/* of what the scan told, device and inode are all there is */
	file = (struct event_file){.inode = file.inode, .device = file.device - 1};
	assert_int_equal(file_known(facts, &file, bytes_of(path), 0)->state, FACT_KNOWN);
	file.device++;
	assert_int_equal(file_known(facts, &file, bytes_of(path), 0)->state, FACT_UNKNOWN);
}

/* What took a program's name and must not be opened: it would block, or do something. */
static void what_is_no_file_is_not_opened(void **state)
{
	struct event_file file;
	struct facts *facts;
	struct fact *fact;
	char path[512];

	(void)state;
	facts = facts_of(1);
	assert_int_equal(mkfifo(folder_path(folder, "fifo", path), 0600), 0);
	file = file_of(path);
	fact = file_known(facts, &file, bytes_of(path), 0);
	assert_string_equal(fact->why, "file was replaced");
	fact = file_known(facts, &file, bytes_of("/nowhere/at/all"), 0);
	assert_string_equal(fact->why, "file was gone");
	fact = file_known(facts, &file, bytes_of(NULL), 0);
	assert_int_equal(fact->state, FACT_UNKNOWN);
}

/* Through the process that has it: also when the name is gone, or is of another root. */
static void a_deleted_program_is_found_by_its_process(void **state)
{
	struct event_file file;
	struct facts *facts;
	struct fact *fact;
	char path[512];
	int ready[2];
	char byte;
	pid_t pid;

	(void)state;
	facts = facts_of(1);
	program_copy("/bin/sleep", "sleep", path);
	file = file_of(path);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		execl(path, "sleep", "60", NULL);
		_exit(1);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 0); /* closed by its exec */
	close(ready[0]);
	unlink(path);
	fact = file_known(facts, &file, bytes_of(path), pid);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(fact->state, FACT_KNOWN);
	assert_int_equal(fact->notes.build_id_len, 20);
	facts_release(facts, fact);
	/* what is known outlives the process; what is asked now does not */
	fact = file_known(facts, &file, bytes_of(path), pid);
	assert_int_equal(fact->state, FACT_KNOWN);
	facts_release(facts, fact);
	fact = file_known(facts, &file, bytes_of("/other/name"), pid);
	assert_string_equal(fact->why, "file was gone");
	facts_release(facts, fact);
}

static void users_have_names_or_none(void **state)
{
	struct facts *facts;
	struct fact *root, *nobody;

	(void)state;
	facts = facts_of(2);
	root = facts_user(facts, 0);
	nobody = facts_user(facts, 4000000019);
	collect_until_known(facts, root);
	collect_until_known(facts, nobody);
	assert_int_equal(root->state, FACT_KNOWN);
	assert_string_equal(root->user, "root");
	assert_int_equal(nobody->state, FACT_KNOWN);
	assert_string_equal(nobody->user, "");
	facts_release(facts, root);
	facts_release(facts, nobody);
}

/* Nobody answers: what is given up stays unknown, also when an answer comes. */
static void what_is_given_up_stays_unknown(void **state)
{
	struct event_file file = {.inode = 5, .fstype = "ext4"};
	struct fact *fact, *other, *private;
	struct facts_counts counts;
	struct facts *facts;

	(void)state;
	facts = facts_of(0);
	fact = facts_file(facts, &file, BYTES("/a\0b"), 0, 0);
	other = facts_file(facts, &file, BYTES("/a\0b"), 0, 0);
	assert_ptr_equal(fact, other);
	private = facts_give_up(facts, fact);
	assert_ptr_not_equal(private, other);
	assert_int_equal(private->state, FACT_UNKNOWN);
	assert_string_equal(private->why, "not looked up in time");
	assert_int_equal(private->path_len, 4);
	assert_memory_equal(private->path, "/a\0b", 5);
	assert_int_equal(other->state, FACT_ASKED);
	facts_release(facts, other);
	facts_release(facts, private);
	/* the question still holds it */
	other = facts_file(facts, &file, BYTES("/a\0b"), 0, 0);
	assert_ptr_equal(other, fact);
	facts_counts(facts, &counts);
	assert_int_equal(counts.given_up, 1);
	assert_int_equal(counts.asked, 1);
}

static void too_many_questions_are_refused_and_counted(void **state)
{
	struct event_file file = {.fstype = "ext4"};
	struct facts_counts counts;
	struct facts *facts;
	struct fact *fact;

	(void)state;
	facts = facts_of(0);
	for (file.inode = 1; file.inode <= FACTS_QUEUE_MAX; file.inode++) {
		fact = facts_file(facts, &file, bytes_of("/a"), 0, 0);
		assert_int_equal(fact->state, FACT_ASKED);
		facts_release(facts, fact);
	}
	for (int i = 0; i < 3; i++) {
		fact = facts_file(facts, &file, bytes_of("/a"), 0, 0);
		assert_int_equal(fact->state, FACT_UNKNOWN);
		assert_string_equal(fact->why, "too much to look up at once");
		facts_release(facts, fact); /* and is asked again the next time */
	}
	facts_counts(facts, &counts);
	assert_int_equal(counts.waiting, FACTS_QUEUE_MAX);
	assert_int_equal(counts.queue_full, 3);
}

/* Workers answer while questions are asked, released and given up: for ThreadSanitizer, too. */
static void many_at_once(void **state)
{
	struct event_file file, other;
	struct fact *held[97] = {NULL};
	struct facts_counts counts;
	struct facts *facts;
	char path[512];
	int known = 0;

	(void)state;
	facts = facts_of(3);
	file = file_of(program_copy("/bin/true", "program", path));
	for (unsigned int i = 0; i < 2003; i++) {
		struct fact **slot = &held[i % ARRAY_SIZE(held)];

		if (*slot && (*slot)->state == FACT_ASKED)
			*slot = facts_give_up(facts, *slot);
		known += *slot && (*slot)->state == FACT_KNOWN;
		facts_release(facts, *slot);
		other = file;
		other.size += i % 211 % 2 ? i % 211 : 0;
		*slot = i % 13 ? facts_file(facts, &other, bytes_of(path), getpid(), 0)
			       : facts_user(facts, i % 7);
		if (i % 5 == 0)
			facts_collect(facts);
	}
	for (size_t i = 0; i < ARRAY_SIZE(held); i++) {
		collect_until_known(facts, held[i]);
		known += held[i]->state == FACT_KNOWN;
		facts_release(facts, held[i]);
	}
	do {
		facts_collect(facts);
		facts_counts(facts, &counts);
	} while (counts.waiting);
	assert_true(known > 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(a_files_notes_are_found),
		TEST(a_file_that_is_no_program_has_no_notes),
		TEST(a_replaced_file_is_not_believed),
		TEST(what_is_no_file_is_not_opened),
		TEST(a_deleted_program_is_found_by_its_process),
		TEST(users_have_names_or_none),
		TEST(what_is_given_up_stays_unknown),
		TEST(too_many_questions_are_refused_and_counted),
		TEST(many_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
