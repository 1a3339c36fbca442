/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A line that lies within one chunk, as nearly all do, is handed out where it is; one that spans
 * chunks is put together. One that is too long is counted through to its end and never held.
 */
#include "ingest/reader.h"
#include "common/fs.h"

#include <errno.h>
#include <zstd.h>

#define CHUNK_SIZE (256 * 1024)

struct reader {
	int fd;
	bool is_compressed, is_within_frame;
	ZSTD_DStream *stream;
	ZSTD_inBuffer in;
	char *input;		    /* compressed bytes, CHUNK_SIZE */
	char *chunk;		    /* plain bytes, CHUNK_SIZE */
	size_t len, position;	    /* in chunk */
	char *line;		    /* of one that spans chunks */
	size_t line_len, line_size; /* used, allocated */
};

static int open_file(int dir, const char *path, struct stat *ret_stat)
{
	/* O_NONBLOCK: a FIFO in the place of a file must not hold us. */
	_cleanup_close_ int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0 || fstat(fd, ret_stat))
		return -errno;
	if (!S_ISREG(ret_stat->st_mode))
		return -ENOTSUP;
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	return TAKE_FD(fd);
}

int reader_new(int fd, struct reader **ret)
{
	_cleanup_reader_ struct reader *reader = calloc(1, sizeof(*reader));
	int r;

	if (!reader) {
		close(fd);
		return -ENOMEM;
	}
	reader->fd = fd;
	reader->chunk = malloc(CHUNK_SIZE);
	if (!reader->chunk)
		return -ENOMEM;
	r = reader_rewind(reader);
	if (r < 0 && r != -ESPIPE)
		return r;
	*ret = TAKE_PTR(reader);
	return 0;
}

int reader_open(int dir, const char *path, struct reader **ret, struct stat *ret_stat)
{
	int fd = open_file(dir, path, ret_stat);

	return fd < 0 ? fd : reader_new(fd, ret);
}

void reader_free(struct reader *reader)
{
	if (!reader)
		return;
	if (reader->fd >= 0)
		close(reader->fd);
	ZSTD_freeDStream(reader->stream);
	free(reader->input);
	free(reader->chunk);
	free(reader->line);
	free(reader);
}

static int start_stream(struct reader *reader)
{
	reader->is_compressed = true;
	if (!reader->input)
		reader->input = malloc(CHUNK_SIZE);
	if (!reader->stream)
		reader->stream = ZSTD_createDStream();
	if (!reader->input || !reader->stream || ZSTD_isError(ZSTD_initDStream(reader->stream)) ||
	    ZSTD_isError(
		    ZSTD_DCtx_setParameter(reader->stream, ZSTD_d_windowLogMax, READER_WINDOW_LOG)))
		return -ENOMEM;
	return 0;
}

int reader_rewind(struct reader *reader)
{
	static const uint8_t magic[] = {0x28, 0xb5, 0x2f, 0xfd}; /* RFC 8878, 3.1.1 */
	uint8_t first[sizeof(magic)];
	ssize_t n = fs_pread_all(reader->fd, first, sizeof(first), 0);

	if (n < 0)
		return (int)n;
	if (lseek(reader->fd, 0, SEEK_SET) < 0)
		return -errno;
	reader->len = reader->position = reader->line_len = 0;
	reader->in = (ZSTD_inBuffer){};
	reader->is_compressed = reader->is_within_frame = false;
	if (n == sizeof(magic) && !memcmp(first, magic, sizeof(magic)))
		return start_stream(reader);
	return 0;
}

/* Decompresses until there is something or the file ends. */
static ssize_t fill_compressed(struct reader *reader)
{
	ZSTD_outBuffer out = {reader->chunk, CHUNK_SIZE, 0};

	while (!out.pos) {
		size_t left;

		if (reader->in.pos == reader->in.size) {
			ssize_t n = fs_read_all(reader->fd, reader->input, CHUNK_SIZE);

			if (n < 0)
				return n;
			if (!n)
				return reader->is_within_frame ? -ENODATA : 0;
			reader->in = (ZSTD_inBuffer){reader->input, (size_t)n, 0};
		}
		left = ZSTD_decompressStream(reader->stream, &out, &reader->in);
		if (ZSTD_isError(left))
			return -EBADMSG;
		reader->is_within_frame = left != 0;
	}
	return (ssize_t)out.pos;
}

/* What is there: a pipe may have more later. A signal ends the wait for it. */
static ssize_t read_some(struct reader *reader)
{
	ssize_t n = read(reader->fd, reader->chunk, CHUNK_SIZE);

	return n < 0 ? -errno : n;
}

/* 1, 0 at the end, or negative errno. */
static int fill(struct reader *reader)
{
	ssize_t n = reader->is_compressed ? fill_compressed(reader) : read_some(reader);

	if (n <= 0)
		return (int)n;
	reader->len = (size_t)n;
	reader->position = 0;
	return 1;
}

/* Adds a part of a line that spans chunks; nothing once it is too long. */
static int keep(struct reader *reader, const char *part, size_t len, uint64_t size)
{
	if (size + len > RECORD_LINE_MAX)
		return 0;
	if (reader->line_len + len > reader->line_size) {
		size_t grown = MIN(2 * (reader->line_len + len), (size_t)RECORD_LINE_MAX);
		char *line = realloc(reader->line, grown);

		if (!line)
			return -ENOMEM;
		reader->line = line;
		reader->line_size = grown;
	}
	memcpy(reader->line + reader->line_len, part, len);
	reader->line_len += len;
	return 0;
}

static struct line make_line(const char *text, uint64_t size, bool has_newline)
{
	bool is_too_long = size > RECORD_LINE_MAX;

	return (struct line){.text = {is_too_long ? NULL : text ?: "", is_too_long ? 0 : size},
			     .size = size,
			     .has_newline = has_newline};
}

int reader_next(struct reader *reader, struct line *ret)
{
	uint64_t size = 0;

	reader->line_len = 0;
	for (;;) {
		const char *start, *newline;
		size_t part;
		int r;

		if (reader->position == reader->len) {
			r = fill(reader);
			if (r < 0)
				return r;
			if (r == 0) {
				if (!size)
					return 0;
				*ret = make_line(reader->line, size, false);
				return 1;
			}
		}
		start = reader->chunk + reader->position;
		newline = memchr(start, '\n', reader->len - reader->position);
		part = newline ? (size_t)(newline - start) : reader->len - reader->position;
		reader->position += part + (newline != NULL);
		if (newline && !size) {
			*ret = make_line(start, part, true);
			return 1;
		}
		r = keep(reader, start, part, size);
		if (r < 0)
			return r;
		size += part;
		if (newline) {
			*ret = make_line(reader->line, size, true);
			return 1;
		}
	}
}
