/* SPDX-License-Identifier: BSD-2-Clause */
/* Statements over many keys at once. */
#include "cli/report_names.h"

struct keys {
	const int64_t *ids; /* or */
	const struct bytes *blobs;
	size_t count;
};

/* Those from first on; the last again where there are no more. */
static int bind(struct query *query, const struct keys *keys, size_t first)
{
	int r = 0;

	query_reset(query);
	for (int i = 0; r >= 0 && i < REPORT_IN_MAX; i++) {
		size_t key = MIN(first + (size_t)i, keys->count - 1);

		r = keys->ids ? query_bind_int(query, i + 1, keys->ids[key])
			      : query_bind_blob(query, i + 1, keys->blobs[key]);
	}
	return r;
}

static int ask(struct store *store, const char *sql, const struct keys *keys,
	       int (*take)(void *arg, struct query *row), void *arg)
{
	_cleanup_query_ struct query *query = NULL;
	int r = keys->count ? query_new(store, sql, &query) : 0;

	for (size_t first = 0; r >= 0 && first < keys->count; first += REPORT_IN_MAX) {
		r = bind(query, keys, first);
		while (r >= 0 && (r = query_step(query)) > 0)
			r = take(arg, query);
	}
	return r < 0 ? r : 0;
}

int report_ask_ids(struct store *store, const char *sql, const int64_t *ids, size_t count,
		   int (*take)(void *arg, struct query *row), void *arg)
{
	return ask(store, sql, &(struct keys){.ids = ids, .count = count}, take, arg);
}

int report_ask_blobs(struct store *store, const char *sql, const struct bytes *blobs, size_t count,
		     int (*take)(void *arg, struct query *row), void *arg)
{
	return ask(store, sql, &(struct keys){.blobs = blobs, .count = count}, take, arg);
}

struct bytes report_column_bytes(struct query *row, int column)
{
	return query_is_null(row, column) ? (struct bytes){0} : query_bytes(row, column);
}
