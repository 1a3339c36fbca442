// SPDX-License-Identifier: BSD-2-Clause
/* Spool files: self-contained, chained, whole when a reader sees them, and written once whatever
 * the disk does. */
#include "tests/unit/daemon_spool.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <zstd.h>

static struct place place;

static int begin(void **state)
{
	(void)state;
	place_begin(&place);
	return 0;
}

static int end(void **state)
{
	(void)state;
	place_end(&place);
	return 0;
}

static cJSON *set_make(const struct image *image, const char *hash)
{
	cJSON *set = cJSON_CreateObject();

	(void)image;
	cJSON_AddStringToObject(set, "schema", "runmark.set/1");
	cJSON_AddStringToObject(set, "hash", hash);
	return set;
}

static void a_file_says_what_is_in_it(void **state)
{
	struct spool *spool = place_spool(&place);
	_cleanup_json_ cJSON *header = NULL, *trailer = NULL, *last = NULL;
	char name[NAME_SIZE], list[2048];

	(void)state;
	place.losses.count[LOSS_NO_STATE] = 5;
	assert_int_equal(add_record(spool, "node", "1"), 0);
	assert_int_equal(spool_add_set(spool, "aa", set_make, NULL), 0);
	assert_int_equal(spool_add_set(spool, "aa", set_make, NULL), 0);
	assert_int_equal(spool_add_set(spool, "", set_make, NULL), 0);
	assert_int_equal(add_record(spool, "run", "2"), 0);
	spool_skip_record(spool);
	assert_int_equal(spool_add_set(spool, "bb", set_make, NULL), 0);
	assert_int_equal(add_record(spool, "run", "4"), 0);
	assert_int_equal(spool_write(spool), 0);
	assert_string_equal(folder_list(place.spool, "jsonl", list), "");
	place.losses.count[LOSS_NO_STATE] = 8;
	assert_int_equal(spool_close(spool), 0);
	assert_string_equal(folder_list(place.spool, "", list), place_name(&place, 1, name));

	header = file_line(place.spool, name, 0);
	assert_json(header, "schema", "\"runmark.file/1\"");
	assert_json(header, "part", "\"header\"");
	assert_json(header, "host", "\"n1\"");
	assert_json(header, "number", "\"1\"");
	assert_json(header, "first_seq", "\"1\"");
	assert_json(header, "previous", "null");
	trailer = file_line(place.spool, name, -1);
	assert_json(trailer, "part", "\"trailer\"");
	assert_json(trailer, "last_seq", "\"4\"");
	assert_json(trailer, "lines", "6");
	assert_json(trailer, "counts", "{\"file\":1,\"node\":1,\"set\":2,\"run\":2}");
	assert_json(trailer, "lost", "{\"no_state\":3}");
	assert_json(trailer, "mended", "false");
	last = file_line(place.spool, name, -2);
	assert_json(last, "seq", "\"4\"");
	spool_free(spool);
}

/* Each file has its sets again, goes on with the numbers and names the one before. */
static void files_follow_one_another(void **state)
{
	struct spool *spool = place_spool(&place);
	_cleanup_json_ cJSON *other = NULL;
	char name[NAME_SIZE], quoted[300];

	(void)state;
	for (unsigned int number = 1; number <= 3; number++) {
		_cleanup_json_ cJSON *header = NULL, *set = NULL, *trailer = NULL;
		char seq[16];

		assert_int_equal(spool_add_set(spool, "aa", set_make, NULL), 0);
		assert_int_equal(add_record(spool, "run", "x"), 0);
		assert_int_equal(add_record(spool, "run", "y"), 0);
		assert_int_equal(spool_close(spool), 0);
		assert_int_equal(spool_close(spool), 0); /* nothing is open */
		snprintf(quoted, sizeof(quoted), "\"%.250s\"",
			 number > 1 ? place_name(&place, number - 1, name) : "");
		header = file_line(place.spool, place_name(&place, number, name), 0);
		assert_json(header, "previous", number > 1 ? quoted : "null");
		snprintf(seq, sizeof(seq), "\"%u\"", 2 * number - 1);
		assert_json(header, "first_seq", seq);
		set = file_line(place.spool, name, 1);
		assert_json(set, "hash", "\"aa\"");
		trailer = file_line(place.spool, name, -1);
		snprintf(seq, sizeof(seq), "\"%u\"", 2 * number);
		assert_json(trailer, "last_seq", seq);
	}
	spool_free(spool);
	place_name(&place, 3, name);
	snprintf(quoted, sizeof(quoted), "\"%.250s\"", name);
	/* also another instance's */
	strcpy(place.node.instance, "fedcba9876543210");
	spool = place_spool(&place);
	assert_int_equal(add_record(spool, "run", "x"), 0);
	assert_int_equal(spool_close(spool), 0);
	other = file_line(place.spool, place_name(&place, 1, name), 0);
	assert_json(other, "previous", quoted);
	spool_free(spool);
}

static void a_file_is_due_by_age_and_size(void **state)
{
	struct spool *spool = place_spool(&place);
	static char text[300001];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	assert_false(spool_is_due(spool));
	assert_int_equal(add_record(spool, "run", text), 0);
	assert_int_equal(spool_write(spool), 0);
	assert_false(spool_is_due(spool));
	place.config.rotate_seconds = 0;
	assert_true(spool_is_due(spool));
	place.config.rotate_seconds = 60;
	place.config.rotate_mib = 1;
	for (int i = 1; i <= 3; i++) {
		assert_false(spool_is_due(spool));
		assert_int_equal(add_record(spool, "run", text), 0);
		assert_int_equal(spool_write(spool), 0);
	}
	assert_true(spool_is_due(spool));
	spool_free(spool);
}

static cJSON *set_long(const struct image *image, const char *hash)
{
	cJSON *set = set_make(image, hash);
	char *text = calloc(1, RECORD_LINE_MAX + 1);

	memset(text, 'x', RECORD_LINE_MAX);
	cJSON_AddStringToObject(set, "text", text);
	free(text);
	return set;
}

static void lines_that_no_reader_takes_are_not_written(void **state)
{
	struct spool *spool = place_spool(&place);
	_cleanup_free_ char *text = calloc(1, RECORD_LINE_MAX + 1);
	_cleanup_json_ cJSON *trailer = NULL;
	char name[NAME_SIZE];

	(void)state;
	memset(text, 'x', RECORD_LINE_MAX);
	assert_int_equal(add_record(spool, "run", text), -EMSGSIZE);
	assert_int_equal(spool_add_set(spool, "aa", set_long, NULL), -EMSGSIZE);
	assert_int_equal(spool_add_set(spool, "aa", set_long, NULL), -EMSGSIZE);
	text[RECORD_LINE_MAX - 100] = '\0';
	assert_int_equal(add_record(spool, "run", text), 0);
	assert_int_equal(spool_close(spool), 0);
	trailer = file_line(place.spool, place_name(&place, 1, name), -1);
	assert_json(trailer, "counts", "{\"file\":1,\"run\":1}");
	assert_json(trailer, "last_seq", "\"1\"");
	spool_free(spool);
}

static void compressed_files_are_the_same(void **state)
{
	struct spool *spool;
	_cleanup_free_ char *packed = NULL, *plain = malloc(4 << 20);
	char name[NAME_SIZE], packed_name[300], list[2048], text[4100] = "";
	struct spool_status status;
	size_t len, plain_len, lines = 0;

	(void)state;
	place.config.compress = true;
	spool = place_spool(&place);
	for (unsigned int i = 0; i < 499; i++) {
		snprintf(text, sizeof(text), "%u %04000u", i, i);
		assert_int_equal(add_record(spool, "run", text), 0);
	}
	assert_int_equal(spool_close(spool), 0);
	spool_status(spool, &status);
	assert_string_equal(status.last, place_name(&place, 1, name));
	assert_int_equal(status.files_closed, 1);
	snprintf(packed_name, sizeof(packed_name), "%s.zst", name);
	assert_string_equal(folder_list(place.spool, "", list), packed_name);
	packed = file_text(place.spool, packed_name, &len);
	plain_len = ZSTD_decompress(plain, 4 << 20, packed, len);
	assert_false(ZSTD_isError(plain_len));
	for (size_t i = 0; i < plain_len; i++)
		lines += plain[i] == '\n';
	assert_int_equal(lines, 501);
	assert_int_equal(plain[plain_len - 1], '\n');
	/* the chain is of plain names */
	assert_int_equal(spool_previous_load(place.state, list, sizeof(list)), 0);
	assert_string_equal(list, name);
	spool_free(spool);
}

/* --- disks that take no more */

/* Fills the file system at folder but for keep bytes. */
static void disk_fill(const char *folder, const char *name, size_t keep)
{
	static char piece[4096];
	char path[512];
	int fd = open(folder_path(folder, name, path), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	off_t size = 0;
	ssize_t n;

	assert_true(fd >= 0);
	while ((n = write(fd, piece, sizeof(piece))) > 0)
		size += n;
	assert_int_equal(ftruncate(fd, size > (off_t)keep ? size - keep : 0), 0);
	close(fd);
}

static bool disk_begin(void)
{
	if (folder_mount(place.spool, "512k"))
		return true;
	print_message("no tmpfs can be mounted here\n");
	return false;
}

/* Not one line twice, not one missing. */
static void check_sequence(const char *name, unsigned int count)
{
	_cleanup_free_ char *text = file_text(place.spool, name, NULL);
	unsigned int seq = 0, lines = 0;

	for (char *line = text, *next; *line; line = next) {
		_cleanup_json_ cJSON *record = NULL;
		uint64_t number;

		next = strchr(line, '\n') + 1;
		next[-1] = '\0';
		assert_int_equal(record_parse(bytes_of(line), &record), 0);
		lines++;
		if (!record_get_u64(record, "seq", &number))
			assert_int_equal(number, ++seq);
	}
	assert_int_equal(seq, count);
	assert_int_equal(lines, count + 2);
}

static void a_full_disk_is_tried_again(void **state)
{
	struct spool *spool;
	char name[NAME_SIZE], path[512], text[3001];
	unsigned int count = 0;
	int r = 0;

	(void)state;
	if (!disk_begin())
		skip();
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	spool = place_spool(&place);
	disk_fill(place.spool, "filler", 65536);
	while (!r && count < 101) {
		for (int i = 0; i < 5; i++, count++)
			assert_int_equal(add_record(spool, "run", text), 0);
		r = spool_write(spool);
	}
	assert_int_equal(r, -ENOSPC);
	for (int i = 0; i < 7; i++)
		assert_int_equal(spool_write(spool), -ENOSPC);
	assert_int_equal(spool_close(spool), -ENOSPC);
	assert_int_equal(spool_close(spool), -ENOSPC);
	unlink(folder_path(place.spool, "filler", path));
	assert_int_equal(spool_write(spool), 0);
	assert_int_equal(spool_close(spool), 0);
	check_sequence(place_name(&place, 1, name), count);
	spool_free(spool);
}

/* Only the trailer finds no room: it is there once, and says what it would have said. */
static void a_trailer_without_room_is_tried_again(void **state)
{
	_cleanup_json_ cJSON *trailer = NULL;
	struct spool *spool;
	char name[NAME_SIZE], path[512], text[4001];

	(void)state;
	if (!disk_begin())
		skip();
	spool = place_spool(&place);
	memset(text, 'x', sizeof(text));
	text[4096 - 60 - 369] = '\0'; /* with the header nearly a page */
	assert_int_equal(add_record(spool, "run", text), 0);
	assert_int_equal(spool_write(spool), 0);
	disk_fill(place.spool, "filler", 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(spool_close(spool), -ENOSPC);
	unlink(folder_path(place.spool, "filler", path));
	assert_int_equal(spool_close(spool), 0);
	check_sequence(place_name(&place, 1, name), 1);
	trailer = file_line(place.spool, name, -1);
	assert_json(trailer, "lines", "2");
	assert_json(trailer, "counts", "{\"file\":1,\"run\":1}");
	spool_free(spool);
}

static void without_room_to_compress_it_stays_plain(void **state)
{
	struct spool *spool;
	char name[NAME_SIZE], list[2048], text[201];

	(void)state;
	if (!disk_begin())
		skip();
	place.config.compress = true;
	spool = place_spool(&place);
	srandom(23);
	for (unsigned int n = 0; n < 211; n++) {
		for (size_t i = 0; i < sizeof(text) - 1; i++)
			text[i] = ' ' + random() % 94;
		text[sizeof(text) - 1] = '\0';
		assert_int_equal(add_record(spool, "run", text), 0);
	}
	assert_int_equal(spool_write(spool), 0);
	disk_fill(place.spool, "filler", 8192);
	assert_int_equal(spool_close(spool), 0);
	check_sequence(place_name(&place, 1, name), 211);
	assert_string_equal(folder_list(place.spool, ".part", list), "");
	assert_string_equal(folder_list(place.spool, ".zst", list), "");
	spool_free(spool);
}

/* The other way a write stops in the middle. */
static void a_file_size_limit_is_tried_again(void **state)
{
	struct rlimit before, limit;
	struct spool *spool = place_spool(&place);
	char name[NAME_SIZE], text[1001];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	limit = before;
	limit.rlim_cur = 10007;
	for (int i = 0; i < 23; i++)
		assert_int_equal(add_record(spool, "run", text), 0);
	setrlimit(RLIMIT_FSIZE, &limit);
	assert_int_equal(spool_write(spool), -EFBIG);
	assert_int_equal(spool_write(spool), -EFBIG);
	setrlimit(RLIMIT_FSIZE, &before);
	assert_int_equal(add_record(spool, "run", text), 0);
	assert_int_equal(spool_close(spool), 0);
	check_sequence(place_name(&place, 1, name), 24);
	spool_free(spool);
}

/* --- sweeping */

static void file_age(const char *name, time_t seconds)
{
	char path[512];
	struct timespec times[2];

	file_make(place.spool, name, BYTES("x"));
	clock_gettime(CLOCK_REALTIME, &times[0]);
	times[0].tv_sec -= seconds;
	times[1] = times[0];
	assert_int_equal(utimensat(AT_FDCWD, folder_path(place.spool, name, path), times,
				   AT_SYMLINK_NOFOLLOW),
			 0);
}

static void old_files_go_and_nothing_else(void **state)
{
	static const struct {
		unsigned int keep_days;
		const char *left;
		uint64_t expired;
	} cases[] = {
		{0, ".a.jsonl.tmp a.jsonl b.jsonl.zst c.jsonl other", 0},
		/* longer than there has been time since 1970 */
		{36500, ".a.jsonl.tmp a.jsonl b.jsonl.zst c.jsonl other", 0},
		{30, ".a.jsonl.tmp c.jsonl other", 2},
	};
	uint64_t bytes, files, expired;
	char list[2048];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct spool *spool;

		file_age(".a.jsonl.tmp", 31 * 86400);
		file_age("a.jsonl", 31 * 86400);
		file_age("b.jsonl.zst", 30 * 86400 + 60);
		file_age("c.jsonl", 30 * 86400 - 60);
		file_age("other", 31 * 86400);
		place.config.keep_days = cases[i].keep_days;
		spool = place_spool(&place);
		assert_int_equal(spool_sweep(spool, &bytes, &files, &expired), 0);
		assert_int_equal(expired, cases[i].expired);
		assert_int_equal(files, 3 - expired);
		assert_in_range(bytes, 1, 1 << 20);
		assert_string_equal(folder_list(place.spool, "", list), cases[i].left);
		assert_int_equal(spool_sweep(spool, &bytes, &files, &expired), 0);
		assert_int_equal(expired, 0);
		spool_free(spool);
	}
}

static void a_folder_that_can_not_be_written_is_an_error(void **state)
{
	struct spool *spool;
	char path[512];

	(void)state;
	file_make(place.spool, "file", BYTES("x"));
	place.config.spool = folder_path(place.spool, "file", path);
	assert_int_equal(spool_new(&place.config, &place.node, &place.losses, &spool), -ENOTDIR);
	place.config.spool = "/proc/spool";
	assert_true(spool_new(&place.config, &place.node, &place.losses, &spool) < 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(a_file_says_what_is_in_it),
		TEST(files_follow_one_another),
		TEST(a_file_is_due_by_age_and_size),
		TEST(lines_that_no_reader_takes_are_not_written),
		TEST(compressed_files_are_the_same),
		TEST(a_full_disk_is_tried_again),
		TEST(a_trailer_without_room_is_tried_again),
		TEST(without_room_to_compress_it_stays_plain),
		TEST(a_file_size_limit_is_tried_again),
		TEST(old_files_go_and_nothing_else),
		TEST(a_folder_that_can_not_be_written_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
