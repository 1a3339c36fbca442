/* SPDX-License-Identifier: BSD-2-Clause */
/* Whole reads and writes, directories. */
#include "tests/unit/unit.h"

#include "common/fs.h"

#include <errno.h>
#include <sys/stat.h>

static char folder[] = "/tmp/runmark-fs-XXXXXX";
static int dir = -1;

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	static const char *const names[] = {"file", "fifo", "link"};
	static const char *const folders[] = {"a/b/c", "a/b", "a"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unlinkat(dir, names[i], 0);
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		unlinkat(dir, folders[i], AT_REMOVEDIR);
	close(dir);
	return rmdir(folder);
}

static void write_file(size_t len)
{
	_cleanup_close_ int fd =
		openat(dir, "file", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	_cleanup_free_ char *data = malloc(len + 1);

	for (size_t i = 0; i < len; i++)
		data[i] = (char)(i % 251);
	assert_true(fd >= 0);
	assert_int_equal(fs_write_all(fd, data, len), 0);
}

static void files_are_read_whole_up_to_max(void **state)
{
	static const struct {
		size_t len, max;
		int result;
	} cases[] = {
		{0, 0, 0},	     {0, 10, 0},	  {1, 0, -EFBIG},	{10, 10, 0},
		{11, 10, -EFBIG},    {4096, 4096, 0},	  {4097, 4096, -EFBIG}, {4095, 100000, 0},
		{100003, 100003, 0}, {100003, 1000000, 0}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *data = NULL;
		size_t len = 4711;

		write_file(cases[i].len);
		assert_int_equal(fs_read_file(dir, "file", cases[i].max, &data, &len),
				 cases[i].result);
		if (cases[i].result < 0) {
			assert_null(data);
			assert_int_equal(len, 4711);
			continue;
		}
		assert_int_equal(len, cases[i].len);
		assert_int_equal(data[len], 0);
		for (size_t j = 0; j < len; j++)
			assert_int_equal((uint8_t)data[j], j % 251);
	}
}

static void odd_files(void **state)
{
	char *data = NULL;
	size_t len;

	(void)state;
	assert_int_equal(fs_read_file(dir, "none", 10, &data, &len), -ENOENT);
	assert_int_equal(fs_read_file(dir, ".", 10, &data, &len), -EISDIR);
	assert_int_equal(mkfifoat(dir, "fifo", 0600), 0);
	assert_int_equal(fs_read_file(dir, "fifo", 10, &data, NULL), 0); /* and doesn't wait */
	free(data);
	/* a file of /proc, whose size says 0 */
	assert_int_equal(fs_read_file(AT_FDCWD, "/proc/self/status", 65536, &data, &len), 0);
	assert_true(len > 100);
	assert_int_equal(strlen(data), len);
	free(data);
}

static void short_reads_are_the_end(void **state)
{
	int pipes[2];
	char data[16] = "";

	(void)state;
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	assert_int_equal(fs_write_all(pipes[1], "abc", 3), 0);
	assert_int_equal(fs_write_all(pipes[1], "defg", 4), 0);
	close(pipes[1]);
	assert_int_equal(fs_read_all(pipes[0], data, 5), 5);
	assert_int_equal(fs_read_all(pipes[0], data + 5, sizeof(data) - 5), 2);
	assert_string_equal(data, "abcdefg");
	assert_int_equal(fs_pread_all(pipes[0], data, 1, 0), -ESPIPE);
	close(pipes[0]);
	assert_int_equal(fs_read_all(-1, data, 1), -EBADF);
	assert_int_equal(fs_write_all(-1, data, 1), -EBADF);
}

static void pread_stops_at_the_end(void **state)
{
	_cleanup_close_ int fd = -1;
	char data[16];

	(void)state;
	write_file(11);
	fd = openat(dir, "file", O_RDONLY | O_CLOEXEC);
	assert_int_equal(fs_pread_all(fd, data, 4, 7), 4);
	assert_int_equal(data[0], 7);
	assert_int_equal(fs_pread_all(fd, data, 5, 7), 4);
	assert_int_equal(fs_pread_all(fd, data, 5, 11), 0);
	assert_int_equal(fs_pread_all(fd, data, 5, 4711), 0);
	assert_int_equal(fs_pread_all(fd, data, 5, -1), -EINVAL);
}

static void folders_are_made_with_their_parents(void **state)
{
	static const struct {
		const char *path;
		int result;
	} cases[] = {{"a/b/c", 0},	   {"a/b/c/", 0}, {"a//b", 0},	{"file", -ENOTDIR},
		     {"file/x", -ENOTDIR}, {"link", 0},	  {"link/b", 0}};

	(void)state;
	write_file(1);
	assert_int_equal(symlinkat("a", dir, "link"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *path = NULL;

		assert_true(asprintf(&path, "%s/%s", folder, cases[i].path) > 0);
		assert_int_equal(fs_mkdir_all(path, 0700), cases[i].result);
	}
	assert_int_equal(fs_mkdir_all("/", 0700), 0);
	assert_int_equal(fs_mkdir_all("", 0700), -ENOENT);
	/* below what can't be written to, where all is there */
	assert_int_equal(fs_mkdir_all("/proc/self/fd", 0700), 0);
}

static void base_names(void **state)
{
	static const char *const cases[][2] = {
		{"a", "a"}, {"/a", "a"}, {"/a/b.c", "b.c"}, {"a/", ""}, {"", ""}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(fs_base_name(cases[i][0]), cases[i][1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_read_whole_up_to_max),
		cmocka_unit_test(odd_files),
		cmocka_unit_test(short_reads_are_the_end),
		cmocka_unit_test(pread_stops_at_the_end),
		cmocka_unit_test(folders_are_made_with_their_parents),
		cmocka_unit_test(base_names),
	};

	return cmocka_run_group_tests_name("fs", tests, set_up, tear_down);
}
