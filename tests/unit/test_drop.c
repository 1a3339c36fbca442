/* SPDX-License-Identifier: BSD-2-Clause */
/* The drop directory: what counts as a record's file, and the traps that may lie there. */
#include "tests/unit/unit.h"

#include "daemon/drop.h"

#include "common/fs.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <sys/un.h>

struct box {
	char folder[64], path[80];
	struct drop *drop;
	unsigned int count;
	size_t bytes;
	struct message_sender sender;
	char last[64];
};

static int set_up(void **state)
{
	struct box *box = calloc(1, sizeof(*box));

	strcpy(box->folder, "/tmp/runmark-drop-XXXXXX");
	if (!mkdtemp(box->folder))
		return -1;
	snprintf(box->path, sizeof(box->path), "%s/a/drop", box->folder);
	*state = box;
	return drop_new(box->path, &box->drop) == 0 && chdir(box->path) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
	struct box *box = *state;
	char command[128];

	drop_free(box->drop);
	snprintf(command, sizeof(command), "rm -rf %s", box->folder);
	free(box);
	return chdir("/") == 0 && system(command) == 0 ? 0 : -1;
}

static void take(void *arg, enum message_kind kind, const struct message_sender *sender,
		 struct bytes message)
{
	struct box *box = arg;

	assert_int_equal(kind, MESSAGE_LINK);
	assert_int_equal(sender->pid, 0);
	box->count++;
	box->bytes += message.len;
	box->sender = *sender;
	snprintf(box->last, sizeof(box->last), "%.*s", (int)MIN(message.len, (size_t)63),
		 message.data);
}

static void put(const char *name, const char *text)
{
	_cleanup_close_ int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fs_write_all(fd, text, strlen(text)), 0);
}

/* Until the end of the directory. */
static void collect(struct box *box)
{
	while (drop_collect(box->drop, 1000, 1, take, box) == 1000)
		;
}

static void test_mode_and_owner(void **state)
{
	struct box *box = *state;
	struct drop *drop;
	struct stat st;

	assert_int_equal(stat(box->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 01733);
	assert_int_equal(chmod(box->path, 0777), 0);
	assert_int_equal(drop_new(box->path, &drop), 0);
	drop_free(drop);
	assert_int_equal(stat(box->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 01733);
	assert_int_equal(symlink(box->path, "../link"), 0);
	assert_int_equal(drop_new("../link", &drop), -ENOTDIR);
	put("../file", "x");
	assert_int_equal(drop_new("../file", &drop), -ENOTDIR);
	if (geteuid() == 0) {
		assert_int_equal(chown(box->path, 12345, 12345), 0);
		assert_int_equal(drop_new(box->path, &drop), -EPERM);
	}
}

static void test_files_are_collected_and_removed(void **state)
{
	struct box *box = *state;
	char name[32];

	for (unsigned int i = 0; i < 23; i++) {
		snprintf(name, sizeof(name), "%u.json", i);
		put(name, "{\"a\":1}");
	}
	if (geteuid() == 0)
		assert_int_equal(chown("22.json", 1234, 2345), 0);
	/* in small steps, each going on where the last one stopped */
	for (unsigned int step = 0; step < 100 && box->count < 23; step++)
		assert_true(drop_collect(box->drop, 3, 1, take, box) >= 0);
	assert_int_equal(box->count, 23);
	assert_int_equal(box->bytes, 23 * 7);
	collect(box);
	assert_int_equal(box->count, 23);
	assert_int_equal(drop_counters(box->drop, MESSAGE_LINK)->files, 23);
	/* new ones are seen */
	put("owner.json", "later");
	if (geteuid() == 0)
		assert_int_equal(chown("owner.json", 1234, 2345), 0);
	collect(box);
	assert_int_equal(box->count, 24);
	assert_string_equal(box->last, "later");
	if (geteuid() == 0) {
		assert_int_equal(box->sender.uid, 1234);
		assert_int_equal(box->sender.gid, 2345);
	}
	assert_int_equal(access("owner.json", F_OK), -1);
}

static void test_unfinished_files_wait(void **state)
{
	struct box *box = *state;

	put("x.json.tmp", "half");
	put(".json", "no name");
	put("y", "z");
	collect(box);
	assert_int_equal(box->count, 0);
	assert_int_equal(access("x.json.tmp", F_OK), 0);
	assert_int_equal(rename("x.json.tmp", "x.json"), 0);
	collect(box);
	assert_int_equal(box->count, 1);
}

/* Junk goes, whoever may read it; what is new may yet be finished. */
static void test_unfinished_files_go_after_a_time(void **state)
{
	struct box *box = *state;

	put("x.json.tmp", "half");
	put("closed", "z");
	assert_int_equal(chmod("closed", 0), 0);
	sleep(2);
	put("new", "z");
	drop_set_stale(box->drop, NS_PER_S);
	collect(box);
	assert_int_equal(box->count, 0);
	assert_int_equal(access("x.json.tmp", F_OK), -1);
	assert_int_equal(access("closed", F_OK), -1);
	assert_int_equal(access("new", F_OK), 0);
	assert_int_equal(drop_counters(box->drop, MESSAGE_LINK)->refused_stale, 2);
}

static void test_traps(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket.json"};
	struct box *box = *state;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	put("../secret", "secret");
	assert_int_equal(symlink("../secret", "link.json"), 0);
	assert_int_equal(symlink("missing", "dangling.json"), 0);
	assert_int_equal(link("../secret", "hard.json"), 0);
	assert_int_equal(mkfifo("fifo.json", 0666), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(mkdir("dir.json", 0777), 0);
	assert_int_equal(mkdir("full.json", 0777), 0);
	put("full.json/x.json", "x");
	put("empty.json", "");
	put("large.json", "x");
	assert_int_equal(truncate("large.json", MESSAGE_MAX + 1), 0);
	put("whole.json", "x");
	assert_int_equal(truncate("whole.json", MESSAGE_MAX), 0);
	collect(box);
	close(fd);
	assert_int_equal(box->count, 1);
	assert_int_equal(box->bytes, MESSAGE_MAX);
	assert_int_equal(drop_counters(box->drop, MESSAGE_LINK)->refused_type, 5);
	assert_int_equal(drop_counters(box->drop, MESSAGE_LINK)->refused_links, 1);
	assert_int_equal(drop_counters(box->drop, MESSAGE_LINK)->refused_size, 2);
	/* all gone but the folder that isn't empty; what links led to is untouched */
	assert_int_equal(rmdir("full.json"), -1);
	assert_int_equal(access("../secret", F_OK), 0);
	assert_int_equal(unlink("full.json/x.json"), 0);
	assert_int_equal(rmdir("full.json"), 0);
	assert_int_equal(rmdir(box->path), 0);
}

static void test_quota_leaves_files_for_later(void **state)
{
	struct box *box = *state;
	char name[32];

	for (unsigned int i = 0; i < 67; i++) {
		snprintf(name, sizeof(name), "%u.json", i);
		put(name, "x");
		assert_int_equal(truncate(name, MESSAGE_MAX), 0);
	}
	collect(box);
	assert_int_equal(box->count, DROP_UID_BYTES / MESSAGE_MAX);
	assert_int_equal(drop_counters(box->drop, MESSAGE_LINK)->postponed,
			 67 - DROP_UID_BYTES / MESSAGE_MAX);
	assert_true(drop_collect(box->drop, 1000, 1 + DROP_WINDOW_NS, take, box) >= 0);
	assert_int_equal(box->count, 67);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_mode_and_owner, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_files_are_collected_and_removed, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_unfinished_files_wait, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unfinished_files_go_after_a_time, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_traps, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_quota_leaves_files_for_later, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
