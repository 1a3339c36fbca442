/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/tally.h"
#include "common/array.h"
#include <errno.h>

void tally_init(struct tally *tally, struct report_names *names)
{
	*tally = (struct tally){.names = names};
}

void tally_done(struct tally *tally)
{
	map_done(&tally->map);
	map_done(&tally->places);
	for (size_t i = 0; i < DISTINCTS; i++)
		map_done(&tally->pairs[i]);
	busy_done(&tally->busy);
	free(tally->cells);
	*tally = (struct tally){0};
}

int tally_cell(struct tally *tally, uint32_t first, uint32_t second, struct tally_cell **ret)
{
	struct tally_cell *cells;
	uint32_t number;
	bool is_new;
	int r = map_add(&tally->map, map_pair(first, second), &number, &is_new);

	if (r < 0)
		return r;
	cells = array_grow(tally->cells, number, &tally->size, sizeof(*cells));
	if (!cells)
		return -ENOMEM;
	tally->cells = cells;
	if (is_new)
		cells[number] = (struct tally_cell){
			.keys = {first, second}, .first_us = INT64_MAX, .last_us = INT64_MIN};
	*ret = &cells[number];
	return 0;
}

static int count_once(struct tally *tally, struct tally_cell *cell, enum tally_distinct what,
		      uint32_t thing)
{
	bool is_new;
	int r;

	if (!tally->is_measured[what] || thing == REPORT_NO_INDEX ||
	    cell->newest[what] == thing + 1)
		return 0;
	cell->newest[what] = thing + 1;
	r = map_add(&tally->pairs[what], map_pair(tally_index(tally, cell), thing), NULL, &is_new);
	if (r >= 0 && is_new)
		cell->distinct[what]++;
	return r;
}

static int add_node_time(struct tally *tally, struct tally_cell *cell, const struct report_row *row)
{
	int64_t added_us = 0, end_us;
	uint32_t place;
	int r;

	if (!tally->has_node_hours || !row->busy_us)
		return 0;
	if (__builtin_add_overflow(row->start_us, row->busy_us, &end_us))
		end_us = INT64_MAX;
	r = map_add(&tally->places, map_pair(row->host_index, row->job_index), &place, NULL);
	if (r >= 0)
		r = busy_add(&tally->busy, map_pair(tally_index(tally, cell), place), row->start_us,
			     end_us, &added_us);
	cell->node_us += added_us;
	return r;
}

int tally_add(struct tally *tally, const struct tally_cell *of, const struct report_row *row,
	      const struct report_end *end)
{
	struct tally_cell *cell = &tally->cells[tally_index(tally, of)];
	uint64_t count = end ? end->count : row->count;
	/* Of a group's runs it is only known how long they took together. */
	uint64_t divisor = end ? MAX(row->count, count) : 1, factor = end ? count : 1;
	int r;

	cell->runs += count;
	cell->failed += end ? count : row->failed;
	if (row->elapsed_us >= 0)
		cell->core_us += (tally_us)row->elapsed_us * row->cores * factor / divisor;
	else
		cell->endless += count;
	if (row->cpu_us >= 0) {
		cell->cpu_us += (tally_us)row->cpu_us * factor / divisor;
		cell->has_cpu = true;
	}
	cell->first_us = MIN(cell->first_us, row->start_us);
	cell->last_us = MAX(cell->last_us, row->start_us);
	r = count_once(tally, cell, DISTINCT_USERS, row->person);
	if (r >= 0)
		r = count_once(tally, cell, DISTINCT_JOBS, row->job_index);
	if (r >= 0)
		r = count_once(tally, cell, DISTINCT_HOSTS, row->host_index);
	if (r >= 0)
		r = count_once(tally, cell, DISTINCT_PROGRAMS,
			       tally->names->programs[row->program_index].path);
	return r < 0 ? r : add_node_time(tally, cell, row);
}
