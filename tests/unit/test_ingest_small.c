/* SPDX-License-Identifier: BSD-2-Clause */
/* URLs, names of spool files, missing numbers, the cache of ids, archiving. */
#include "tests/unit/unit.h"

#include "common/fs.h"
#include "ingest/cache.h"
#include "ingest/dispose.h"
#include "ingest/gaps.h"
#include "ingest/spool_name.h"
#include "common/database_url.h"

#include <errno.h>
#include <sys/stat.h>

static void urls_are_parsed(void **state)
{
	static const struct {
		const char *text, *scheme, *path, *user, *host, *database;
		int port;
	} cases[] = {
		{"sqlite:/a b/c.db", "sqlite", "/a b/c.db", NULL, NULL, NULL, 0},
		{"sqlite:rel", "sqlite", "rel", NULL, NULL, NULL, 0},
		{"mysql://u@h/d", "mysql", NULL, "u", "h", "d", 0},
		{"mysql://u@h:3307/d", "mysql", NULL, "u", "h", "d", 3307},
		{"mysql://u@localhost/d?socket=/run/s", "mysql", "/run/s", "u", "localhost", "d",
		 0},
		{"sqlite:", NULL, NULL, NULL, NULL, NULL, 0},
		{"", NULL, NULL, NULL, NULL, NULL, 0},
		{"/a.db", NULL, NULL, NULL, NULL, NULL, 0},
		{"postgres://u@h/d", NULL, NULL, NULL, NULL, NULL, 0},
		{"mysql://u:secret@h/d", NULL, NULL, NULL, NULL, NULL, 0},
		{"mysql://h/d", "mysql", NULL, NULL, "h", "d", 0},
		{"mariadb://u@[::1]:7/d", "mysql", NULL, "u", "::1", "d", 7},
		{"mysql://a%40b@/d%2f%3F?ssl=off&socket=%2Frun/a%26b", "mysql", "/run/a&b", "a@b",
		 "localhost", "d/?", 0},
		{"mysql://u@h/d?ssl_cert=a&ssl_key=b&ssl_ca=c&ssl=verify&password_file=p", "mysql",
		 NULL, "u", "h", "d", 0},
		{"mysql://u@h/d?ssl_cert=a", NULL, NULL, NULL, NULL, NULL, 0},
		{"mysql://u@h/d?ssl=off&ssl_ca=c", NULL, NULL, NULL, NULL, NULL, 0},
		{"mysql://u@h/d?ssl_cert=a&ssl_key=b&ssl=off", NULL, NULL, NULL, NULL, NULL, 0},
		{"mysql://u@[::1/d", NULL, NULL, NULL, NULL, NULL, 0},
		{"mysql://u@[::1:7/d", NULL, NULL, NULL, NULL, NULL, 0},
		{"mysql://u@h/d?ssl=maybe", NULL, NULL, NULL, NULL, NULL, 0},
		{"mysql://u@h/d?socket", NULL, NULL, NULL, NULL, NULL, 0},
		{"mysql://u@h/d?socket=", NULL, NULL, NULL, NULL, NULL, 0},
		{"mysql://u@h/d?password=x", NULL, NULL, NULL, NULL, NULL, 0},
		{"mysql://u@h/d%0", NULL, NULL, NULL, NULL, NULL, 0},
		{"mysql://u@h/d%00", NULL, NULL, NULL, NULL, NULL, 0},
		{"mysql://u@h/d%zz", NULL, NULL, NULL, NULL, NULL, 0},
		{"mysql://u@[::1]x/d", NULL, NULL, NULL, NULL, NULL, 0},
		{"mysql://u@h/d/e", NULL, NULL, NULL, NULL, NULL, 0},
		{"mysql://u@h", NULL, NULL, NULL, NULL, NULL, 0},
		{"mysql://u@h/", NULL, NULL, NULL, NULL, NULL, 0},
		{"mysql://u@h:0/d", NULL, NULL, NULL, NULL, NULL, 0},
		{"mysql://u@h:65536/d", NULL, NULL, NULL, NULL, NULL, 0},
		{"mysql://u@h/d?x=1", NULL, NULL, NULL, NULL, NULL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(url_done) struct database_url url = {};
		const char *reason = NULL;
		int r = url_parse(cases[i].text, &url, &reason);

		if (r != (cases[i].scheme ? 0 : -EINVAL))
			fail_msg("%s: %d", cases[i].text, r);
		if (r < 0) {
			assert_non_null(reason);
			continue;
		}
		assert_string_equal(url.scheme, cases[i].scheme);
		assert_string_equal(url.path ?: "", cases[i].path ?: "");
		assert_string_equal(url.user ?: "", cases[i].user ?: "");
		assert_string_equal(url.host ?: "", cases[i].host ?: "");
		assert_string_equal(url.database ?: "", cases[i].database ?: "");
		assert_int_equal(url.port, cases[i].port);
	}
}

#define BOOT	 "b1b2b3b4-0000-4000-8000-0123456789ab"
#define INSTANCE "0123456789abcdef"

static void spool_names_are_parsed(void **state)
{
	static const struct {
		const char *name;
		bool is_whole;
		const char *host; /* NULL: not a spool file's name */
		uint64_t number;
	} cases[] = {
		{"n1." BOOT "." INSTANCE ".000007.jsonl", true, "n1", 7},
		{"n1." BOOT "." INSTANCE ".000007.jsonl.zst", true, "n1", 7},
		{"a.b.c." BOOT "." INSTANCE ".1234567.jsonl", true, "a.b.c", 1234567},
		{".n1." BOOT "." INSTANCE ".000007.jsonl", false, ".n1", 7},
		{"n1." BOOT "." INSTANCE ".000007.jsonl.tmp", false, NULL, 0},
		{"n1." BOOT "." INSTANCE ".000007.jsonl.zst.tmp", false, NULL, 0},
		{"n1." BOOT "." INSTANCE ".7.jsonl", true, NULL, 0},
		{"n1." BOOT ".0123456789abcde.000007.jsonl", true, NULL, 0},
		{"n1.b1b2b3b4." INSTANCE ".000007.jsonl", true, NULL, 0},
		{"repaired.jsonl", true, NULL, 0},
		{".jsonl", false, NULL, 0},
		{"x.json", false, NULL, 0},
		{"", false, NULL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char base[SPOOL_NAME_MAX], full[SPOOL_NAME_MAX];
		struct spool_name name;
		int r;

		if (spool_name_is_whole(cases[i].name) != cases[i].is_whole)
			fail_msg("%s", cases[i].name);
		snprintf(full, sizeof(full), "/d.zst/%s", cases[i].name);
		assert_true(spool_name_base(full, base));
		r = spool_name_parse(base, &name);
		if (r != (cases[i].host ? 0 : -EINVAL))
			fail_msg("%s: %d", cases[i].name, r);
		if (r < 0)
			continue;
		assert_string_equal(name.host, cases[i].host);
		assert_string_equal(name.boot_id, BOOT);
		assert_string_equal(name.instance, INSTANCE);
		assert_int_equal(name.number, cases[i].number);
	}
}

/* Against a plain array of flags, numbers in any order. */
static void gaps_equal_an_array(void **state)
{
	struct gaps *gaps = malloc(sizeof(*gaps));
	uint32_t random = 7;

	(void)state;
	for (int round = 0; round < 97; round++) {
		bool came[211] = {};
		uint64_t missing = 0, found = 0, duplicates = 0;

		gaps_init(gaps, 100);
		for (int i = 0; i < 179; i++) {
			random = random * 1664525 + 1013904223;
			duplicates += came[(random >> 8) % 211];
			came[(random >> 8) % 211] = true;
			gaps_add(gaps, 100 + (random >> 8) % 211);
		}
		gaps_end(gaps, 310);
		for (int i = 0; i < 211; i++)
			missing += !came[i];
		assert_int_equal(gaps_missing(gaps), missing);
		assert_int_equal(gaps->duplicates, duplicates);
		for (size_t i = 0; i < gaps->count; i++)
			for (uint64_t n = gaps->ranges[i].first; n <= gaps->ranges[i].last; n++) {
				assert_false(came[n - 100]);
				found++;
			}
		assert_int_equal(found, missing);
	}
	free(gaps);
}

static void gaps_are_bounded(void **state)
{
	struct gaps *gaps = malloc(sizeof(*gaps));

	(void)state;
	gaps_init(gaps, 1);
	for (uint64_t n = 1; n <= 4 * GAPS_MAX; n++)
		gaps_add(gaps, 3 * n);
	gaps_end(gaps, UINT64_MAX);
	assert_int_equal(gaps->count, GAPS_MAX);
	assert_int_equal(gaps_missing(gaps), 2 * 4 * GAPS_MAX);
	free(gaps);
}

/* Never wrong; what is used stays; memory is that of two generations. */
static void cache_knows_what_is_used(void **state)
{
	static const uint32_t count = 3 * CACHE_ENTRIES_MAX + 1009;
	struct cache *cache;
	int64_t id;

	(void)state;
	assert_int_equal(cache_new(&cache), 0);
	for (uint32_t i = 0; i < count; i++) {
		struct value key[2] = {value_integer(i), value_bytes(&i, sizeof(i) - i % 2)};
		struct value hot = value_text(bytes_of("hot"));

		if (i)
			assert_true(cache_get(cache, 2, &hot, 1, &id));
		else
			cache_put(cache, 2, &hot, 1, 77);
		assert_false(cache_get(cache, 1, key, 2, &id));
		cache_put(cache, 1, key, 2, i);
		assert_true(cache_get(cache, 1, key, 2, &id));
		assert_int_equal(id, i);
		assert_false(cache_get(cache, 3, key, 2, &id));
		assert_false(cache_get(cache, 1, key, 1, &id));
	}
	for (uint32_t i = count; i-- > count - CACHE_ENTRIES_MAX;) {
		struct value key[2] = {value_integer(i), value_bytes(&i, sizeof(i) - i % 2)};

		assert_true(cache_get(cache, 1, key, 2, &id));
		assert_int_equal(id, i);
	}
	for (uint32_t i = 0; i < count; i++) {
		struct value key[2] = {value_integer(i), value_bytes(&i, sizeof(i) - i % 2)};

		if (cache_get(cache, 1, key, 2, &id))
			assert_int_equal(id, i);
	}
	cache_clear(cache);
	{
		struct value hot = value_text(bytes_of("hot"));

		assert_false(cache_get(cache, 2, &hot, 1, &id));
	}
	cache_free(cache);
}

static void put_file(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0640);

	assert_true(fd >= 0);
	assert_int_equal(fs_write_all(fd, text, strlen(text)), 0);
}

static void check_file(const char *path, const char *text)
{
	_cleanup_free_ char *data = NULL;

	if (!text) {
		assert_int_equal(access(path, F_OK), -1);
		return;
	}
	assert_int_equal(fs_read_file(AT_FDCWD, path, 100, &data, NULL), 0);
	assert_string_equal(data, text);
}

static void archive_never_loses(const char *to)
{
	char directory[] = "/tmp/test_ingest.XXXXXX", from[64], there[300];

	assert_non_null(mkdtemp(directory));
	snprintf(from, sizeof(from), "%s/f", directory);
	snprintf(there, sizeof(there), "%s/f", to);

	put_file(from, "one");
	assert_int_equal(dispose_archive(from, to), 0);
	check_file(from, NULL);
	check_file(there, "one");
	/* Again, as after a kill between the two halves of it. */
	put_file(from, "one");
	assert_int_equal(dispose_archive(from, to), 0);
	check_file(from, NULL);
	put_file(from, "two");
	assert_int_equal(dispose_archive(from, to), -EEXIST);
	check_file(from, "two");
	check_file(there, "one");
	assert_int_equal(dispose_archive(from, "/nonexistent"), -ENOENT);
	check_file(from, "two");
	assert_int_equal(dispose_remove(from), 0);
	assert_int_equal(dispose_remove(from), 0);
	assert_int_equal(dispose_archive(from, to), 0);
	unlink(there);
	assert_int_equal(rmdir(directory), 0);
}

static void archive_on_the_same_file_system(void **state)
{
	char to[] = "/tmp/test_ingest_to.XXXXXX";

	(void)state;
	assert_non_null(mkdtemp(to));
	archive_never_loses(to);
	assert_int_equal(rmdir(to), 0);
}

static void archive_on_another_file_system(void **state)
{
	char to[] = "/dev/shm/test_ingest_to.XXXXXX";
	struct stat a, b;

	(void)state;
	if (!mkdtemp(to) || stat("/tmp", &a) || stat(to, &b) || a.st_dev == b.st_dev) {
		rmdir(to);
		print_message("no second file system here\n");
		skip();
	}
	archive_never_loses(to);
	assert_int_equal(rmdir(to), 0); /* no temporary file is left */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urls_are_parsed),
		cmocka_unit_test(spool_names_are_parsed),
		cmocka_unit_test(gaps_equal_an_array),
		cmocka_unit_test(gaps_are_bounded),
		cmocka_unit_test(cache_knows_what_is_used),
		cmocka_unit_test(archive_on_the_same_file_system),
		cmocka_unit_test(archive_on_another_file_system),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
