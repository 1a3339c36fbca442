/* SPDX-License-Identifier: BSD-2-Clause */
/* One spool file while it is loaded. */
#pragma once

#include "ingest/gaps.h"
#include "ingest/loader.h"
#include "ingest/reader.h"
#include "ingest/spool_name.h"

#define FILE_KINDS_MAX 32 /* kinds of lines that are counted */
#define FILE_KIND_SIZE 24 /* bytes of a kind's name, with NUL */
#define FILE_QUARANTINE_MAX                                                                        \
	10000 /* lines of a file that are kept in quarantine; others are counted */
#define FILE_QUARANTINE_SIZE (16 * 1024 * 1024) /* bytes of them */

/* Lines of one kind. */
struct kind_count {
	char name[FILE_KIND_SIZE];
	uint64_t stated, found;
	bool is_stated;
};

struct file {
	struct loader *loader;
	const char *path;
	char name[SPOOL_NAME_MAX]; /* by which it is known */
	int64_t id;		   /* of its row in spool_file */
	struct totals *totals;
	uint64_t line; /* the one at hand, from 1 */

	bool has_header, has_trailer;
	uint64_t trailer_line;
	struct spool_name who; /* by header, else by its name; host "" if neither tells */
	char cluster[254], version[64], previous[SPOOL_NAME_MAX];
	uint64_t opened_us, closed_us, stated_lines;
	uint64_t first_seq, last_seq; /* by header and trailer */
	bool is_mended;

	bool has_gaps; /* gaps is in use: a first number is known */
	struct gaps gaps;
	struct kind_count kinds[FILE_KINDS_MAX];
	size_t kind_count;
	size_t quarantine_bytes, quarantine_rows;
	uint64_t unkept; /* lines in quarantine whose text was not kept */
	size_t problem_count;
};

/* Once; see loader_load(). -EAGAIN: try again; -EINPROGRESS, too: it may be in the database, and
 * totals are right if it is. */
int file_load(struct loader *loader, int dir, const char *path, struct totals *totals,
	      struct file_result *ret, bool *ret_is_database);

/* file_line.c: one line, within the file's transaction. Negative errno only for the database. */
int file_take_line(struct file *file, const struct line *line);

/* file_quarantine.c: the line at hand cannot be loaded. */
int file_quarantine(struct file *file, const struct line *line, const struct problem *problem);

/* file_ends.c: header and trailer. -EINVAL with *problem. */
int file_take_end(struct file *file, const cJSON *record, struct problem *problem);

/* file_check.c: something is wrong with the file as a whole. missing, first and last: 0 if unknown.
 */
int file_problem(struct file *file, const char *fact, uint64_t first_seq, uint64_t last_seq,
		 uint64_t missing, const char *format, ...) PRINTF_LIKE(6, 7);
/* All that is known when the file has been read: problems, counts, its own row. */
int file_conclude(struct file *file, uint64_t bytes, bool *ret_is_covered);
/* The count of a kind; NULL if there are too many kinds. */
struct kind_count *file_kind(struct file *file, const char *name);
