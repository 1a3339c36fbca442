/* SPDX-License-Identifier: BSD-2-Clause */
/* What is measured of a line, out of its cell. */
#include "cli/report_measures.h"

#define US_PER_HOUR 3.6e9

static void put_number(double number, struct report_value *ret)
{
	ret->kind = VALUE_NUMBER;
	ret->number = number;
}

#define COUNT_GETTER(name, member)                                                                 \
	void name(const struct report_lines *lines, const struct tally_cell *cell,                 \
		  struct report_value *ret)                                                        \
	{                                                                                          \
		(void)lines;                                                                       \
		put_number((double)cell->member, ret);                                             \
	}

COUNT_GETTER(report_get_runs, runs)
COUNT_GETTER(report_get_failed, failed)
COUNT_GETTER(report_get_programs, distinct[DISTINCT_PROGRAMS])
COUNT_GETTER(report_get_users, distinct[DISTINCT_USERS])
COUNT_GETTER(report_get_jobs, distinct[DISTINCT_JOBS])
COUNT_GETTER(report_get_hosts, distinct[DISTINCT_HOSTS])

void report_get_links(const struct report_lines *lines, const struct tally_cell *cell,
		      struct report_value *ret)
{
	if (lines->has_links)
		put_number((double)cell->links, ret);
}

static double percent(double part, double whole)
{
	return whole > 0 ? 100 * part / whole : 0;
}

void report_get_failed_percent(const struct report_lines *lines, const struct tally_cell *cell,
			       struct report_value *ret)
{
	(void)lines;
	put_number(percent((double)cell->failed, (double)cell->runs), ret);
}

/* All runs of the line's first key: the line that isn't shown has them. */
static double runs_of_first(const struct report_lines *lines, const struct tally_cell *cell)
{
	uint32_t number;

	return map_find(&lines->tally.map, map_pair(cell->keys[0], REPORT_END_NONE), &number)
		       ? (double)lines->tally.cells[number].runs
		       : 0;
}

void report_get_of_runs(const struct report_lines *lines, const struct tally_cell *cell,
			struct report_value *ret)
{
	put_number(runs_of_first(lines, cell), ret);
}

void report_get_end_percent(const struct report_lines *lines, const struct tally_cell *cell,
			    struct report_value *ret)
{
	put_number(percent((double)cell->failed, runs_of_first(lines, cell)), ret);
}

void report_get_cpu(const struct report_lines *lines, const struct tally_cell *cell,
		    struct report_value *ret)
{
	(void)lines;
	if (cell->has_cpu)
		put_number((double)cell->cpu_us / US_PER_HOUR, ret);
}

void report_get_core(const struct report_lines *lines, const struct tally_cell *cell,
		     struct report_value *ret)
{
	(void)lines;
	put_number((double)cell->core_us / US_PER_HOUR, ret);
}

void report_get_node(const struct report_lines *lines, const struct tally_cell *cell,
		     struct report_value *ret)
{
	(void)lines;
	put_number((double)cell->node_us / US_PER_HOUR, ret);
}

void report_get_share(const struct report_lines *lines, const struct tally_cell *cell,
		      struct report_value *ret)
{
	put_number(percent((double)cell->core_us, (double)lines->core_us), ret);
}

static void put_time(int64_t us, const struct tally_cell *cell, struct report_value *ret)
{
	if (!cell->runs)
		return;
	ret->kind = VALUE_TIME;
	ret->us = us;
}

void report_get_first(const struct report_lines *lines, const struct tally_cell *cell,
		      struct report_value *ret)
{
	(void)lines;
	put_time(cell->first_us, cell, ret);
}

void report_get_last(const struct report_lines *lines, const struct tally_cell *cell,
		     struct report_value *ret)
{
	(void)lines;
	put_time(cell->last_us, cell, ret);
}
