/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finding runs. Every way to walk is one index: (job), (program, start), (object set, start),
 * (user, start) or (start). How many runs each would visit is counted first, up to a bound; the
 * least is walked, row numbers one after the other, newest runs first, so that with a limit each
 * ends early: once the limit is full, nothing older than its oldest run is of interest.
 */
#include "cli/run_filter.h"
#include <errno.h>

#define ESTIMATE_MAX 10007 /* runs counted of each way: beyond, ways are equally long */

#define KEY_COLUMNS                                                                                \
	"SELECT run_id, start_us, job, program, object_set, user, host, uid, step, exit_code, "    \
	"exit_signal FROM run WHERE "

/* Where the columns of run_condition stand in KEY_COLUMNS, and what else is there. */
#define KEY_FIRST_CONDITION 2
enum { KEY_STEP = KEY_FIRST_CONDITION + RUN_COLUMNS, KEY_EXIT_CODE, KEY_EXIT_SIGNAL };

#define WINDOW "start_us >= ? AND start_us < ?"
#define COUNTED(condition)                                                                         \
	"SELECT count(*) FROM (SELECT 1 FROM run WHERE " condition WINDOW " LIMIT ?) AS counted"

/* A way to walk; the last one needs no condition. */
static const struct way {
	enum run_column column; /* RUN_COLUMNS: none */
	const char *newest_first, *oldest_first, *counted;
} ways[] = {
#define WAY(column, condition)                                                                     \
	{                                                                                          \
		column, KEY_COLUMNS condition WINDOW " ORDER BY start_us DESC",                    \
			KEY_COLUMNS condition WINDOW " ORDER BY start_us, run_id",                 \
			COUNTED(condition)                                                         \
	}
	WAY(RUN_JOB, "job = ? AND "),
	WAY(RUN_PROGRAM, "program = ? AND "),
	WAY(RUN_OBJECT_SET, "object_set = ? AND "),
	WAY(RUN_USER, "user = ? AND "),
	WAY(RUN_COLUMNS, ""),
};

struct search {
	struct store *store;
	const struct run_filter *filter;
	struct run_conditions conditions;
	int64_t since_us, until_us; /* since rises as the limit fills */
	/* Found so far; with a limit at most twice as many. */
	struct run_key *keys;
	size_t count, size;
	/* Instead of keeping them: */
	int (*found)(void *arg, const struct run_key *key);
	void *arg;
};

static int compare_keys(const void *a, const void *b)
{
	const struct run_key *x = a, *y = b;

	if (x->start_us != y->start_us)
		return x->start_us < y->start_us ? -1 : 1;
	return memcmp(x->run_id, y->run_id, sizeof(x->run_id));
}

/* Sorts, oldest first, each once (two ids of a condition may lead to the same run); keeps the
 * newest. */
static void compact(struct search *search)
{
	uint64_t limit = search->filter->limit;
	size_t kept = 0;

	if (!search->count)
		return;
	qsort(search->keys, search->count, sizeof(*search->keys), compare_keys);
	for (size_t i = 0; i < search->count; i++)
		if (!kept || compare_keys(&search->keys[kept - 1], &search->keys[i]))
			search->keys[kept++] = search->keys[i];
	search->count = kept;
	if (limit && kept >= limit) {
		memmove(search->keys, search->keys + (kept - limit), limit * sizeof(*search->keys));
		search->count = limit;
		search->since_us = MAX(search->since_us, search->keys[0].start_us);
	}
}

static int keep(struct search *search, const struct run_key *key)
{
	if (search->found)
		return search->found(search->arg, key);
	if (search->count == search->size) {
		size_t size = search->size ? search->size * 2 : 64;
		struct run_key *keys = reallocarray(search->keys, size, sizeof(*keys));

		if (!keys)
			return -ENOMEM;
		search->keys = keys;
		search->size = size;
	}
	search->keys[search->count++] = *key;
	return 0;
}

static bool has_failed(struct query *row)
{
	if (!query_is_null(row, KEY_EXIT_SIGNAL))
		return true;
	return !query_is_null(row, KEY_EXIT_CODE) && query_int(row, KEY_EXIT_CODE) != 0;
}

static bool fits_step(const char *step, struct query *row)
{
	struct bytes text;

	if (!*step)
		return true;
	if (query_is_null(row, KEY_STEP))
		return false;
	text = query_bytes(row, KEY_STEP);
	return text.len == strlen(step) && !memcmp(text.data, step, text.len);
}

static bool fits_condition(const struct run_condition *condition, struct query *row)
{
	for (int column = 0; column < RUN_COLUMNS; column++)
		if (condition->ids[column].count &&
		    !query_is_null(row, KEY_FIRST_CONDITION + column) &&
		    ids_has(&condition->ids[column], query_int(row, KEY_FIRST_CONDITION + column)))
			return true;
	return false;
}

static bool fits(const struct search *search, struct query *row)
{
	const struct run_filter *filter = search->filter;

	if (filter->failed && !has_failed(row))
		return false;
	if (filter->signal && (query_is_null(row, KEY_EXIT_SIGNAL) ||
			       query_int(row, KEY_EXIT_SIGNAL) != filter->signal))
		return false;
	if (!fits_step(search->conditions.step, row))
		return false;
	for (size_t i = 0; i < search->conditions.count; i++)
		if (!fits_condition(&search->conditions.items[i], row))
			return false;
	return true;
}

/* Binds "[column = ? AND] start_us >= ? AND start_us < ?". Returns the next index, or negative
 * errno. */
static int bind_window(const struct search *search, const struct way *way, struct query *query,
		       int64_t id)
{
	int index = 1, r = 0;

	query_reset(query);
	if (way->column != RUN_COLUMNS)
		r = query_bind_int(query, index++, id);
	if (r >= 0)
		r = query_bind_int(query, index++, search->since_us);
	if (r >= 0)
		r = query_bind_int(query, index++, search->until_us);
	return r < 0 ? r : index;
}

/* All runs of one id, or those that a limit lets in. */
static int walk(struct search *search, const struct way *way, struct query *query, int64_t id)
{
	uint64_t limit = search->filter->limit, kept = 0;
	int r = bind_window(search, way, query, id);

	while (r >= 0 && (!limit || kept < limit) && (r = query_step(query)) > 0) {
		struct bytes run_id = query_bytes(query, 0);
		struct run_key key = {.start_us = query_int(query, 1)};

		if (run_id.len != sizeof(key.run_id))
			return -EBADMSG;
		if (!fits(search, query))
			continue;
		memcpy(key.run_id, run_id.data, sizeof(key.run_id));
		r = keep(search, &key);
		if (r)
			return r;
		kept++;
	}
	query_reset(query);
	if (r >= 0 && limit && search->count >= 2 * limit)
		compact(search);
	return r < 0 ? r : 0;
}

/* A condition can be walked along if all its ids are in columns that have a way. */
static const struct way *find_way(enum run_column column)
{
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		if (ways[i].column == column)
			return &ways[i];
	return NULL;
}

static bool can_walk(const struct run_condition *condition)
{
	for (int column = 0; column < RUN_COLUMNS; column++)
		if (condition->ids[column].count && !find_way((enum run_column)column))
			return false;
	return true;
}

/* Adds the runs in the window that one way with these ids visits, up to ESTIMATE_MAX. */
static int add_estimate(struct search *search, const struct way *way, const struct ids *ids,
			uint64_t *estimate)
{
	_cleanup_query_ struct query *query = NULL;
	size_t count = ids ? ids->count : 1;
	int r = query_new(search->store, way->counted, &query);

	for (size_t i = 0; r >= 0 && i < count && *estimate < ESTIMATE_MAX; i++) {
		r = bind_window(search, way, query, ids ? ids->items[i] : 0);
		if (r >= 0)
			r = query_bind_int(query, r, (int64_t)(ESTIMATE_MAX - *estimate));
		if (r >= 0)
			r = query_step(query);
		if (r > 0)
			*estimate += (uint64_t)query_int(query, 0);
	}
	return r < 0 ? r : 0;
}

static int estimate_condition(struct search *search, const struct run_condition *condition,
			      uint64_t *ret)
{
	uint64_t estimate = 0;
	int r = 0;

	for (int column = 0; r >= 0 && column < RUN_COLUMNS; column++)
		if (condition->ids[column].count)
			r = add_estimate(search, find_way((enum run_column)column),
					 &condition->ids[column], &estimate);
	if (r >= 0)
		*ret = estimate;
	return r;
}

/* The condition to walk along; NULL: along the start alone. */
static int choose(struct search *search, const struct run_condition **ret)
{
	const struct run_condition *best = NULL;
	uint64_t least = UINT64_MAX, estimate;
	int r;

	for (size_t i = 0; i < search->conditions.count; i++) {
		const struct run_condition *condition = &search->conditions.items[i];

		if (!can_walk(condition))
			continue;
		r = estimate_condition(search, condition, &estimate);
		if (r < 0)
			return r;
		if (estimate < least) {
			least = estimate;
			best = condition;
		}
	}
	if (best && search->since_us > 0) {
		estimate = 0;
		r = add_estimate(search, find_way(RUN_COLUMNS), NULL, &estimate);
		if (r < 0)
			return r;
		if (estimate < least)
			best = NULL;
	}
	*ret = best;
	return 0;
}

static size_t count_ids(const struct run_condition *condition)
{
	size_t count = 0;

	for (int column = 0; column < RUN_COLUMNS; column++)
		count += condition->ids[column].count;
	return count;
}

static int walk_all(struct search *search, const struct run_condition *condition)
{
	bool oldest_first = search->found;
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(ways); i++) {
		const struct way *way = &ways[i];
		_cleanup_query_ struct query *query = NULL;

		if (condition ? way->column == RUN_COLUMNS || !condition->ids[way->column].count
			      : way->column != RUN_COLUMNS)
			continue;
		r = query_new(search->store, oldest_first ? way->oldest_first : way->newest_first,
			      &query);
		if (r >= 0 && !condition)
			return walk(search, way, query, 0);
		for (size_t id = 0; r == 0 && id < condition->ids[way->column].count; id++)
			r = walk(search, way, query, condition->ids[way->column].items[id]);
	}
	return r;
}

/* Several ids without a limit, or any with one: keys are gathered, sorted, then given out. */
static int search_gathered(struct search *search, const struct run_condition *condition,
			   int (*found)(void *arg, const struct run_key *key), void *arg)
{
	int r = walk_all(search, condition);

	if (r < 0)
		return r;
	compact(search);
	for (size_t i = 0; r == 0 && i < search->count; i++)
		r = found(arg, &search->keys[i]);
	return r;
}

static void init(struct search *search, struct store *store, const struct run_filter *filter)
{
	*search = (struct search){.store = store, .filter = filter};
	search->since_us = filter->since_us > INT64_MAX ? INT64_MAX : (int64_t)filter->since_us;
	search->until_us = !filter->until_us || filter->until_us > INT64_MAX
				   ? INT64_MAX
				   : (int64_t)filter->until_us;
}

int run_search(struct store *store, const struct run_filter *filter,
	       int (*found)(void *arg, const struct run_key *key), void *arg)
{
	const struct run_condition *condition;
	struct search search;
	int r;

	init(&search, store, filter);
	r = run_resolve(store, filter, &search.conditions);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	r = choose(&search, &condition);
	if (r >= 0 && !filter->limit && (!condition || count_ids(condition) == 1)) {
		search.found = found;
		search.arg = arg;
		r = walk_all(&search, condition);
	} else if (r >= 0) {
		r = search_gathered(&search, condition, found, arg);
	}
	run_conditions_done(&search.conditions);
	free(search.keys);
	return r;
}

int run_count(struct store *store, const struct run_filter *filter, uint64_t *ret)
{
	struct search search;
	uint64_t count = 0;
	int r;

	init(&search, store, filter);
	r = run_resolve(store, filter, &search.conditions);
	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(ways) && ways[i].column != RUN_COLUMNS; i++) {
		const struct ids *ids = &search.conditions.items[0].ids[ways[i].column];
		_cleanup_query_ struct query *query = NULL;

		if (ids->count)
			r = query_new(store, ways[i].counted, &query);
		for (size_t id = 0; r >= 0 && id < ids->count; id++) {
			r = bind_window(&search, &ways[i], query, ids->items[id]);
			if (r >= 0)
				r = query_bind_int(query, r, INT64_MAX);
			if (r >= 0)
				r = query_step(query);
			if (r > 0)
				count += (uint64_t)query_int(query, 0);
		}
	}
	run_conditions_done(&search.conditions);
	if (r < 0 && r != -ENOENT)
		return r;
	*ret = count;
	return 0;
}
