/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of the SQLite back end: opening and migrating, and rows. */
#pragma once

#include "ingest/backend.h"
#include <sqlite3.h>

enum sqlite_statement {
	STATEMENT_FIND,
	STATEMENT_GET,
	STATEMENT_ADD,
	STATEMENT_KEEP, /* the three modes of insert, in their order */
	STATEMENT_REPLACE,
	STATEMENT_COMPLETE,
	STATEMENT_COUNT
};

#define SQLITE_TEXTS 127 /* statements by text that are kept */

struct sqlite_text {
	char *sql;
	sqlite3_stmt *statement;
};

struct sqlite {
	struct backend backend;
	sqlite3 *db;
	char *path;
	const volatile sig_atomic_t *stop;
	uint64_t waiting_since_ms; /* for a lock; 0: not */
	char *row;		   /* texts of the row that was handed out last */
	sqlite3_stmt *statements[TABLE_COUNT][STATEMENT_COUNT]; /* made when first used */
	struct sqlite_text texts[SQLITE_TEXTS];			/* by their hash */
	int claim; /* descriptor of the lock's file; -1: not held */
};

/* sqlite_error.c: what SQLite returned, as negative errno, with the sentence in the message. */
int sqlite_fail(struct sqlite *self, int code);

/* sqlite_migrate.c: brings the database up to date, or refuses it. */
int sqlite_migrate(struct sqlite *self, enum backend_mode mode);
/* Number of the newest migration that this program knows. */
int sqlite_schema_version(void);
/* One statement without result. 0 or negative errno. */
int sqlite_run(struct sqlite *self, const char *sql);

/* sqlite_rows.c */
int sqlite_find(struct backend *backend, const struct table *table, const struct value *key,
		int64_t *ret_id);
int sqlite_entity(struct backend *backend, const struct table *table, const struct value *row,
		  int64_t *ret_id);
int sqlite_insert(struct backend *backend, const struct table *table, enum insert_mode mode,
		  const struct value *row, bool *ret_changed, int64_t *ret_id);
int sqlite_get(struct backend *backend, const struct table *table, int64_t id,
	       struct value row[MAPPING_COLUMNS_MAX]);
int sqlite_update(struct backend *backend, const struct table *table, int64_t id, size_t first,
		  size_t count, const struct value *values);
int sqlite_erase(struct backend *backend, const struct table *table, size_t column, int64_t value);
int sqlite_each(struct backend *backend, const struct table *table,
		int (*visit)(void *arg, int64_t id, const struct value *row), void *arg);
void sqlite_finalize_all(struct sqlite *self);
int sqlite_bind_all(struct sqlite *self, sqlite3_stmt *statement, const struct value *values,
		    size_t count);
/* A column of the row at hand, borrowed until the statement moves on. */
struct value sqlite_column(sqlite3_stmt *statement, int at);

/* sqlite_statement.c: what maintenance needs */
int sqlite_statement(struct backend *backend, const char *sql, const struct value *params,
		     size_t count, backend_visit *visit, void *arg, uint64_t *ret_changed);
int sqlite_generation(struct backend *backend, int64_t *ret);
int sqlite_claim(struct backend *backend);
void sqlite_statement_done(struct sqlite *self);
