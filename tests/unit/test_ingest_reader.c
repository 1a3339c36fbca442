/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines of plain and compressed files: across chunks, too long, cut, damaged. */
#include "tests/unit/unit.h"

#include "common/fs.h"
#include "ingest/reader.h"

#include <errno.h>
#include <zstd.h>

static char directory[] = "/tmp/test_ingest_reader.XXXXXX";
static char path[64];

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/file", directory);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(directory);
}

static void write_file(const void *data, size_t len)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fs_write_all(fd, data, len), 0);
}

/* Compresses with that window, in one frame. */
static void write_compressed(const char *data, size_t len, int window_log, size_t cut,
			     size_t damage)
{
	ZSTD_CCtx *context = ZSTD_createCCtx();
	size_t size = ZSTD_compressBound(len), n;
	_cleanup_free_ char *out = malloc(size);

	if (window_log)
		ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
	/* The size must not be in the frame: the window would shrink to it. */
	ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
	{
		ZSTD_inBuffer in = {data, len, 0};
		ZSTD_outBuffer to = {out, size, 0};

		while (in.pos < in.size)
			ZSTD_compressStream2(context, &to, &in, ZSTD_e_continue);
		while (ZSTD_compressStream2(context, &to, &in, ZSTD_e_end))
			;
		n = to.pos;
	}
	if (damage)
		out[n / 2] ^= (char)damage;
	write_file(out, n - cut);
	ZSTD_freeCCtx(context);
}

/* Lines of lengths around the chunk's size, one of each. */
static const size_t lengths[] = {0, 1, 0, 262143, 262144, 262145, 524288, 1, 700001, 65536, 7, 0};

static char *make_lines(size_t *ret_len)
{
	size_t len = 0, at = 0;
	char *data;

	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++)
		len += lengths[i] + 1;
	data = malloc(len);
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		memset(data + at, 'a' + (int)i, lengths[i]);
		at += lengths[i];
		data[at++] = '\n';
	}
	*ret_len = len;
	return data;
}

static void check_lines(struct reader *reader)
{
	struct line line;

	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		assert_int_equal(reader_next(reader, &line), 1);
		assert_int_equal(line.text.len, lengths[i]);
		assert_true(line.has_newline);
		for (size_t k = 0; k < lengths[i]; k += 1021)
			assert_int_equal(line.text.data[k], 'a' + (int)i);
	}
	assert_int_equal(reader_next(reader, &line), 0);
}

static void lines_come_whole(void **state)
{
	size_t len;
	_cleanup_free_ char *data = make_lines(&len);

	(void)state;
	for (int compressed = 0; compressed < 2; compressed++) {
		_cleanup_reader_ struct reader *reader = NULL;
		struct stat st;

		if (compressed)
			write_compressed(data, len, 0, 0, 0);
		else
			write_file(data, len);
		assert_int_equal(reader_open(AT_FDCWD, path, &reader, &st), 0);
		check_lines(reader);
		assert_int_equal(reader_rewind(reader), 0);
		check_lines(reader);
	}
}

static void long_lines_are_counted(void **state)
{
	static const size_t sizes[] = {RECORD_LINE_MAX, RECORD_LINE_MAX + 1, 3 * RECORD_LINE_MAX};
	_cleanup_free_ char *data = malloc(3 * RECORD_LINE_MAX + 3);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		_cleanup_reader_ struct reader *reader = NULL;
		struct line line;
		struct stat st;

		memset(data, 'x', sizes[i]);
		memcpy(data + sizes[i], "\ny", 2);
		write_file(data, sizes[i] + 2);
		assert_int_equal(reader_open(AT_FDCWD, path, &reader, &st), 0);
		assert_int_equal(reader_next(reader, &line), 1);
		assert_int_equal(line.size, sizes[i]);
		assert_int_equal(line.text.data != NULL, sizes[i] <= RECORD_LINE_MAX);
		assert_int_equal(reader_next(reader, &line), 1);
		assert_int_equal(line.text.len, 1);
		assert_memory_equal(line.text.data, "y", 1);
		assert_false(line.has_newline);
		assert_int_equal(reader_next(reader, &line), 0);
	}
}

static int read_all(void)
{
	_cleanup_reader_ struct reader *reader = NULL;
	struct line line;
	struct stat st;
	int r;

	assert_int_equal(reader_open(AT_FDCWD, path, &reader, &st), 0);
	while ((r = reader_next(reader, &line)) > 0)
		;
	return r;
}

static void bad_compression_is_told(void **state)
{
	size_t len = 1 << 20;
	_cleanup_free_ char *data = malloc(len);
	uint32_t random = 1;

	(void)state;
	for (size_t i = 0; i < len; i++) {
		random = random * 1664525 + 1013904223;
		data[i] = (char)(random >> 24);
	}
	write_compressed(data, len, 0, 3, 0);
	assert_int_equal(read_all(), -ENODATA);
	write_compressed(data, len, 23, 0, 0);
	assert_int_equal(read_all(), 0);
	write_compressed(data, len, 24, 0, 0);
	assert_int_equal(read_all(), -EBADMSG); /* wants more memory than we give */
	memset(data, '{', len);
	write_compressed(data, len, 0, 0, 0x55);
	assert_int_not_equal(read_all(), 0);
	write_file("\x28\xb5\x2f\xfd", 4);
	assert_int_equal(read_all(), -ENODATA);
	write_file("", 0);
	assert_int_equal(read_all(), 0);
}

static void only_regular_files(void **state)
{
	struct reader *reader;
	struct stat st;

	(void)state;
	assert_int_equal(reader_open(AT_FDCWD, directory, &reader, &st), -ENOTSUP);
	unlink(path);
	assert_int_equal(reader_open(AT_FDCWD, path, &reader, &st), -ENOENT);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(reader_open(AT_FDCWD, path, &reader, &st), -ENOTSUP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_come_whole),
		cmocka_unit_test(long_lines_are_counted),
		cmocka_unit_test(bad_compression_is_told),
		cmocka_unit_test(only_regular_files),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
