/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine: rows go by once, each into the cell of its keys. Names are looked up for what is met;
 * a line of them for a hundred thousand rows costs nothing.
 */
#include "cli/report.h"
#include "cli/run_resolve.h"
#include <errno.h>

struct making {
	const struct report_asked *asked;
	struct run_conditions conditions;
	struct report_names names;
	struct report_rows rows;
	struct report_lines lines;
	struct tally total; /* one cell */
	struct report_sets *sets;
};

static bool has_column(const struct report_view *view, enum report_column_id id)
{
	for (const enum report_column_id *item = view->list; *item != RC_END; item++)
		if (*item == id)
			return true;
	return false;
}

static bool needs_links(const struct report_view *view)
{
	for (size_t i = 0; i < TALLY_KEYS; i++)
		if (view->dims[i] >= DIM_COMPILER && view->dims[i] <= DIM_EVIDENCE)
			return true;
	return false;
}

static void choose_measures(struct tally *tally, const struct report_view *view)
{
	tally->is_measured[DISTINCT_USERS] = has_column(view, RC_USERS);
	tally->is_measured[DISTINCT_JOBS] = has_column(view, RC_JOBS);
	tally->is_measured[DISTINCT_HOSTS] = has_column(view, RC_HOSTS);
	tally->is_measured[DISTINCT_PROGRAMS] = has_column(view, RC_PROGRAMS);
	tally->has_node_hours = has_column(view, RC_NODE);
}

static bool is_text(const struct making *making, uint32_t label, const char *wanted)
{
	struct bytes text = labels_get(&making->names.labels, label);

	return !wanted ||
	       (text.data && text.len == strlen(wanted) && !memcmp(text.data, wanted, text.len));
}

/* What isn't in the row itself. */
static bool fits(const struct making *making, const struct report_row *row)
{
	const struct report_filter *filter = &making->asked->filter;
	const struct report_job *job;

	if (!is_text(making, making->names.hosts[row->host_index].cluster, filter->cluster))
		return false;
	if (!filter->account && !filter->queue)
		return true;
	if (row->job_index == REPORT_NO_INDEX)
		return false;
	job = &making->names.jobs[row->job_index];
	return is_text(making, job->account, filter->account) &&
	       is_text(making, job->queue, filter->queue);
}

/* All runs into the line that has them, those that failed into the line of how they did. */
static int add_failures(struct making *making, const struct report_row *row)
{
	const struct report_view *view = making->asked->view;
	uint32_t first = report_dim_key(view->dims[0], &making->names, row);
	struct tally_cell *cell;
	int r = tally_cell(&making->lines.tally, first, REPORT_END_NONE, &cell);

	if (r >= 0)
		r = tally_add(&making->lines.tally, cell, row, NULL);
	for (uint32_t i = 0; r >= 0 && i < row->end_count; i++) {
		const struct report_end *end = &making->rows.ends[row->first_end + i];

		r = tally_cell(&making->lines.tally, first, view->dims[1] == DIM_END ? end->end : 1,
			       &cell);
		if (r >= 0)
			r = tally_add(&making->lines.tally, cell, row, end);
	}
	return r;
}

static int add_row(struct making *making, const struct report_row *row)
{
	const struct report_view *view = making->asked->view;
	struct tally_cell *cell;
	int r;

	if (!fits(making, row))
		return 0;
	r = tally_add(&making->total, making->total.cells, row, NULL);
	if (r < 0)
		return r;
	if (view->is_of_libraries)
		return report_sets_add(making->sets, view, row);
	if (view->is_of_failures)
		return add_failures(making, row);
	r = tally_cell(&making->lines.tally, report_dim_key(view->dims[0], &making->names, row),
		       report_dim_key(view->dims[1], &making->names, row), &cell);
	return r < 0 ? r : tally_add(&making->lines.tally, cell, row, NULL);
}

static int add_rows(struct making *making)
{
	int r;

	while ((r = report_rows_next(&making->rows)) > 0) {
		r = report_names_resolve(&making->names, &making->rows);
		for (size_t i = 0; r >= 0 && i < making->rows.count; i++)
			r = add_row(making, &making->rows.items[i]);
		if (r < 0)
			return r;
	}
	return r;
}

static int init(struct making *making)
{
	const struct report_asked *asked = making->asked;
	struct run_filter filter = {.user = asked->filter.user,
				    .host = asked->filter.host,
				    .exe = asked->filter.exe,
				    .lib = asked->filter.lib,
				    .software = asked->filter.software,
				    .module = asked->filter.module};
	struct tally_cell *total;
	int r = report_names_init(&making->names, asked->store, needs_links(asked->view));

	if (r >= 0)
		r = run_resolve(asked->store, &filter, &making->conditions);
	if (r >= 0)
		r = report_rows_init(&making->rows, asked->store, asked->since_us, asked->until_us,
				     &making->conditions);
	if (r < 0)
		return r;
	making->lines.dims = asked->view->dims;
	tally_init(&making->total, &making->names);
	making->total.is_measured[DISTINCT_USERS] = true;
	r = tally_cell(&making->total, 0, 0, &total);
	if (r < 0)
		return r;
	tally_init(&making->lines.tally, &making->names);
	choose_measures(&making->lines.tally, asked->view);
	return asked->view->is_of_libraries ? report_sets_new(&making->names, &making->sets) : 0;
}

static void done(struct making *making)
{
	report_sets_free(making->sets);
	tally_done(&making->lines.tally);
	tally_done(&making->total);
	report_rows_done(&making->rows);
	report_names_done(&making->names);
	run_conditions_done(&making->conditions);
}

static void sum_up(struct making *making)
{
	struct report_sum *sum = making->asked->sum;
	const struct tally_cell *cell = making->total.cells;

	sum->unreadable = making->rows.unreadable;
	sum->runs = cell->runs;
	sum->endless = cell->endless;
	sum->users = cell->distinct[DISTINCT_USERS];
	sum->core_us = making->lines.core_us = cell->core_us;
}

int report_tally_run(const struct report_asked *asked, report_emit emit, void *arg)
{
	struct making making = {.asked = asked};
	int r = init(&making);

	if (r >= 0)
		r = add_rows(&making);
	if (r >= 0) {
		sum_up(&making);
		if (has_column(asked->view, RC_LINKS))
			r = report_link_count(asked, &making.conditions, &making.lines);
	}
	if (r >= 0 && making.sets)
		r = report_sets_expand(making.sets, asked, &making.lines);
	if (r >= 0)
		r = report_print(asked, &making.lines, emit, arg);
	done(&making);
	return r == -ENOENT ? 0 : r; /* nobody is called so, nothing is there */
}
