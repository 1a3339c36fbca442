/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines of a spool file, plain or zstd (told by its first bytes), in memory that does not grow with
 * the file. */
#pragma once

#include "common/record.h"
#include <sys/stat.h>

#define READER_WINDOW_LOG                                                                          \
	23 /* zstd window of 8 MiB: what zstd -19 makes, not what --long may ask for */

struct reader;

struct line {
	struct bytes text; /* without newline; data NULL if it is longer than RECORD_LINE_MAX */
	uint64_t size;	   /* bytes, also of one that was too long */
	bool has_newline;  /* false at most for the last */
};

/* *ret_stat: of the file. Only regular files; -ENOTSUP for others. */
int reader_open(int dir, const char *path, struct reader **ret, struct stat *ret_stat);
/* Of what is open: also a pipe, which can't be rewound, and whose lines are plain. Takes fd, also
 * when it fails. */
int reader_new(int fd, struct reader **ret);
void reader_free(struct reader *reader);

/* From the first line again. */
int reader_rewind(struct reader *reader);

/*
 * 1 with a line, valid until the next call; 0 at the end. -EBADMSG: what is compressed is damaged,
 * -ENODATA: it ends too early; the lines before are good.
 */
int reader_next(struct reader *reader, struct line *ret);

static inline void cleanup_reader(struct reader **reader)
{
	reader_free(*reader);
}
#define _cleanup_reader_ _cleanup_(cleanup_reader)
