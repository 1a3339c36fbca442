// SPDX-License-Identifier: BSD-2-Clause
/* What a killed daemon left in the spool: cut at its last whole line, closed, renamed; whatever
 * stands there. */
#include "tests/unit/daemon_spool.h"

#define ID(n) "0b6a2d4e-0000-8000-8000-00000000000" n

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

static void seen_add(void *arg, const uuid_t run_id)
{
	char *seen = arg, text[ID_TEXT_SIZE];

	uuid_unparse_lower(run_id, text);
	strcat(seen, text + 35);
}

/* The file is as it was while it is told of. */
static void file_is_open(void *arg)
{
	char list[2048];

	strcat(arg, ".");
	assert_true(*folder_list(place.spool, ".tmp", list));
}

static const struct spool_mender mender = {seen_add, file_is_open};

static int mend(char seen[256])
{
	seen[0] = '\0';
	return spool_mend(&place.config, &place.node, &mender, seen);
}

/* An open file of two runs, a link and a set, as a kill leaves it. */
static void leave_open(void)
{
	struct spool *spool = place_spool(&place);
	static const char *const ids[] = {ID("1"), ID("2")};

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		_cleanup_json_ cJSON *record = cJSON_CreateObject();

		cJSON_AddStringToObject(record, "schema", "runmark.run/1");
		cJSON_AddStringToObject(record, "run_id", ids[i]);
		assert_int_equal(spool_add_record(spool, "run", record, NULL), 0);
	}
	assert_int_equal(add_record(spool, "link", "x"), 0);
	assert_int_equal(spool_write(spool), 0);
	spool_free(spool);
}

static void a_left_file_is_closed(void **state)
{
	_cleanup_json_ cJSON *trailer = NULL, *header = NULL;
	char name[NAME_SIZE], list[2048], seen[256], quoted[300];
	struct spool *spool;

	(void)state;
	leave_open();
	strcpy(place.node.instance, "fedcba9876543210"); /* the next one's */
	assert_int_equal(mend(seen), 1);
	assert_string_equal(seen, "12.");
	strcpy(place.node.instance, "0123456789abcdef");
	assert_string_equal(folder_list(place.spool, "", list), place_name(&place, 1, name));
	trailer = file_line(place.spool, name, -1);
	assert_json(trailer, "part", "\"trailer\"");
	assert_json(trailer, "host", "\"n1\"");
	assert_json(trailer, "instance", "\"0123456789abcdef\"");
	assert_json(trailer, "number", "\"1\"");
	assert_json(trailer, "first_seq", "\"1\"");
	assert_json(trailer, "last_seq", "\"3\"");
	assert_json(trailer, "lines", "4");
	assert_json(trailer, "counts", "{\"file\":1,\"run\":2,\"link\":1}");
	assert_json(trailer, "mended", "true");
	assert_int_equal(mend(seen), 0);
	/* and the next file goes on behind it */
	snprintf(quoted, sizeof(quoted), "\"%.250s\"", name);
	strcpy(place.node.instance, "fedcba9876543210");
	spool = place_spool(&place);
	assert_int_equal(add_record(spool, "run", "x"), 0);
	assert_int_equal(spool_close(spool), 0);
	header = file_line(place.spool, place_name(&place, 1, name), 0);
	assert_json(header, "previous", quoted);
	spool_free(spool);
}

/* Whatever its length, what is whole stays and what isn't goes. */
static void a_file_may_be_cut_anywhere(void **state)
{
	_cleanup_free_ char *text = NULL;
	char open_name[NAME_SIZE], name[NAME_SIZE], list[2048], seen[256];
	size_t len;

	(void)state;
	leave_open();
	text = file_text(place.spool, place_open_name(&place, 1, open_name), &len);
	place_name(&place, 1, name);
	for (size_t cut = 0; cut <= len; cut += 7) {
		_cleanup_json_ cJSON *trailer = NULL;
		char path[512];
		unsigned int lines = 0;

		for (size_t i = 0; i < cut; i++)
			lines += text[i] == '\n';
		unlink(folder_path(place.spool, name, path));
		file_make(place.spool, open_name, (struct bytes){text, cut});
		assert_int_equal(mend(seen), 1);
		assert_string_equal(folder_list(place.spool, "", list), lines ? name : "");
		if (!lines)
			continue;
		trailer = file_line(place.spool, name, -1);
		assert_int_equal(record_get(trailer, "lines")->valueint, lines);
		assert_int_equal(strlen(seen), MIN(lines - 1, 2) + 1);
	}
}

static void a_file_with_its_trailer_is_only_renamed(void **state)
{
	_cleanup_free_ char *text = NULL, *after = NULL;
	char open_name[NAME_SIZE], name[NAME_SIZE], packed[300], path[512], to[512], list[2048],
		seen[256];
	size_t len, after_len;

	(void)state;
	leave_open();
	mend(seen);
	place_name(&place, 1, name);
	place_open_name(&place, 1, open_name);
	text = file_text(place.spool, name, &len);
	rename(folder_path(place.spool, name, path), folder_path(place.spool, open_name, to));
	assert_int_equal(mend(seen), 1);
	after = file_text(place.spool, name, &after_len);
	assert_int_equal(after_len, len);
	assert_memory_equal(after, text, len);
	/* killed between the compressed file's rename and the plain one's removal */
	rename(path, to);
	snprintf(packed, sizeof(packed), "%s.zst", name);
	file_make(place.spool, packed, BYTES("packed"));
	mend(seen);
	assert_string_equal(seen, "12.");
	assert_string_equal(folder_list(place.spool, "", list), packed);
}

static void lines_that_are_no_records_are_kept_and_counted(void **state)
{
	_cleanup_free_ char *text = NULL, *damaged = NULL;
	_cleanup_json_ cJSON *trailer = NULL;
	char open_name[NAME_SIZE], name[NAME_SIZE], seen[256];
	struct bytes garbage = BYTES("\1\1{\"\xff\n\n[]\nnull\n");
	size_t len;

	(void)state;
	leave_open();
	text = file_text(place.spool, place_open_name(&place, 1, open_name), &len);
	damaged = malloc(len + garbage.len);
	memcpy(damaged, text, len);
	memcpy(damaged + len, garbage.data, garbage.len);
	file_make(place.spool, open_name, (struct bytes){damaged, len + garbage.len});
	assert_int_equal(mend(seen), 1);
	trailer = file_line(place.spool, place_name(&place, 1, name), -1);
	assert_json(trailer, "lines", "8");
	assert_json(trailer, "counts", "{\"file\":1,\"run\":2,\"link\":1}");
	/* a damaged header: the reader is to see it, and the records behind it */
	text[3] = '\0';
	file_make(place.spool, open_name, (struct bytes){text, len});
	assert_int_equal(mend(seen), 1);
	assert_string_equal(seen, "12.");
	free(TAKE_PTR(damaged));
	damaged = file_text(place.spool, name, NULL);
	assert_memory_equal(damaged, text, len);
}

static void only_our_own_files_are_touched(void **state)
{
	static const char *const names[] = {
		".n1.txt",
		".n1.jsonl.tmp",
		".n10.0b6a2d4e-0000-4000-8000-000000000001.0123456789abcdef.000001.jsonl.tmp",
		/* a host whose name goes on after a dot */
		".n1.b.0b6a2d4e-0000-4000-8000-000000000001.0123456789abcdef.000001.jsonl.tmp",
		".n2.0b6a2d4e-0000-4000-8000-000000000001.0123456789abcdef.000001.jsonl.tmp",
		"n1.0b6a2d4e-0000-4000-8000-000000000001.0123456789abcdef.000001.jsonl",
		".n1.0b6a2d4e-0000-4000-8000-000000000001.0123456789abcdef.000001.jsonl",
		".n1.0b6a2d4e-0000-4000-8000-000000000001.0123456789abcdef.000001.jsonl.tm",
	};
	char list[2048], before[2048], seen[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		file_make(place.spool, names[i], BYTES("{}\n"));
	folder_list(place.spool, "", before);
	assert_int_equal(mend(seen), 0);
	assert_string_equal(folder_list(place.spool, "", list), before);
	/* what a compression left is */
	file_make(place.spool,
		  ".n1.0b6a2d4e-0000-4000-8000-000000000001.0123456789abcdef.000001.jsonl.zst.part",
		  BYTES("x"));
	assert_int_equal(mend(seen), 0);
	assert_string_equal(folder_list(place.spool, "", list), before);
}

/* Power loss: the file is of a boot whose chain has ended. */
static void another_boots_file_begins_no_chain(void **state)
{
	char name[NAME_SIZE], previous[256], seen[256];

	(void)state;
	leave_open();
	place_name(&place, 1, name);
	strcpy(place.node.boot_id, "0b6a2d4e-0000-4000-8000-000000000002");
	assert_int_equal(mend(seen), 1);
	free(file_text(place.spool, name, NULL));
	assert_int_equal(spool_previous_load(place.state, previous, sizeof(previous)), -ENOENT);
}

/* The daemon starts all the same, knows what the file holds, and mends it when it can. */
static void a_full_disk_is_no_reason_not_to_start(void **state)
{
	static char piece[4096];
	char name[NAME_SIZE], path[512], seen[256];
	_cleanup_free_ char *text = NULL, *padded = calloc(1, 65536);
	_cleanup_json_ cJSON *trailer = NULL;
	size_t len;
	int fd;

	(void)state;
	if (!folder_mount(place.spool, "256k")) {
		print_message("no tmpfs can be mounted here\n");
		skip();
	}
	leave_open();
	text = file_text(place.spool, place_open_name(&place, 1, name), &len);
	/* up to a page's end, so that the trailer needs another one */
	memcpy(padded, text, len);
	memset(padded + len, ' ', 4096 - len % 4096 - 1);
	len += 4096 - len % 4096;
	padded[len - 1] = '\n';
	file_make(place.spool, name, (struct bytes){padded, len});
	fd = open(folder_path(place.spool, "filler", path), O_WRONLY | O_CREAT, 0600);
	while (write(fd, piece, sizeof(piece)) > 0)
		;
	close(fd);
	assert_int_equal(mend(seen), 0);
	assert_string_equal(seen, "12.");
	unlink(path);
	assert_int_equal(mend(seen), 1);
	assert_string_equal(seen, "12.");
	trailer = file_line(place.spool, place_name(&place, 1, name), -1);
	assert_json(trailer, "lines", "5");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(a_left_file_is_closed),
		TEST(a_file_may_be_cut_anywhere),
		TEST(a_file_with_its_trailer_is_only_renamed),
		TEST(lines_that_are_no_records_are_kept_and_counted),
		TEST(only_our_own_files_are_touched),
		TEST(another_boots_file_begins_no_chain),
		TEST(a_full_disk_is_no_reason_not_to_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
