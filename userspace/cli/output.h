/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where runs go: a table for people, CSV for spreadsheets, JSON Lines for programs. What users
 * wrote (paths, arguments) is escaped here, once for each form.
 */
#pragma once

#include "cli/columns.h"
#include "cli/command.h"

enum output_format { OUTPUT_TABLE, OUTPUT_JSON, OUTPUT_CSV };

extern const struct option_type option_format;	    /* table, json, csv */
extern const struct option_type option_format_pair; /* table, json */

#define OPTION_COLUMNS(args)                                                                       \
	{                                                                                          \
		.name = "columns", .argument = "LIST", .type = &option_text,                       \
		.offset = offsetof(args, columns),                                                 \
		.help = "Columns of table and CSV, with commas between; +LIST adds to the usual."  \
	}

/* list as --columns gives it, or NULL; *ret: the usual columns, then those. True, or says what is
 * wrong. */
bool output_columns(const struct command *command, const char *list, struct column_list *ret);

/* Every column's name and meaning, for --help: "--columns help". */
void output_columns_help(FILE *out);

struct output {
	enum output_format format;
	struct column_list list;
	struct table_column table_columns[TABLE_COLUMNS_MAX];
	struct table *table;
	FILE *out;
	uint64_t count;
};

/* sample: see table.h. 0, or -ENOMEM. list is copied. */
int output_init(struct output *output, enum output_format format, const struct column_list *list,
		size_t sample, FILE *out);
void output_done(struct output *output);

/* Prints one run. 0, -EIO if it can't be written (errno says why), -ENOMEM. */
int output_run(struct output *output, const cJSON *run);

/* Prints what is held back, and what an empty answer has (CSV's heading). */
int output_end(struct output *output);

/* Before something is said on standard error; why it failed is kept for output_leave(). */
void output_flush(void);

/* One object as a line of JSON. */
int output_json(const cJSON *object, FILE *out);

/*
 * Flushes standard output and says what went wrong with it. A closed pipe is no trouble: whoever
 * reads has enough. Returns status, or EXIT_TROUBLE.
 */
int output_leave(int status);
