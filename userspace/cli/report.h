/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reports: what runmark report NAME knows to make. Each is a row of report_list.c. Most are
 * tallies: tables of what a line is of and what it tells (report_dims.h), made by one engine
 * (report_tally.c). Coverage is made otherwise. Both give their lines as JSON objects; how those
 * are printed is told by columns, as for runs.
 */
#pragma once

#include "cli/report_dims.h"

#define REPORT_LIST_MAX 16 /* columns of a tally */

/* One way to tell of it: --by WORD. */
struct report_view {
	const char *word;
	const struct column *columns; /* NULL: a tally */
	size_t n_columns;
	/* of a tally */
	enum report_dim dims[TALLY_KEYS];
	enum report_column_id list[REPORT_LIST_MAX]; /* up to RC_END */
	enum report_column_id sort;
	bool is_of_libraries, is_of_failures;
	bool needs_lib; /* there are too many lines without --lib */
};

/* What is asked for; NULL: any. */
struct report_filter {
	const char *user, *host, *cluster, *account, *queue, *exe, *lib, *software, *module;
};

/* What all lines are of, for the footer. */
struct report_sum {
	uint64_t runs, endless, lines, unreadable;
	uint32_t users;
	tally_us core_us;
};

struct report_asked {
	struct store *store;
	const struct report_view *view;
	const char *report; /* its name */
	struct report_filter filter;
	int64_t since_us, until_us, now_us;
	enum report_column_id sort; /* RC_END: the view's */
	uint64_t limit;		    /* lines; 0: all */
	struct report_sum *sum;	    /* filled in by a tally */
};

/* Prints a row, which stays the caller's. 0 or negative errno. */
typedef int (*report_emit)(void *arg, const cJSON *row);

struct report {
	const char *name, *summary;
	const struct report_view *views; /* the first is the usual one */
	size_t n_views;
	int (*run)(const struct report_asked *asked, report_emit emit, void *arg);
};

extern const struct report report_coverage;
extern const struct report *const reports[];
extern const size_t reports_count;

/* report_tally.c */
int report_tally_run(const struct report_asked *asked, report_emit emit, void *arg);

/* report_libraries.c: the runs of object sets into those of the sets' members. */
struct report_sets;
int report_sets_new(struct report_names *names, struct report_sets **ret);
void report_sets_free(struct report_sets *sets);
int report_sets_add(struct report_sets *sets, const struct report_view *view,
		    const struct report_row *row);
int report_sets_expand(struct report_sets *sets, const struct report_asked *asked,
		       struct report_lines *lines);

/* report_link_count.c: links made in the window, into the cells of what made them. */
int report_link_count(const struct report_asked *asked, const struct run_conditions *conditions,
		      struct report_lines *lines);

/* report_print.c: the cells that are to be seen, in order, as rows. */
int report_print(const struct report_asked *asked, struct report_lines *lines, report_emit emit,
		 void *arg);
