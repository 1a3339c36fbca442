/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The site's database, for reading. Behind a narrow table of functions (struct store_backend), so
 * that the same statements run on another server: they keep to SQL that SQLite, MariaDB and MySQL
 * share, and every value is a bound parameter. What differs between servers (globs, JSON) is done
 * in C above.
 */
#pragma once

#include "common/database_url.h"

#define STORE_VERSION 2 /* the schema that this program asks; older ones have to be migrated */
#define STORE_BUSY_MS 10000

struct store;
struct query;

/*
 * What a kind of server must do. All return 0 or negative errno unless said; error() tells more
 * about the last failure. -ENOENT comes from open() alone: there is no such database.
 */
struct store_backend {
	/* *ret_message: one sentence with the way out if it fails, to be freed. */
	int (*open)(const struct database_url *url, void **ret, char **ret_message);
	void (*close)(void *connection);
	const char *(*error)(void *connection);
	bool (*is_own)(void *connection); /* see store_is_own(); NULL: it never is */
	/* -ESTALE: the data changed under a reader that couldn't lock it. */
	int (*check)(void *connection);

	int (*prepare)(void *connection, const char *sql, void **ret);
	void (*finalize)(void *statement);
	int (*reset)(void *statement);	 /* parameters become null */
	void (*stream)(void *statement); /* see query_stream(); NULL: nothing to do */
	int (*bind_int)(void *statement, int index, int64_t value);
	int (*bind_text)(void *statement, int index, struct bytes value);
	int (*bind_blob)(void *statement, int index, struct bytes value);
	int (*step)(void *statement); /* 1: a row, 0: no more */
	bool (*is_null)(void *statement, int column);
	int64_t (*get_int)(void *statement, int column);
	struct bytes (*get_bytes)(void *statement, int column); /* until the next step */
};

extern const struct store_backend store_sqlite, store_mariadb;

/*
 * url NULL: RUNMARK_DB, else URL_DEFAULT. Checks that it is a database of ours and not newer
 * than this program. On failure *ret_message (freed by the caller; NULL if out of memory) is a
 * sentence with the way out.
 */
int store_open(const char *url, struct store **ret, char **ret_message);
void store_close(struct store *store);
const char *store_error(struct store *store);
int64_t store_version(const struct store *store);
/* Only what the user's own runs, jobs and links are is shown: there is no right to more. */
bool store_is_own(const struct store *store);
/* After reading: -ESTALE if the answer may be wrong, see check(). */
int store_check(struct store *store);

/* In a statement: one of many values, fewer than that repeated. */
#define QUERY_MANY	61
#define QUERY_TEN_MARKS "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
#define QUERY_MANY_MARKS                                                                           \
	QUERY_TEN_MARKS QUERY_TEN_MARKS QUERY_TEN_MARKS QUERY_TEN_MARKS QUERY_TEN_MARKS            \
		QUERY_TEN_MARKS "?"

/*
 * A statement, for use again and again: bind (from 1), step, reset. Bound bytes must stay until
 * reset. Other statements may run between two steps: so an answer may be held in memory as a whole,
 * and what may have very many rows is asked in pages, or streamed. A mistake in the statement
 * may come out at the first step only.
 */
int query_new(struct store *store, const char *sql, struct query **ret);
void query_free(struct query *query);
int query_reset(struct query *query);
/* Before the first step: the rows, however many, are taken from the server one by one. No other
 * statement of the store may run until the last of them was read, or the query was reset. */
void query_stream(struct query *query);
int query_bind_int(struct query *query, int index, int64_t value);
int query_bind_text(struct query *query, int index, struct bytes value);
int query_bind_blob(struct query *query, int index, struct bytes value);
int query_step(struct query *query);
bool query_is_null(struct query *query, int column);
int64_t query_int(struct query *query, int column);
struct bytes query_bytes(struct query *query, int column);

static inline void cleanup_store(struct store **store)
{
	store_close(*store);
}
#define _cleanup_store_ _cleanup_(cleanup_store)

static inline void cleanup_query(struct query **query)
{
	query_free(*query);
}
#define _cleanup_query_ _cleanup_(cleanup_query)
