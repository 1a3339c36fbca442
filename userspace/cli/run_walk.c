/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/run_pages.h"
#include "cli/run_walk.h"
#include "common/array.h"
#include <errno.h>

#define MANY_LEAST 5	/* ids that are asked for together */
#define MANY_ROWS  4096 /* of which that is quick */

static int compare_keys(const void *a, const void *b)
{
	return run_key_compare(a, b);
}

void run_walk_compact(struct run_walk *walk)
{
	uint64_t limit = walk->filter->limit;
	size_t kept = 0;

	if (!walk->count)
		return;
	qsort(walk->keys, walk->count, sizeof(*walk->keys), compare_keys);
	for (size_t i = 0; i < walk->count; i++)
		if (!kept || run_key_compare(&walk->keys[kept - 1], &walk->keys[i]))
			walk->keys[kept++] = walk->keys[i];
	walk->count = kept;
	if (limit && kept >= limit) {
		memmove(walk->keys, walk->keys + (kept - limit), limit * sizeof(*walk->keys));
		walk->count = limit;
		walk->floor_us = MAX(walk->floor_us, walk->keys[0].start_us);
	}
}

static int keep(struct run_walk *walk, const struct run_key *key)
{
	struct run_key *keys = array_grow(walk->keys, walk->count, &walk->size, sizeof(*keys));

	if (!keys)
		return -ENOMEM;
	walk->keys = keys;
	walk->keys[walk->count++] = *key;
	return 0;
}

int run_walk_bind(const struct run_walk *walk, struct query *query, const int64_t *ids,
		  size_t count, size_t marks)
{
	int index = 1, r = 0;

	query_reset(query);
	for (size_t i = 0; r >= 0 && i < marks; i++)
		r = query_bind_int(query, index++, ids[MIN(i, count - 1)]);
	if (r >= 0)
		r = query_bind_int(query, index++, MAX(walk->from_us, walk->floor_us));
	if (r >= 0)
		r = query_bind_int(query, index++, walk->to_us);
	return r < 0 ? r : index;
}

/* The next row that fits. 1, 0: no more, or negative errno. */
static int next_key(const struct run_walk *walk, struct run_pages *pages, struct run_key *ret)
{
	struct run_key key;
	int r;

	while ((r = run_pages_next(pages, &key)) > 0) {
		r = run_fits(&walk->fits, pages->query, key.is_group);
		if (r < 0)
			return r;
		if (!r)
			continue;
		*ret = key;
		return 1;
	}
	return r;
}

/* ---- gathering: any number of ids; keys are sorted and given out afterwards */

/* All of one id, or those that a limit lets in, and what starts with the last of them: which of
 * these are kept, is for their ids to say. */
static int gather_id(struct run_walk *walk, struct run_pages *pages, int64_t id)
{
	uint64_t limit = walk->filter->limit, kept = 0;
	struct run_key key, last = {0};
	int r = 0;

	run_pages_begin(pages, id, MAX(walk->from_us, walk->floor_us), walk->to_us,
			limit ? limit + 1 : 0);
	while (r >= 0 && (r = next_key(walk, pages, &key)) > 0) {
		if (limit && kept >= limit && key.start_us != last.start_us)
			break;
		last = key;
		r = keep(walk, &key);
		kept++;
	}
	if (r >= 0 && limit && walk->count >= 2 * limit)
		run_walk_compact(walk);
	return r < 0 ? r : 0;
}

/* All of so many ids, if that is not much: *ret_whole says. Otherwise some of it was kept. */
static int gather_many(struct run_walk *walk, struct query *query, enum run_table table,
		       const int64_t *ids, size_t count, bool *ret_whole)
{
	struct run_key key = {.is_group = table == TABLE_GROUPS};
	int r = run_walk_bind(walk, query, ids, count, QUERY_MANY);
	size_t rows = 0;
	struct bytes id;

	if (r >= 0)
		r = query_bind_int(query, r, MANY_ROWS);
	while (r >= 0 && (r = query_step(query)) > 0) {
		rows++;
		id = query_bytes(query, KEY_ID);
		if (id.len != sizeof(key.id))
			return -EBADMSG;
		memcpy(key.id, id.data, sizeof(key.id));
		key.start_us = query_int(query, KEY_START);
		r = run_fits(&walk->fits, query, key.is_group);
		if (r > 0)
			r = keep(walk, &key);
	}
	if (r >= 0 && walk->filter->limit && walk->count >= 2 * walk->filter->limit)
		run_walk_compact(walk);
	*ret_whole = rows < MANY_ROWS;
	return r;
}

static int gather_table(struct run_walk *walk, const struct run_way *way, enum run_table table,
			const int64_t *ids, size_t count)
{
	_cleanup_(run_pages_done) struct run_pages pages;
	_cleanup_query_ struct query *many = NULL;
	int r = run_pages_init(&pages, walk->store, way, table, true);
	size_t step;

	if (r >= 0 && count >= MANY_LEAST)
		r = query_new(walk->store, way->many[table], &many);
	for (size_t i = 0; r >= 0 && i < count; i += step) {
		bool is_whole = false;

		step = many ? MIN(count - i, (size_t)QUERY_MANY) : 1;
		if (many)
			r = gather_many(walk, many, table, ids + i, step, &is_whole);
		for (size_t k = i; r >= 0 && !is_whole && k < i + step; k++)
			r = gather_id(walk, &pages, ids[k]);
	}
	return r;
}

int run_walk_gather_way(struct run_walk *walk, const struct run_way *way, const struct ids *ids)
{
	static const int64_t none;
	int r = 0;

	for (enum run_table table = 0; r >= 0 && table < RUN_TABLES; table++)
		r = gather_table(walk, way, table, way->has_id ? ids->items : &none,
				 way->has_id ? ids->count : 1);
	return r;
}

int run_walk_gather(struct run_walk *walk, const struct run_route *route)
{
	int r = 0;

	if (!route->condition)
		return run_walk_gather_way(walk, route->all, NULL);
	for (int column = 0; r >= 0 && column < RUN_COLUMNS; column++)
		if (route->condition->ids[column].count)
			r = run_walk_gather_way(walk, run_way_of((enum run_column)column),
						&route->condition->ids[column]);
	return r;
}

/* ---- streaming */

/* Keys come in the order of starts; those of one start are sorted here. */
struct cursor {
	struct run_pages pages;
	struct run_key *keys; /* of one start */
	size_t at, count, size;
	struct run_key ahead; /* of the next start */
	bool has_ahead;
};

static int add_key(struct cursor *cursor, const struct run_key *key)
{
	struct run_key *keys =
		array_grow(cursor->keys, cursor->count, &cursor->size, sizeof(*keys));

	if (!keys)
		return -ENOMEM;
	cursor->keys = keys;
	cursor->keys[cursor->count++] = *key;
	return 0;
}

/* The keys of the next start; none: no more. */
static int advance(const struct run_walk *walk, struct cursor *cursor)
{
	struct run_key key;
	int r = 0;

	cursor->at = cursor->count = 0;
	if (cursor->has_ahead)
		r = add_key(cursor, &cursor->ahead);
	cursor->has_ahead = false;
	while (r >= 0 && !cursor->has_ahead && (r = next_key(walk, &cursor->pages, &key)) > 0) {
		if (cursor->count && key.start_us != cursor->keys[0].start_us) {
			cursor->ahead = key;
			cursor->has_ahead = true;
		} else {
			r = add_key(cursor, &key);
		}
	}
	if (r >= 0 && cursor->count)
		qsort(cursor->keys, cursor->count, sizeof(*cursor->keys), compare_keys);
	return r < 0 ? r : 0;
}

static struct cursor *first_of(struct cursor *runs, struct cursor *groups)
{
	bool has_runs = runs->at < runs->count, has_groups = groups->at < groups->count;

	if (!has_runs || !has_groups)
		return has_runs ? runs : has_groups ? groups : NULL;
	return run_key_compare(&runs->keys[runs->at], &groups->keys[groups->at]) <= 0 ? runs
										      : groups;
}

int run_walk_stream(struct run_walk *walk, const struct run_way *way, int64_t id,
		    int (*found)(void *arg, const struct run_key *key), void *arg)
{
	struct cursor cursors[RUN_TABLES] = {0}, *cursor;
	int r = 0;

	for (enum run_table table = 0; r >= 0 && table < RUN_TABLES; table++) {
		cursor = &cursors[table];
		r = run_pages_init(&cursor->pages, walk->store, way, table, false);
		if (r < 0)
			break;
		run_pages_begin(&cursor->pages, id, MAX(walk->from_us, walk->floor_us), walk->to_us,
				0);
		r = advance(walk, cursor);
	}
	while (r == 0 && (cursor = first_of(&cursors[TABLE_RUNS], &cursors[TABLE_GROUPS]))) {
		r = found(arg, &cursor->keys[cursor->at++]);
		if (r == 0 && cursor->at == cursor->count)
			r = advance(walk, cursor);
	}
	for (enum run_table table = 0; table < RUN_TABLES; table++) {
		run_pages_done(&cursors[table].pages);
		free(cursors[table].keys);
	}
	return r;
}
