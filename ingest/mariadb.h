/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parts of the MariaDB back end: opening and transactions, statements, rows, batches of rows.
 *
 * It has two connections. The first one's transactions are the loader's. Dictionaries (all entities
 * but sets) are added to through the second one, whose transactions are short: it commits before
 * the first one does anything that may wait for somebody else's lock. So loaders which bring the
 * same new paths and jobs wait milliseconds for each other, not for whole files, and what deadlocks
 * remain are among few rows, are seen by the server, and are begun again.
 */
#pragma once

#include "ingest/backend.h"
#include "ingest/mariadb_batch.h"
#include "ingest/mariadb_sql.h"
#include "common/mariadb_session.h"

#define MARIADB_TEXTS	    127 /* statements by text that are kept */
#define MARIADB_ROWS_LOG    7	/* a statement puts in up to 2^7 rows */
#define MARIADB_ROWS_MAX    (1 << MARIADB_ROWS_LOG)
#define MARIADB_PACKET_MIN  (16 * 1024 * 1024) /* the server's max_allowed_packet at least */
#define MARIADB_VERSION_MAX 64

struct mariadb_text {
	char *sql;
	MYSQL_STMT *statement;
};

struct mariadb_link {
	MYSQL *server;
	struct mariadb_text texts[MARIADB_TEXTS]; /* by their hash */
	MYSQL_STMT *many[TABLE_COUNT][MANY_COUNT][MARIADB_ROWS_LOG + 1];
	MYSQL_BIND *binds; /* of the statement at hand */
	size_t bind_size;
};

/* One row of a result: values that live until the next. */
struct mariadb_cell {
	int64_t integer;
	unsigned long len;
	my_bool is_null, is_cut;
	char *data;
	size_t size;
};
struct mariadb_result {
	struct mariadb_cell cells[MAPPING_COLUMNS_MAX];
	struct value row[MAPPING_COLUMNS_MAX];
	enum value_type types[MAPPING_COLUMNS_MAX]; /* of values that are not null */
	MYSQL_BIND binds[MAPPING_COLUMNS_MAX];
	size_t columns;
};

struct mariadb {
	struct backend backend;
	const volatile sig_atomic_t *stop;
	struct database_url url;
	enum backend_mode mode;
	char place[256]; /* "the database … at …" */

	struct mariadb_link first, names;
	bool is_lost;	    /* a connection broke: both are made anew before the next use */
	bool is_open;	    /* the first one's transaction */
	bool is_names_open; /* the second one's */
	bool is_claimed;    /* see claim() */
	bool is_careful;    /* rows are put in one by one, since one of many was refused */
	uint8_t lately_new[TABLE_COUNT];     /* entities that were not there, one after another */
	struct mariadb_result result, found; /* found: of MANY_STATE */
	struct mariadb_writer *writer;
};

/* --- mariadb_error.c */

/* What the server or the library said, as negative errno, with the sentence in message. -EAGAIN
 * also where the connection was lost. */
int mariadb_report(struct mariadb *self, unsigned int code, const char *text, char *message);
/* That of the connection, in the back end's message. */
int mariadb_report_link(struct mariadb *self, struct mariadb_link *link);

/* --- mariadb.c */

/* Both connections are there; after a lost one they are made again, for up to half a minute. */
int mariadb_ready(struct mariadb *self);
/* Before the first connection does something that may wait. 0 or negative errno. */
int mariadb_commit_names(struct mariadb *self);
/* Text without parameters and result. */
int mariadb_run(struct mariadb *self, struct mariadb_link *link, const char *sql);

/* --- mariadb_execute.c */

/* A statement that is kept by its text. sql is freed (NULL: -ENOMEM). */
int mariadb_link_prepare(struct mariadb *self, struct mariadb_link *link, char *sql,
			 MYSQL_STMT **ret);
/* One over 2^log rows or keys, kept by its number. */
int mariadb_link_prepare_many(struct mariadb *self, struct mariadb_link *link,
			      const struct table *table, enum mariadb_many kind, unsigned int log,
			      MYSQL_STMT **ret, char *message);
/* Executes it with count rows of width values bound; message: where a failure's sentence goes. */
int mariadb_link_execute(struct mariadb *self, struct mariadb_link *link, MYSQL_STMT *statement,
			 const struct value *const *rows, size_t count, size_t width,
			 char *message);
/* For results: before the first row, for each (1: there is one, 0: no more), after the last. */
int mariadb_result_begin(struct mariadb *self, MYSQL_STMT *statement, struct mariadb_result *result,
			 char *message);
int mariadb_result_next(struct mariadb *self, MYSQL_STMT *statement, struct mariadb_result *result,
			char *message);
void mariadb_result_end(MYSQL_STMT *statement);
void mariadb_result_done(struct mariadb_result *result);
/* Closes the connection and all its statements. */
void mariadb_link_done(struct mariadb_link *link);

/* --- mariadb_statement.c: what maintenance needs */
int mariadb_statement(struct backend *backend, const char *sql, const struct value *params,
		      size_t count, backend_visit *visit, void *arg, uint64_t *ret_changed);
int mariadb_generation(struct backend *backend, int64_t *ret);
int mariadb_claim(struct backend *backend);

/* --- mariadb_rows.c */
int mariadb_find(struct backend *backend, const struct table *table, const struct value *key,
		 int64_t *ret_id);
int mariadb_entity(struct backend *backend, const struct table *table, const struct value *row,
		   int64_t *ret_id);
int mariadb_insert(struct backend *backend, const struct table *table, enum insert_mode mode,
		   const struct value *row, bool *ret_changed, int64_t *ret_id);
int mariadb_record(struct backend *backend, const struct backend_record *record);
int mariadb_get(struct backend *backend, const struct table *table, int64_t id,
		struct value row[MAPPING_COLUMNS_MAX]);
int mariadb_update(struct backend *backend, const struct table *table, int64_t id, size_t first,
		   size_t count, const struct value *values);
int mariadb_erase(struct backend *backend, const struct table *table, size_t column, int64_t value);
int mariadb_each(struct backend *backend, const struct table *table,
		 int (*visit)(void *arg, int64_t id, const struct value *row), void *arg);

/* --- mariadb_write.c: a batch into the database, in whichever thread */
int mariadb_write(struct mariadb *self, struct batch *batch, char *message);

/* --- mariadb_writer.c: one batch is written while the next one is filled */
int mariadb_writer_new(struct mariadb *self, struct mariadb_writer **ret);
void mariadb_writer_free(struct mariadb_writer *writer);
/* The batch that is being filled. */
struct batch *mariadb_writer_batch(struct mariadb_writer *writer);
/* Hands it over, when the one before has been written. 0, or what writing that one returned. */
int mariadb_writer_submit(struct mariadb_writer *writer);
/* Waits for what was handed over; the first connection is free then. 0, or what writing it
 * returned, also if that was long ago: until mariadb_writer_drop(). */
int mariadb_writer_wait(struct mariadb_writer *writer);
/* Both; nothing is left to be written. */
int mariadb_writer_settle(struct mariadb_writer *writer);
/* After a rollback: what was to be written is dropped. */
void mariadb_writer_drop(struct mariadb_writer *writer);

/* --- mariadb_migrate.c: brings the database up to date, or refuses it */
int mariadb_migrate(struct mariadb *self);
int mariadb_schema_version(void);
