/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The software of a job, for runmark job: a row for each program that ran in it, and what the
 * resource manager's accounting says. Both are JSON objects, printed by columns as runs are.
 */
#pragma once

#include "cli/columns.h"
#include "cli/ids.h"
#include "cli/store.h"
#include <cjson/cJSON.h>

/* What all programs used together. */
struct job_sum {
	uint64_t runs;
	double cpu_s;
	int64_t start_us, end_us; /* of the first, of the last; INT64_MAX, 0: none */
	struct ids hosts;	  /* row numbers */
};

/*
 * The programs of these jobs (row numbers), of one step if step isn't empty, those that used most
 *CPU first, as an array:
 *	{"program", "runs", "ranks", "libraries": [path, ...], "ends": {"0": 12, "SIGKILL": 1},
 *	 "cpu_s", "elapsed_s", "elapsed_max_s", "max_rss", "start", "end"}
 * 0 or negative errno.
 */
int job_programs(struct store *store, const struct ids *jobs, const char *step, cJSON **ret,
		 struct job_sum *ret_sum);
void job_sum_done(struct job_sum *sum);

/* Adds "libraries": the paths in these object sets, sorted, each once. 0 or negative errno. */
int job_add_libraries(struct store *store, struct ids *sets, cJSON *row);

/*
 * Accounting rows as an array, oldest submission first, of that cluster if it isn't NULL. Each has
 * "efficiency", null unless the job has ended; recorded_cpu_s, if not negative, stands in where the
 * manager does not gather CPU time, and "efficiency_from" says whose it is.
 */
int job_accounting(struct store *store, const struct ids *rows, const char *cluster,
		   double recorded_cpu_s, cJSON **ret);

/* Libraries that every program has, the C library's own: of no interest unless asked for. */
bool job_is_plain_library(struct bytes path);

/* Columns of programs; of accounting where there are several jobs. */
extern const struct column job_columns[], job_account_columns[];
extern const size_t job_columns_count, job_account_columns_count;

/* One job, or what is known of it without accounting (job NULL), for people. */
void job_print_heading(const char *name, const cJSON *job, const struct job_sum *sum);
