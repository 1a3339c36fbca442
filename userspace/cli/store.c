/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening a database by its URL, and the thin layer over its backend. */
#include "cli/store.h"
#include <errno.h>
#include <stdarg.h>

static const struct {
	const char *scheme; /* of a URL that was parsed */
	const struct store_backend *backend;
} backends[] = {
	{"sqlite", &store_sqlite},
	{"mysql", &store_mariadb},
};

struct store {
	const struct store_backend *backend;
	void *connection;
	int64_t version;
};

struct query {
	const struct store_backend *backend;
	void *statement;
};

static int refuse(char **ret_message, int error, const char *format, ...) PRINTF_LIKE(3, 4);
static int refuse(char **ret_message, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(ret_message, format, arguments) < 0)
		*ret_message = NULL;
	va_end(arguments);
	return error;
}

static const struct store_backend *find_backend(const char *scheme)
{
	for (size_t i = 0; i < ARRAY_SIZE(backends); i++)
		if (!strcmp(scheme, backends[i].scheme))
			return backends[i].backend;
	return NULL;
}

/* Also proves that the database can be read at all. */
static int read_version(struct store *store, const char *url, char **ret_message)
{
	_cleanup_query_ struct query *query = NULL;
	int r = query_new(store, "SELECT max(version) FROM schema_version", &query);

	if (r >= 0)
		r = query_step(query);
	if (r < 0)
		return refuse(ret_message, r, "%s is no database of runmark's that can be read: %s",
			      url, store_error(store));
	if (r == 0 || query_is_null(query, 0))
		return refuse(ret_message, -ENODATA,
			      "%s is still empty; let runmark-ingest finish making it", url);
	store->version = query_int(query, 0);
	if (store->version > STORE_VERSION)
		return refuse(ret_message, -EPROTO,
			      "%s has schema version %lld and this runmark knows %d; upgrade it",
			      url, (long long)store->version, STORE_VERSION);
	if (store->version < STORE_VERSION)
		return refuse(ret_message, -EPROTO,
			      "%s has schema version %lld and this runmark asks %d; run "
			      "runmark-ingest --migrate on it, with an account that may",
			      url, (long long)store->version, STORE_VERSION);
	return 0;
}

int store_open(const char *url, struct store **ret, char **ret_message)
{
	_cleanup_(url_done) struct database_url place = {};
	struct store *store;
	const char *reason;
	int r;

	*ret_message = NULL;
	if (!url)
		url = secure_getenv("RUNMARK_DB");
	if (!url || !*url)
		url = URL_DEFAULT;
	r = url_parse(url, &place, &reason);
	if (r == -EINVAL)
		return refuse(ret_message, r, "\"%s\" names no database: %s", url, reason);
	if (r < 0)
		return r;
	store = calloc(1, sizeof(*store));
	if (!store)
		return -ENOMEM;
	store->backend = find_backend(place.scheme);
	r = store->backend->open(&place, &store->connection, ret_message);
	if (r >= 0)
		r = read_version(store, url, ret_message);
	if (r < 0) {
		store_close(store);
		return r;
	}
	*ret = store;
	return 0;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	if (store->connection)
		store->backend->close(store->connection);
	free(store);
}

const char *store_error(struct store *store)
{
	return store->backend->error(store->connection);
}

int64_t store_version(const struct store *store)
{
	return store->version;
}

bool store_is_own(const struct store *store)
{
	return store->backend->is_own && store->backend->is_own(store->connection);
}

int store_check(struct store *store)
{
	return store->backend->check(store->connection);
}

int query_new(struct store *store, const char *sql, struct query **ret)
{
	struct query *query = malloc(sizeof(*query));
	int r;

	if (!query)
		return -ENOMEM;
	query->backend = store->backend;
	r = store->backend->prepare(store->connection, sql, &query->statement);
	if (r < 0) {
		free(query);
		return r;
	}
	*ret = query;
	return 0;
}

void query_free(struct query *query)
{
	if (!query)
		return;
	query->backend->finalize(query->statement);
	free(query);
}

int query_reset(struct query *query)
{
	return query->backend->reset(query->statement);
}

void query_stream(struct query *query)
{
	if (query->backend->stream)
		query->backend->stream(query->statement);
}

int query_bind_int(struct query *query, int index, int64_t value)
{
	return query->backend->bind_int(query->statement, index, value);
}

int query_bind_text(struct query *query, int index, struct bytes value)
{
	return query->backend->bind_text(query->statement, index, value);
}

int query_bind_blob(struct query *query, int index, struct bytes value)
{
	return query->backend->bind_blob(query->statement, index, value);
}

int query_step(struct query *query)
{
	return query->backend->step(query->statement);
}

bool query_is_null(struct query *query, int column)
{
	return query->backend->is_null(query->statement, column);
}

int64_t query_int(struct query *query, int column)
{
	return query->backend->get_int(query->statement, column);
}

struct bytes query_bytes(struct query *query, int column)
{
	return query->backend->get_bytes(query->statement, column);
}
