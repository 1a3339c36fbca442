/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finding runs and groups that ran within a window of time.
 *
 * Every way to walk is an index by a condition and the start (run_ways.c). How many rows each would
 * visit is counted first, up to a bound; the least is walked, row numbers one after the other,
 * newest first, so that with a limit each ends early: once the limit is full, nothing older than
 * its oldest is of interest.
 *
 * What began before the window may reach into it. Most runs are short: a walk begins RUN_SHORT_US
 * before the window. The longer ones are few, and found by how long they are: of each class
 * (run_spans) only those can reach in that began so long before. Or along the condition, if that
 * has less to offer before the window.
 */
#include "cli/run_walk.h"
#include <errno.h>

#define ESTIMATE_MAX 10007 /* rows counted of each way: beyond, ways are equally long */

/* ---- choosing */

/* A condition can be walked along if all its ids are in columns that have a way. */
static bool can_walk(const struct run_condition *condition)
{
	for (int column = 0; column < RUN_COLUMNS; column++)
		if (condition->ids[column].count && !run_way_of((enum run_column)column))
			return false;
	return true;
}

/* Adds the rows in the window that one way with these ids visits, up to ESTIMATE_MAX. */
static int add_estimate(struct run_walk *walk, const struct run_way *way, const struct ids *ids,
			uint64_t *estimate)
{
	size_t count = ids ? ids->count : 1;
	int r = 0;

	for (enum run_table table = 0; r >= 0 && table < RUN_TABLES; table++) {
		_cleanup_query_ struct query *query = NULL;
		size_t marks = !ids ? 0 : count > 1 ? QUERY_MANY : 1;

		r = query_new(walk->store,
			      marks > 1 ? way->many_counted[table] : way->counted[table], &query);
		for (size_t i = 0; r >= 0 && i < count && *estimate < ESTIMATE_MAX;
		     i += MAX(marks, (size_t)1)) {
			r = run_walk_bind(walk, query, ids ? ids->items + i : NULL, count - i,
					  marks);
			if (r >= 0)
				r = query_bind_int(query, r, (int64_t)(ESTIMATE_MAX - *estimate));
			if (r >= 0)
				r = query_step(query);
			if (r > 0)
				*estimate += (uint64_t)query_int(query, 0);
		}
	}
	return r < 0 ? r : 0;
}

static int estimate(struct run_walk *walk, const struct run_route *route, uint64_t *ret)
{
	uint64_t rows = 0;
	int r = 0;

	if (!route->condition)
		r = add_estimate(walk, route->all, NULL, &rows);
	for (int column = 0; route->condition && r >= 0 && column < RUN_COLUMNS; column++)
		if (route->condition->ids[column].count)
			r = add_estimate(walk, run_way_of((enum run_column)column),
					 &route->condition->ids[column], &rows);
	if (r >= 0)
		*ret = rows;
	return r;
}

static int choose(struct run_walk *walk, struct run_route *ret)
{
	struct run_route best = {.all = &run_way_all}, other = {0};
	uint64_t least = UINT64_MAX, rows;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < walk->conditions.count; i++) {
		other.condition = &walk->conditions.items[i];
		if (!can_walk(other.condition))
			continue;
		r = estimate(walk, &other, &rows);
		if (r >= 0 && rows < least) {
			least = rows;
			best = other;
		}
	}
	other = (struct run_route){.all = &run_way_failed};
	if (r >= 0 && (walk->filter->failed || walk->filter->signal)) {
		r = estimate(walk, &other, &rows);
		if (r >= 0 && rows < least) {
			least = rows;
			best = other;
		}
	}
	other.all = &run_way_all;
	if (r >= 0 && least != UINT64_MAX && walk->from_us > 0) {
		r = estimate(walk, &other, &rows);
		if (r >= 0 && rows < least)
			best = other;
	}
	if (r >= 0)
		*ret = best;
	return r;
}

/* ---- what began before the window */

/* The rows of each class that may reach in: counted, or gathered. */
static int walk_spans(struct run_walk *walk, uint64_t *estimated)
{
	const struct run_way *way = run_way_of(RUN_SPAN);
	int64_t since_us = walk->fits.since_us, to_us = since_us - RUN_SHORT_US;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < run_spans_count; i++) {
		int64_t id = run_spans[i].span;
		struct ids ids = {.items = &id, .count = 1};

		walk->to_us = to_us;
		walk->from_us = since_us > run_spans[i].max_us ? since_us - run_spans[i].max_us : 0;
		r = estimated ? add_estimate(walk, way, &ids, estimated)
			      : run_walk_gather_way(walk, way, &ids);
	}
	return r;
}

static int gather_before(struct run_walk *walk, const struct run_route *route)
{
	uint64_t limit = walk->filter->limit, spans = 0, rows = UINT64_MAX;
	int r;

	if (walk->from_us <= 0 || (limit && walk->count >= limit))
		return 0;
	r = walk_spans(walk, &spans);
	walk->from_us = 0;
	walk->to_us = walk->fits.since_us - RUN_SHORT_US;
	if (r >= 0 && route->condition)
		r = estimate(walk, route, &rows);
	if (r < 0)
		return r;
	return rows < spans ? run_walk_gather(walk, route) : walk_spans(walk, NULL);
}

/* ---- giving out */

/* The one way and id of a route that can be streamed, or NULL. */
static const struct run_way *one_way(const struct run_route *route, int64_t *ret_id)
{
	const struct run_way *way = NULL;

	*ret_id = 0;
	if (!route->condition)
		return route->all;
	for (int column = 0; column < RUN_COLUMNS; column++) {
		const struct ids *ids = &route->condition->ids[column];

		if (!ids->count)
			continue;
		if (way || ids->count > 1)
			return NULL;
		way = run_way_of((enum run_column)column);
		*ret_id = ids->items[0];
	}
	return way;
}

static int give_out(struct run_walk *walk, const struct run_route *route,
		    int (*found)(void *arg, const struct run_key *key), void *arg)
{
	int64_t from_us = walk->from_us, to_us = walk->to_us, id;
	const struct run_way *way = walk->filter->limit ? NULL : one_way(route, &id);
	int r = way ? 0 : run_walk_gather(walk, route);

	if (r >= 0 && walk->filter->limit)
		run_walk_compact(walk);
	if (r >= 0)
		r = gather_before(walk, route);
	run_walk_compact(walk);
	for (size_t i = 0; r == 0 && i < walk->count; i++)
		r = found(arg, &walk->keys[i]);
	if (r != 0 || !way)
		return r;
	walk->from_us = from_us;
	walk->to_us = to_us;
	return run_walk_stream(walk, way, id, found, arg);
}

static int64_t clamp(uint64_t us)
{
	return us > INT64_MAX ? INT64_MAX : (int64_t)us;
}

static int init(struct run_walk *walk, struct store *store, const struct run_filter *filter)
{
	*walk = (struct run_walk){.store = store, .filter = filter};
	walk->fits = (struct run_fits){.filter = filter,
				       .conditions = &walk->conditions,
				       .since_us = clamp(filter->since_us)};
	walk->from_us = MAX(walk->fits.since_us - RUN_SHORT_US, 0);
	walk->to_us = filter->until_us ? clamp(filter->until_us) : INT64_MAX;
	return run_resolve(store, filter, &walk->conditions);
}

int run_search(struct store *store, const struct run_filter *filter,
	       int (*found)(void *arg, const struct run_key *key), void *arg)
{
	struct run_walk walk;
	struct run_route route;
	int r = init(&walk, store, filter);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	r = boots_new(store, &walk.fits.boots);
	if (r >= 0)
		r = choose(&walk, &route);
	if (r >= 0)
		r = give_out(&walk, &route, found, arg);
	boots_free(walk.fits.boots);
	run_conditions_done(&walk.conditions);
	free(walk.keys);
	return r;
}

static int add_count(struct run_walk *walk, const struct run_way *way, const char *sql,
		     const struct ids *ids, uint64_t *count)
{
	_cleanup_query_ struct query *query = NULL;
	int r = query_new(walk->store, sql, &query);

	for (size_t i = 0; r >= 0 && i < ids->count; i++) {
		r = run_walk_bind(walk, query, &ids->items[i], 1, way->has_id);
		if (r >= 0)
			r = query_step(query);
		if (r > 0 && !query_is_null(query, 0))
			*count += (uint64_t)query_int(query, 0);
	}
	return r;
}

int run_count(struct store *store, const struct run_filter *filter, uint64_t *ret)
{
	struct run_walk walk;
	uint64_t count = 0;
	int r = init(&walk, store, filter);

	for (int column = 0; r >= 0 && column < RUN_COLUMNS; column++) {
		const struct run_way *way = run_way_of((enum run_column)column);
		const struct ids *ids = &walk.conditions.items[0].ids[column];

		if (!way || !ids->count)
			continue;
		r = add_count(&walk, way, way->total, ids, &count);
		if (r >= 0)
			r = add_count(&walk, way, way->members, ids, &count);
	}
	run_conditions_done(&walk.conditions);
	if (r < 0 && r != -ENOENT)
		return r;
	*ret = count;
	return 0;
}
