/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What of a run can be shown as a column of a table or of CSV: one table (columns.c) that
 * --columns, the headings and the manual follow. A column takes its value from the run's record, so
 * that runs from the database and runs from the daemon (tail) look alike.
 */
#pragma once

#include "cli/table.h"
#include <cjson/cJSON.h>

enum column_kind {
	COLUMN_TEXT,
	COLUMN_NUMBER,
	COLUMN_TIME,
	COLUMN_ELAPSED,
	COLUMN_SIZE,
	COLUMN_COUNT, /* 1,234,567 in tables */
	COLUMN_HOURS, /* three digits that count */
	COLUMN_PERCENT,
};

struct column {
	const char *name; /* as --columns calls it, and the heading of CSV */
	const char *help;
	enum column_kind kind;
	bool in_table;		/* shown by default */
	const char *path;	/* member of the record ("exe.path"), or NULL: make tells */
	const char *group_path; /* of a group, where that has it elsewhere */
	char *(*make)(
		const cJSON *run); /* exact bytes, NUL-terminated, to be freed; NULL: absent */
	struct table_column table;
};

extern const struct column columns[];
extern const size_t columns_count;

struct column_list {
	const struct column *items[TABLE_COLUMNS_MAX];
	size_t count;
};

/* The columns of a table by default; with all, every column there is (CSV). */
void column_list_default(struct column_list *ret, bool all);

/*
 * Names with commas between them; a leading + adds to those that are in *ret already. 0, or
 * -EINVAL: *ret_wrong (borrowed from text, *ret_wrong_len bytes) is the name that isn't known.
 */
int column_list_parse(const char *text, struct column_list *ret, const char **ret_wrong,
		      size_t *ret_wrong_len);

/* The cell's text, fit for a terminal or for CSV; NULL if absent (or out of memory). The caller
 * frees. */
char *column_for_table(const struct column *column, const cJSON *run);
char *column_for_csv(const struct column *column, const cJSON *run);

/* Made values that others show too. */
char *run_make_job(const cJSON *record);       /* "123.0"; NULL if in none */
char *run_make_exit(const cJSON *record);      /* "0", "SIGKILL", "running", "0 x12, 1 x3", ... */
char *run_make_runs(const cJSON *record);      /* "1", or how many a group has */
char *run_make_arguments(const cJSON *record); /* words, quoted as a shell would need it */
/* How long an open run has run for sure: 0, or negative errno. */
int run_open_seconds(const cJSON *record, double *ret);
/* Runs that a record stands for. */
double run_count_of(const cJSON *record);
/* A word, quoted where a shell would need it. */
void word_put(FILE *out, const char *word);
/* The texts of an array in the same way; b64 may be NULL. */
char *words_join(const cJSON *texts, const cJSON *b64);
