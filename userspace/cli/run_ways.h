/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The indexes along which runs and groups are walked, and the statements for it. Runs and groups
 * are two tables with the same columns where it matters: each way leads through both.
 */
#pragma once

#include "cli/run_filter.h"

enum run_table { TABLE_RUNS, TABLE_GROUPS, RUN_TABLES };

/* The columns of a walk's rows. Those of enum run_column stand from KEY_FIRST_CONDITION on. */
enum run_key_column {
	KEY_ID,
	KEY_START,
	KEY_END,
	KEY_STATE, /* run.state; of a group 1 */
	KEY_BOOT,
	KEY_FIRST_CONDITION,
	KEY_STEP = KEY_FIRST_CONDITION + RUN_COLUMNS,
	KEY_EXIT_CODE,
	KEY_EXIT_SIGNAL,
	KEY_SOURCE,
	KEY_EXITS, /* of a group */
};

/* Parameters: the id, where there is one (has_id); start at or after; start before; rows at most.
 */
struct run_way {
	bool has_id;
	const char *newest_first[RUN_TABLES], *oldest_first[RUN_TABLES];
	const char *counted[RUN_TABLES];
	/* Of QUERY_MANY ids instead of one, each id's oldest first; NULL: has no id. */
	const char *many[RUN_TABLES], *many_counted[RUN_TABLES];
	const char *total, *members; /* all runs, those in groups; any number of rows */
};

extern const struct run_way run_way_all, run_way_failed;

/* The way of ids of that column, or NULL. */
const struct run_way *run_way_of(enum run_column column);

/*
 * How long runs are, by the column span: those below RUN_SHORT_US have none. A run of a span began
 * at most max_us before it ended.
 */
#define RUN_SHORT_US  (3600 * INT64_C(1000000))
#define RUN_SPAN_OPEN 9 /* its end has not come */

struct run_span {
	int64_t span, max_us;
};

extern const struct run_span run_spans[];
extern const size_t run_spans_count;
