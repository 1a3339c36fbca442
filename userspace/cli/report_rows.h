/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What all reports are made of: the runs and groups that began in the window, by their start, as
 * numbers. They are read in stretches of time that hold so many rows at most, so that memory is
 * bounded and other statements can be asked between them; out of one index that holds all that is
 * told here (run_start), so that a row costs no more than reading on.
 */
#pragma once

#include "cli/run_filter.h"

#define REPORT_CORES_MAX  INT32_MAX
#define REPORT_CHUNK_ROWS 32768 /* of runs, and as many of groups */

/* How runs ended, as one number that can be a key: see report_end_make. */
#define REPORT_END_NONE 0 /* well, or not known */

struct report_end {
	uint32_t end;
	uint64_t count;
};

/* A run, or a group as a whole. Row numbers are the database's; 0: none. */
struct report_row {
	int64_t start_us, program, user, job, host, set;
	int64_t uid;	    /* -1: not known */
	int64_t elapsed_us; /* of a group the sum; -1: not known */
	int64_t busy_us;    /* in which it was on its node; of a group at most */
	int64_t cpu_us;	    /* -1: not known */
	int64_t cores;
	uint64_t count, failed;	       /* runs */
	uint32_t first_end, end_count; /* of struct report_rows */
	/* filled in by report_names_resolve */
	uint32_t program_index, user_index, person, job_index, host_index;
};

struct report_rows {
	struct store *store;
	struct query *queries[2]; /* runs, groups */
	const struct run_conditions *conditions;
	int64_t from_us, until_us;
	struct report_row *items; /* of a stretch, by start */
	size_t count, size;
	struct report_end *ends;
	size_t end_count, end_size;
	int64_t limit;
	uint64_t unreadable; /* groups whose exits make no sense */
};

/* What fits the conditions (borrowed). 0 or negative errno. */
int report_rows_init(struct report_rows *rows, struct store *store, int64_t since_us,
		     int64_t until_us, const struct run_conditions *conditions);
void report_rows_done(struct report_rows *rows);
/* The next stretch, which may hold nothing. 1, 0: there was none, or negative errno. */
int report_rows_next(struct report_rows *rows);

uint32_t report_end_make(bool is_signal, int64_t number, bool is_oom);
/* "1", "SIGKILL", "SIGKILL,oom", "signal 200". */
#define REPORT_END_SIZE 24
const char *report_end_name(uint32_t end, char out[REPORT_END_SIZE]);
bool report_end_is_signal(uint32_t end);
bool report_end_is_oom(uint32_t end);
