/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A database, as the loader sees it: a table of functions, all driven by the mapping. A back end
 * knows how to find, add and change rows of a table, nothing of what they mean; the loader knows no
 * SQL.
 *
 * All return 0 or negative errno, and then have left one sentence in backend->message that says
 * what is wrong and what to do about it. -EAGAIN: another loader was in the way (lock, deadlock,
 * lost connection); roll back and begin again. -EINVAL: the database refuses this row, the
 * transaction lives on. After any other the transaction must be rolled back. -EINTR: asked to stop
 * while waiting.
 */
#pragma once

#include "ingest/mapping.h"
#include "common/database_url.h"
#include <signal.h>

#define BACKEND_MESSAGE_SIZE 512

enum backend_mode {
	BACKEND_LOAD,	 /* made and brought up to date by itself where that needs no privilege */
	BACKEND_MIGRATE, /* made and brought up to date */
	BACKEND_READ,	 /* never changed */
};

enum insert_mode {
	INSERT_KEEP,	 /* a row with that key stays as it is */
	INSERT_REPLACE,	 /* takes the place of one with that key */
	INSERT_COMPLETE, /* takes the place of one whose column "state" is 0, any other stays */
	INSERT_MODES
};

struct backend;

#define BACKEND_RECORD_ROWS 3

typedef void backend_outcome(void *arg, unsigned int tag, bool is_changed);

/*
 * A record: a row whose table has one column as its key, and rows that belong to it. Those are put
 * in if it is (mode says when), and take the place of others. The outcome is told then.
 */
struct backend_record {
	const struct table *tables[BACKEND_RECORD_ROWS]; /* NULL behind the last */
	const struct value *rows[BACKEND_RECORD_ROWS];
	enum insert_mode mode;
	backend_outcome *outcome; /* may be NULL */
	void *arg;
	unsigned int tag;
};

typedef int backend_visit(void *arg, const struct value *row, size_t columns);

/* Values that are handed out are borrowed until the next call. */
struct backend_ops {
	const char *scheme; /* of the URL */

	/* stop: set when a wait is to end. On failure message is filled. */
	int (*open)(const struct database_url *url, enum backend_mode mode,
		    const volatile sig_atomic_t *stop, struct backend **ret,
		    char message[BACKEND_MESSAGE_SIZE]);
	void (*close)(struct backend *backend);

	int (*begin)(struct backend *backend);
	/* Durable when it returns. -EINPROGRESS: the answer was lost, it may be. */
	int (*commit)(struct backend *backend);
	void (*rollback)(struct backend *backend);

	/* The id of the row with the key (table's first key_count columns); -ENOENT if there is
	 * none. */
	int (*find)(struct backend *backend, const struct table *table, const struct value *key,
		    int64_t *ret_id);

	/* As find, but the row is added if there is none, with all columns of row. May be durable
	 * before the transaction commits: an entity without anything that refers to it harms
	 * nobody. */
	int (*entity)(struct backend *backend, const struct table *table, const struct value *row,
		      int64_t *ret_id);

	/* *ret_changed: whether the row was put in. ret_id: of a table that has one. Where both are
	 * NULL the row may be put in later, as a record. */
	int (*insert)(struct backend *backend, const struct table *table, enum insert_mode mode,
		      const struct value *row, bool *ret_changed, int64_t *ret_id);

	/*
	 * Puts the record in, now or together with others, at the latest in commit(): what would be
	 * returned here is returned there then. So a refused row (-EINVAL) is never one of many:
	 * -EAGAIN is returned instead, and in the transaction that is begun again rows are put in
	 * at once. Nothing of *record is needed afterwards.
	 */
	int (*record)(struct backend *backend, const struct backend_record *record);

	/* All columns of the row with that id; -ENOENT. */
	int (*get)(struct backend *backend, const struct table *table, int64_t id,
		   struct value row[MAPPING_COLUMNS_MAX]);

	/* Sets count columns from number first on, of the row with that id. */
	int (*update)(struct backend *backend, const struct table *table, int64_t id, size_t first,
		      size_t count, const struct value *values);

	/* Deletes the rows whose column has that number. */
	int (*erase)(struct backend *backend, const struct table *table, size_t column,
		     int64_t value);

	/* Each row of a table with ids, oldest first, until visit returns other than 0, which is
	 * returned then. */
	int (*each)(struct backend *backend, const struct table *table,
		    int (*visit)(void *arg, int64_t id, const struct value *row), void *arg);

	/*
	 * For maintenance: a statement that all databases read alike, with count values bound to
	 * its ?s, within a transaction or without. visit (may be NULL) gets each row of the result,
	 * columns of them, until it returns other than 0, which is returned then; it must not use
	 * the back end. ret_changed (may be NULL): rows that it added, changed or deleted.
	 */
	int (*statement)(struct backend *backend, const char *sql, const struct value *params,
			 size_t count, backend_visit *visit, void *arg, uint64_t *ret_changed);

	/*
	 * Who takes rows away from dictionaries and sets must be alone, and loaders must know that
	 * ids which they remember are gone. begin() has been called; *ret is the number of the last
	 * time that rows were taken away (prune_state 'generation'), and it stays until the
	 * transaction ends: a shared lock, where writers are not alone anyway. Who takes away adds
	 * 1 to it first.
	 */
	int (*generation)(struct backend *backend, int64_t *ret);

	/*
	 * Where tables are kept by month of their ids (NULL elsewhere): makes the months of the
	 * year to come, and drops those that end before before_us (0: none) and in which nothing
	 * happened since; a run may be younger than its process, by whose start months go.
	 * *ret_dropped: months, of all tables. Needs the rights of a migration, and no transaction.
	 */
	int (*months)(struct backend *backend, int64_t before_us, uint64_t *ret_dropped);

	/* This program alone prunes the database, until it is closed. -EBUSY: another does. */
	int (*claim)(struct backend *backend);
};

struct backend {
	const struct backend_ops *ops;
	bool is_forgetful; /* its settings let what was committed be lost when it dies */
	char message[BACKEND_MESSAGE_SIZE];
};

extern const struct backend_ops backend_sqlite, backend_mariadb;

/* The back end of url's scheme, opened. As open() above. */
int backend_open(const char *url, enum backend_mode mode, const volatile sig_atomic_t *stop,
		 struct backend **ret, char message[BACKEND_MESSAGE_SIZE]);

/* A record by insert(), for back ends that have nothing better. */
int backend_record_now(struct backend *backend, const struct backend_record *record);

static inline void backend_close(struct backend *backend)
{
	if (backend)
		backend->ops->close(backend);
}
