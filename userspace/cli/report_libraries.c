/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Libraries: runs are added up by their object set first, of which there are few; then each set's
 * sums go to all of its members. Who and how many jobs had a library comes out of the pairs of set
 * and user, taken user by user: a library that a user was counted for already is marked with him.
 */
#include "cli/pattern.h"
#include "cli/report.h"
#include "common/array.h"
#include <errno.h>

#define SKIP UINT32_MAX

struct member {
	uint32_t set, object; /* numbers of ours */
};

/* Keys of a library's line. */
struct library {
	uint32_t first, second;
};

struct report_sets {
	struct report_names *names;
	struct tally tally;	    /* by set, and user or job */
	struct index sets, objects; /* the database's */
	struct member *members;	    /* by set */
	size_t member_count, member_size;
	uint32_t *first_member;	   /* of a set; one more behind the last */
	struct library *libraries; /* of an object */
	size_t library_size;
	const struct report_asked *asked;
	struct pattern pattern;
	bool has_pattern;
};

int report_sets_new(struct report_names *names, struct report_sets **ret)
{
	struct report_sets *sets = calloc(1, sizeof(*sets));

	if (!sets)
		return -ENOMEM;
	sets->names = names;
	tally_init(&sets->tally, names);
	sets->tally.is_measured[DISTINCT_USERS] = sets->tally.is_measured[DISTINCT_JOBS] = true;
	*ret = sets;
	return 0;
}

void report_sets_free(struct report_sets *sets)
{
	if (!sets)
		return;
	tally_done(&sets->tally);
	index_done(&sets->sets);
	index_done(&sets->objects);
	free(sets->members);
	free(sets->first_member);
	free(sets->libraries);
	if (sets->has_pattern)
		pattern_done(&sets->pattern);
	free(sets);
}

int report_sets_add(struct report_sets *sets, const struct report_view *view,
		    const struct report_row *row)
{
	struct tally_cell *cell;
	uint32_t set;
	bool is_new;
	int r;

	if (!row->set)
		return 0;
	r = index_add(&sets->sets, row->set, &set, &is_new);
	if (r >= 0)
		r = tally_cell(&sets->tally, set, report_dim_key(view->dims[1], sets->names, row),
			       &cell);
	return r < 0 ? r : tally_add(&sets->tally, cell, row, NULL);
}

/* ---- what the sets have */

static int take_member(void *arg, struct query *row)
{
	struct report_sets *sets = arg;
	struct member *members =
		array_grow(sets->members, sets->member_count, &sets->member_size, sizeof(*members));
	struct member *member;
	bool is_new;

	if (!members)
		return -ENOMEM;
	sets->members = members;
	member = &members[sets->member_count];
	if (!index_find(&sets->sets, query_int(row, 0), &member->set))
		return 0;
	sets->member_count++;
	return index_add(&sets->objects, query_int(row, 1), &member->object, &is_new);
}

static int take_object(void *arg, struct query *row)
{
	struct report_sets *sets = arg;
	const struct report_view *view = sets->asked->view;
	struct report_names *names = sets->names;
	struct library *library;
	uint32_t number, path;
	int r;

	if (!index_find(&sets->objects, query_int(row, 0), &number) ||
	    (sets->has_pattern && !pattern_matches(&sets->pattern, query_bytes(row, 1))))
		return 0;
	library = &sets->libraries[number];
	r = report_names_path(names, query_bytes(row, 1), report_column_bytes(row, 2),
			      report_column_bytes(row, 3), &path);
	if (r < 0)
		return r;
	library->first = view->dims[0] == DIM_MODULE ? names->paths[path].module : path;
	library->second = 0;
	return view->dims[1] == DIM_BUILD_ID
		       ? labels_add(&names->labels, query_bytes(row, 4), &library->second)
		       : 0;
}

static int compare_members(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	if (x->set != y->set)
		return x->set < y->set ? -1 : 1;
	return x->object < y->object ? -1 : x->object > y->object;
}

static int load(struct report_sets *sets)
{
	int r = report_ask_ids(sets->names->store,
			       "SELECT object_set, object FROM object_set_member "
			       "WHERE object_set IN (" REPORT_IN ")",
			       sets->sets.ids, sets->sets.count, take_member, sets);
	sets->libraries =
		reallocarray(NULL, sets->objects.count + (size_t)1, sizeof(*sets->libraries));
	sets->first_member = calloc(sets->sets.count + (size_t)2, sizeof(*sets->first_member));
	if (r >= 0 && (!sets->libraries || !sets->first_member))
		r = -ENOMEM;
	for (uint32_t i = 0; r >= 0 && i < sets->objects.count; i++)
		sets->libraries[i].first = SKIP;
	if (r >= 0)
		r = report_ask_ids(sets->names->store,
				   "SELECT o.id, p.path, p.software, p.module, o.build_id "
				   "FROM object o JOIN path p ON p.id = o.path "
				   "WHERE o.id IN (" REPORT_IN ")",
				   sets->objects.ids, sets->objects.count, take_object, sets);
	if (r < 0)
		return r;
	if (sets->member_count)
		qsort(sets->members, sets->member_count, sizeof(*sets->members), compare_members);
	for (size_t i = 0; i < sets->member_count; i++)
		sets->first_member[sets->members[i].set + 1]++;
	for (uint32_t i = 0; i < sets->sets.count; i++)
		sets->first_member[i + 1] += sets->first_member[i];
	return 0;
}

/* ---- from sets to libraries */

/* Where the sums of each cell of sets went: to[first[cell]] up to to[first[cell + 1]]. */
struct spread {
	size_t *first;
	uint32_t *to;
	size_t count, size;
};

static void add_sums(struct tally_cell *to, const struct tally_cell *from)
{
	to->runs += from->runs;
	to->failed += from->failed;
	to->endless += from->endless;
	to->cpu_us += from->cpu_us;
	to->core_us += from->core_us;
	to->has_cpu |= from->has_cpu;
	to->first_us = MIN(to->first_us, from->first_us);
	to->last_us = MAX(to->last_us, from->last_us);
}

/* One cell's sums to its members' lines, to each line once. */
static int spread_cell(struct report_sets *sets, const struct tally_cell *from, struct tally *lines,
		       struct spread *spread)
{
	bool is_by_thing =
		sets->asked->view->dims[1] == DIM_USER || sets->asked->view->dims[1] == DIM_JOB;
	size_t begin = spread->count;
	int r = 0;

	for (uint32_t i = sets->first_member[from->keys[0]];
	     r >= 0 && i < sets->first_member[from->keys[0] + 1]; i++) {
		const struct library *library = &sets->libraries[sets->members[i].object];
		struct tally_cell *cell;
		bool is_there = false;
		uint32_t *to;

		if (library->first == SKIP)
			continue;
		r = tally_cell(lines, library->first, is_by_thing ? from->keys[1] : library->second,
			       &cell);
		to = r < 0 ? NULL
			   : array_grow(spread->to, spread->count, &spread->size, sizeof(*to));
		if (!to)
			return r < 0 ? r : -ENOMEM;
		spread->to = to;
		for (size_t k = begin; k < spread->count && !is_there; k++)
			is_there = to[k] == tally_index(lines, cell);
		if (is_there)
			continue;
		to[spread->count++] = tally_index(lines, cell);
		add_sums(cell, from);
	}
	return r;
}

static int compare_pairs(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* How many different things the lines have, by the pairs of cell and thing. */
static int count_things(const struct map *pairs, const struct spread *spread, struct tally *lines,
			enum tally_distinct what)
{
	_cleanup_free_ uint64_t *sorted =
		reallocarray(NULL, pairs->count + (size_t)1, sizeof(*sorted));
	size_t count = 0;

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < pairs->size; i++)
		if (pairs->numbers[i]) /* thing first */
			sorted[count++] = pairs->keys[i] << 32 | pairs->keys[i] >> 32;
	qsort(sorted, count, sizeof(*sorted), compare_pairs);
	for (size_t i = 0; i < count; i++) {
		uint32_t thing = (uint32_t)(sorted[i] >> 32), from = (uint32_t)sorted[i];

		for (size_t k = spread->first[from]; k < spread->first[from + 1]; k++) {
			struct tally_cell *cell = &lines->cells[spread->to[k]];

			cell->distinct[what] += cell->newest[what] != thing + 1;
			cell->newest[what] = thing + 1;
		}
	}
	return 0;
}

int report_sets_expand(struct report_sets *sets, const struct report_asked *asked,
		       struct report_lines *lines)
{
	struct spread spread = {0};
	int r = 0;

	sets->asked = asked;
	if (asked->filter.lib) {
		r = pattern_init(&sets->pattern, asked->filter.lib, true);
		sets->has_pattern = r >= 0;
	}
	if (r >= 0)
		r = load(sets);
	if (r >= 0) {
		spread.first = calloc(sets->tally.map.count + (size_t)1, sizeof(*spread.first));
		r = spread.first ? 0 : -ENOMEM;
	}
	for (uint32_t i = 0; r >= 0 && i < sets->tally.map.count; i++) {
		r = spread_cell(sets, &sets->tally.cells[i], &lines->tally, &spread);
		spread.first[i + 1] = spread.count;
	}
	for (enum tally_distinct what = 0; r >= 0 && what <= DISTINCT_JOBS; what++)
		r = count_things(&sets->tally.pairs[what], &spread, &lines->tally, what);
	free(spread.first);
	free(spread.to);
	return r;
}
