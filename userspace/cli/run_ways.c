/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/run_ways.h"

#define KEYS_OF_RUNS                                                                               \
	"SELECT run_id, start_us, end_us, state, boot, job, program, object_set, user, host, "     \
	"span, container, uid, step, exit_code, exit_signal, source, NULL FROM run WHERE "
#define KEYS_OF_GROUPS                                                                             \
	"SELECT group_id, start_us, end_us, 1, boot, job, program, object_set, user, host, "       \
	"span, container, uid, step, NULL, NULL, source, exits FROM run_group WHERE "

#define WINDOW "start_us >= ? AND start_us < ?"
#define UP     " ORDER BY start_us LIMIT ?"
#define DOWN   " ORDER BY start_us DESC LIMIT ?"
#define COUNTED(table, where)                                                                      \
	"SELECT count(*) FROM (SELECT 1 FROM " table " WHERE " where WINDOW " LIMIT ?) AS counted"

/* Conditions differ where only runs have an index for it. */
#define WAY(has_id_, of_runs, of_groups)                                                           \
	.has_id = has_id_,                                                                         \
	.newest_first = {KEYS_OF_RUNS of_runs WINDOW DOWN, KEYS_OF_GROUPS of_groups WINDOW DOWN},  \
	.oldest_first = {KEYS_OF_RUNS of_runs WINDOW UP, KEYS_OF_GROUPS of_groups WINDOW UP},      \
	.counted = {COUNTED("run", of_runs), COUNTED("run_group", of_groups)},                     \
	.total = "SELECT count(*) FROM run WHERE " of_runs WINDOW,                                 \
	.members = "SELECT sum(runs) FROM run_group WHERE " of_groups WINDOW

/* Along an index by that column and the start. */
#define MANY(column) column " IN (" QUERY_MANY_MARKS ") AND "
#define WAY_OF(column)                                                                             \
	{                                                                                          \
		WAY(true, column " = ? AND ", column " = ? AND "),                                 \
			.many = {KEYS_OF_RUNS MANY(column) WINDOW " ORDER BY " column              \
								  ", start_us LIMIT ?",            \
				 KEYS_OF_GROUPS MANY(column) WINDOW " ORDER BY " column            \
								    ", start_us LIMIT ?"},         \
			.many_counted = {COUNTED("run", MANY(column)),                             \
					 COUNTED("run_group", MANY(column))},                      \
	}

const struct run_way run_way_all = {WAY(false, "", "")};
const struct run_way run_way_failed = {WAY(false, "failed = 1 AND ", "")};

static const struct run_way ways[RUN_COLUMNS] = {
	[RUN_JOB] = WAY_OF("job"),
	[RUN_PROGRAM] = WAY_OF("program"),
	[RUN_OBJECT_SET] = WAY_OF("object_set"),
	[RUN_USER] = WAY_OF("user"),
	[RUN_HOST] = WAY_OF("host"),
	[RUN_CONTAINER] = WAY_OF("container"),
	[RUN_SPAN] = WAY_OF("span"),
};

const struct run_way *run_way_of(enum run_column column)
{
	return ways[column].has_id ? &ways[column] : NULL;
}

#define HOUR_US (3600 * INT64_C(1000000))

/* As in the schema: schema/sqlite/0001_initial.sql, run.span. */
const struct run_span run_spans[] = {
	{1, 8 * HOUR_US}, {2, 64 * HOUR_US},	      {3, 512 * HOUR_US},
	{4, INT64_MAX},	  {RUN_SPAN_OPEN, INT64_MAX},
};
const size_t run_spans_count = ARRAY_SIZE(run_spans);
