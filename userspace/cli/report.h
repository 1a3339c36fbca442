/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reports: what runmark report NAME knows to make. A report is a row of the table in report.c and a
 * file of its own, which makes rows as JSON objects; how they are printed is told by columns, as
 * for runs.
 */
#pragma once

#include "cli/columns.h"
#include "cli/store.h"

/* One way to tell of it: --by WORD. */
struct report_view {
	const char *word;
	const struct column *columns;
	size_t n_columns;
};

struct report_asked {
	struct store *store;
	const struct report_view *view;
	const char *host; /* NULL: any; a name or a glob */
	int64_t since_us, until_us, now_us;
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
