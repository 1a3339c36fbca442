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

/* What of a job is asked for. */
struct job_part {
	const char *step;	    /* empty: all */
	int64_t since_us, until_us; /* runs that began in [since, until); 0, INT64_MAX: all */
	const char *cluster;	    /* NULL: any */
};

/*
 * The programs of this part of these jobs (row numbers), those that used most CPU first, as an
 * array:
 *	{"program", "runs", "ranks", "libraries": [path, ...], "ends": {"0": 12, "SIGKILL": 1},
 *	 "cpu_s", "elapsed_s", "elapsed_max_s", "max_rss", "start", "end"}
 * 0 or negative errno.
 */
int job_programs(struct store *store, const struct ids *jobs, const struct job_part *part,
		 cJSON **ret, struct job_sum *ret_sum);
void job_sum_done(struct job_sum *sum);

/* Adds "libraries": the paths in these object sets, sorted, each once. 0 or negative errno. */
int job_add_libraries(struct store *store, struct ids *sets, cJSON *row);

/*
 * Accounting rows as an array, oldest submission first, of the part's cluster, and of jobs that
 * were submitted before its end and had not ended before it began. Each has "efficiency", null
 * unless the job has ended; recorded_cpu_s, if not negative, stands in where the manager does not
 * gather CPU time, and "efficiency_from" says whose it is.
 */
int job_accounting(struct store *store, const struct ids *rows, const struct job_part *part,
		   double recorded_cpu_s, cJSON **ret);

/* Libraries that every program has, the C library's own: of no interest unless asked for. */
bool job_is_plain_library(struct bytes path);

/* Columns of programs; of accounting where there are several jobs. */
extern const struct column job_columns[], job_account_columns[];
extern const size_t job_columns_count, job_account_columns_count;

/* One job, or what is known of it without accounting (job NULL), for people. Of a step (name has
 * one) the runs are told; what accounting says is of the job. */
void job_print_heading(const char *name, const cJSON *job, const struct job_sum *sum);
