/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/run_walk.h"
#include <errno.h>

static int compare_keys(const void *a, const void *b)
{
	const struct run_key *x = a, *y = b;

	if (x->start_us != y->start_us)
		return x->start_us < y->start_us ? -1 : 1;
	return memcmp(x->id, y->id, sizeof(x->id));
}

void run_walk_compact(struct run_walk *walk)
{
	uint64_t limit = walk->filter->limit;
	size_t kept = 0;

	if (!walk->count)
		return;
	qsort(walk->keys, walk->count, sizeof(*walk->keys), compare_keys);
	for (size_t i = 0; i < walk->count; i++)
		if (!kept || compare_keys(&walk->keys[kept - 1], &walk->keys[i]))
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
	if (walk->count == walk->size) {
		size_t size = walk->size ? walk->size * 2 : 64;
		struct run_key *keys = reallocarray(walk->keys, size, sizeof(*keys));

		if (!keys)
			return -ENOMEM;
		walk->keys = keys;
		walk->size = size;
	}
	walk->keys[walk->count++] = *key;
	return 0;
}

int run_walk_bind(const struct run_walk *walk, const struct run_way *way, struct query *query,
		  int64_t id)
{
	int index = 1, r = 0;

	query_reset(query);
	if (way->has_id)
		r = query_bind_int(query, index++, id);
	if (r >= 0)
		r = query_bind_int(query, index++, MAX(walk->from_us, walk->floor_us));
	if (r >= 0)
		r = query_bind_int(query, index++, walk->to_us);
	return r < 0 ? r : index;
}

/* The next row of a bound walk that fits. 1, 0: no more, or negative errno. */
static int next_key(const struct run_walk *walk, struct query *query, enum run_table table,
		    struct run_key *ret)
{
	int r;

	while ((r = query_step(query)) > 0) {
		struct bytes id = query_bytes(query, KEY_ID);
		struct run_key key = {.start_us = query_int(query, KEY_START),
				      .is_group = table == TABLE_GROUPS};

		if (id.len != sizeof(key.id))
			return -EBADMSG;
		memcpy(key.id, id.data, sizeof(key.id));
		r = run_fits(&walk->fits, query, key.is_group);
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

/* All of one id, or those that a limit lets in. */
static int gather_id(struct run_walk *walk, const struct run_way *way, struct query *query,
		     enum run_table table, int64_t id)
{
	uint64_t limit = walk->filter->limit, kept = 0;
	struct run_key key;
	int r = run_walk_bind(walk, way, query, id);

	while (r >= 0 && (!limit || kept < limit) && (r = next_key(walk, query, table, &key)) > 0) {
		r = keep(walk, &key);
		kept++;
	}
	query_reset(query);
	if (r >= 0 && limit && walk->count >= 2 * limit)
		run_walk_compact(walk);
	return r < 0 ? r : 0;
}

int run_walk_gather_way(struct run_walk *walk, const struct run_way *way, const struct ids *ids)
{
	size_t count = way->has_id ? ids->count : 1;
	int r = 0;

	for (enum run_table table = 0; r >= 0 && count && table < RUN_TABLES; table++) {
		_cleanup_query_ struct query *query = NULL;

		r = query_new(walk->store, way->newest_first[table], &query);
		for (size_t i = 0; r >= 0 && i < count; i++)
			r = gather_id(walk, way, query, table, ids ? ids->items[i] : 0);
	}
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

struct cursor {
	struct query *query;
	struct run_key key;
	int state; /* 1: key is the next, 0: no more */
};

int run_walk_stream(struct run_walk *walk, const struct run_way *way, int64_t id,
		    int (*found)(void *arg, const struct run_key *key), void *arg)
{
	struct cursor cursors[RUN_TABLES] = {0};
	int r = 0;

	for (enum run_table table = 0; r >= 0 && table < RUN_TABLES; table++) {
		struct cursor *cursor = &cursors[table];

		r = query_new(walk->store, way->oldest_first[table], &cursor->query);
		if (r >= 0)
			r = run_walk_bind(walk, way, cursor->query, id);
		if (r >= 0)
			r = cursor->state = next_key(walk, cursor->query, table, &cursor->key);
	}
	r = r < 0 ? r : 0;
	while (r == 0 && (cursors[TABLE_RUNS].state > 0 || cursors[TABLE_GROUPS].state > 0)) {
		enum run_table table =
			cursors[TABLE_GROUPS].state <= 0 ? TABLE_RUNS
			: cursors[TABLE_RUNS].state <= 0 ? TABLE_GROUPS
			: compare_keys(&cursors[TABLE_RUNS].key, &cursors[TABLE_GROUPS].key) <= 0
				? TABLE_RUNS
				: TABLE_GROUPS;
		struct cursor *cursor = &cursors[table];

		r = found(arg, &cursor->key);
		if (r == 0)
			cursor->state = next_key(walk, cursor->query, table, &cursor->key);
		if (cursor->state < 0)
			r = cursor->state;
	}
	for (enum run_table table = 0; table < RUN_TABLES; table++)
		query_free(cursors[table].query);
	return r;
}
