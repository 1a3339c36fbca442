/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows of the MariaDB back end. What needs no answer waits for others in a batch; all else is done
 * at once, on the first connection when the writer has left it, or, for dictionaries, on the
 * second.
 */
#include "ingest/mariadb.h"
#include "ingest/sql.h"

#include <errno.h>

#define NEW_IN_A_ROW 7

/* The first connection is ours, and the table as if nothing waited to be put in. */
static int take_first(struct mariadb *self, const struct table *table)
{
	int r = mariadb_ready(self);

	if (r < 0)
		return r;
	if (mariadb_writer_batch(self->writer)->pending[table->number])
		return mariadb_writer_settle(self->writer);
	return mariadb_writer_wait(self->writer);
}

static int execute(struct mariadb *self, struct mariadb_link *link, char *sql,
		   const struct value *values, size_t count, MYSQL_STMT **ret)
{
	int r = mariadb_link_prepare(self, link, sql, ret);

	if (r < 0)
		return r;
	return mariadb_link_execute(self, link, *ret, &values, 1, count, self->backend.message);
}

/* The first row of the result, in self->result; -ENOENT. */
static int read_one(struct mariadb *self, MYSQL_STMT *statement)
{
	char *message = self->backend.message;
	int r = mariadb_result_begin(self, statement, &self->result, message);

	if (r == 0)
		r = mariadb_result_next(self, statement, &self->result, message);
	mariadb_result_end(statement);
	return r < 0 ? r : r ? 0 : -ENOENT;
}

static int find(struct mariadb *self, struct mariadb_link *link, const struct table *table,
		const struct value *key, int64_t *ret_id)
{
	const struct value twice[2] = {key[0], key[0]};
	bool is_hashed = mariadb_sql_is_hashed(table);
	MYSQL_STMT *statement;
	int r = execute(self, link, mariadb_sql_find(table), is_hashed ? twice : key,
			is_hashed ? 2 : table->key_count, &statement);

	if (r == 0)
		r = read_one(self, statement);
	if (r == 0)
		*ret_id = self->result.row[0].integer;
	return r;
}

int mariadb_find(struct backend *backend, const struct table *table, const struct value *key,
		 int64_t *ret_id)
{
	struct mariadb *self = (struct mariadb *)backend;
	int r = take_first(self, table);

	if (r == 0)
		r = mariadb_commit_names(self);
	return r < 0 ? r : find(self, &self->first, table, key, ret_id);
}

/* Sets come in the order of their hashes: those who bring the same wait, but never in a circle. */
static bool is_set(const struct table *table)
{
	return table->number == TABLE_OBJECT_SET || table->number == TABLE_ENV_SET ||
	       table->number == TABLE_INPUT_SET;
}

static int begin_names(struct mariadb *self)
{
	int r = self->is_names_open ? 0 : mariadb_run(self, &self->names, "START TRANSACTION");

	self->is_names_open = self->is_names_open || r == 0;
	return r;
}

int mariadb_entity(struct backend *backend, const struct table *table, const struct value *row,
		   int64_t *ret_id)
{
	struct mariadb *self = (struct mariadb *)backend;
	struct mariadb_link *link = is_set(table) ? &self->first : &self->names;
	MYSQL_STMT *statement;
	int r = is_set(table) ? take_first(self, table) : mariadb_ready(self);

	/* Where the last ones were all new, as jobs are, it is not looked for first. */
	if (r == 0 && self->lately_new[table->number] < NEW_IN_A_ROW) {
		r = find(self, link, table, row, ret_id);
		if (r != -ENOENT) {
			self->lately_new[table->number] = 0;
			return r;
		}
		r = 0;
	}
	if (r < 0)
		return r;
	r = is_set(table) ? mariadb_commit_names(self) : begin_names(self);
	if (r == 0)
		r = execute(self, link, mariadb_sql_entity(table), row, table->count, &statement);
	if (r < 0)
		return r;
	*ret_id = (int64_t)mysql_stmt_insert_id(statement);
	if (mysql_stmt_affected_rows(statement) != 1)
		self->lately_new[table->number] = 0;
	else if (self->lately_new[table->number] < NEW_IN_A_ROW)
		self->lately_new[table->number]++;
	return 0;
}

/* Puts in what was added alone. If it is refused, nothing of it stays. */
static int push_alone(struct mariadb *self)
{
	char message[BACKEND_MESSAGE_SIZE];
	int r = mariadb_commit_names(self);

	if (r == 0)
		r = mariadb_run(self, &self->first, "SAVEPOINT alone");
	if (r == 0)
		r = mariadb_writer_settle(self->writer);
	if (r != -EINVAL)
		return r;
	memcpy(message, self->backend.message, sizeof(message));
	r = mariadb_run(self, &self->first, "ROLLBACK TO SAVEPOINT alone");
	memcpy(self->backend.message, message, sizeof(message));
	return r < 0 ? r : -EINVAL;
}

/* After something was added to the batch. */
static int push(struct mariadb *self)
{
	if (self->is_careful)
		return push_alone(self);
	return batch_is_full(mariadb_writer_batch(self->writer))
		       ? mariadb_writer_submit(self->writer)
		       : 0;
}

static int insert_now(struct mariadb *self, const struct table *table, enum insert_mode mode,
		      const struct value *row, bool *ret_changed, int64_t *ret_id)
{
	enum mariadb_many kind = !table->key_count     ? MANY_INSERT
				 : mode == INSERT_KEEP ? MANY_KEEP
						       : MANY_REPLACE;
	MYSQL_STMT *statement;
	int r = take_first(self, table);

	if (r == 0)
		r = mariadb_commit_names(self);
	if (r == 0)
		r = mariadb_link_prepare_many(self, &self->first, table, kind, 0, &statement,
					      self->backend.message);
	if (r == 0)
		r = mariadb_link_execute(self, &self->first, statement, &row, 1, table->count,
					 self->backend.message);
	if (r < 0)
		return r;
	if (ret_changed)
		*ret_changed = mysql_stmt_affected_rows(statement) > 0;
	if (ret_id)
		*ret_id = (int64_t)mysql_stmt_insert_id(statement);
	return 0;
}

static void tell_changed(void *arg, unsigned int tag, bool is_changed)
{
	(void)tag;
	*(bool *)arg = is_changed;
}

int mariadb_insert(struct backend *backend, const struct table *table, enum insert_mode mode,
		   const struct value *row, bool *ret_changed, int64_t *ret_id)
{
	struct mariadb *self = (struct mariadb *)backend;
	bool is_changed = false;
	const struct backend_record record = {.tables = {table},
					      .rows = {row},
					      .mode = mode,
					      .outcome = tell_changed,
					      .arg = &is_changed};
	int r = mariadb_ready(self);

	if (r < 0)
		return r;
	if (!ret_changed && !ret_id && mode == INSERT_KEEP) {
		r = batch_add_row(mariadb_writer_batch(self->writer), table, row);
		return r < 0 ? r : push(self);
	}
	if (mode != INSERT_COMPLETE)
		return insert_now(self, table, mode, row, ret_changed, ret_id);
	r = batch_add_record(mariadb_writer_batch(self->writer), &record);
	if (r == 0)
		r = mariadb_writer_settle(self->writer);
	if (r == 0 && ret_changed)
		*ret_changed = is_changed;
	return r;
}

int mariadb_record(struct backend *backend, const struct backend_record *record)
{
	struct mariadb *self = (struct mariadb *)backend;
	int r = mariadb_ready(self);

	if (r < 0)
		return r;
	if (record->tables[0]->key_count != 1)
		return backend_record_now(backend, record);
	r = batch_add_record(mariadb_writer_batch(self->writer), record);
	return r < 0 ? r : push(self);
}

int mariadb_get(struct backend *backend, const struct table *table, int64_t id,
		struct value row[MAPPING_COLUMNS_MAX])
{
	struct mariadb *self = (struct mariadb *)backend;
	const struct value key = value_integer(id);
	MYSQL_STMT *statement;
	int r = take_first(self, table);

	if (r == 0)
		r = mariadb_commit_names(self);
	if (r == 0)
		r = execute(self, &self->first, sql_get(table), &key, 1, &statement);
	if (r == 0)
		r = read_one(self, statement);
	if (r == 0)
		memcpy(row, self->result.row, table->count * sizeof(*row));
	return r;
}

int mariadb_update(struct backend *backend, const struct table *table, int64_t id, size_t first,
		   size_t count, const struct value *values)
{
	struct mariadb *self = (struct mariadb *)backend;
	struct value all[MAPPING_COLUMNS_MAX + 1];
	MYSQL_STMT *statement;
	int r = take_first(self, table);

	memcpy(all, values, count * sizeof(*all));
	all[count] = value_integer(id);
	if (r == 0)
		r = mariadb_commit_names(self);
	if (r == 0)
		r = execute(self, &self->first, sql_update(table, first, count), all, count + 1,
			    &statement);
	return r;
}

int mariadb_erase(struct backend *backend, const struct table *table, size_t column, int64_t value)
{
	struct mariadb *self = (struct mariadb *)backend;
	const struct value key = value_integer(value);
	MYSQL_STMT *statement;
	int r = take_first(self, table);

	if (r == 0)
		r = mariadb_commit_names(self);
	return r < 0 ? r
		     : execute(self, &self->first, sql_erase(table, column), &key, 1, &statement);
}

int mariadb_each(struct backend *backend, const struct table *table,
		 int (*visit)(void *arg, int64_t id, const struct value *row), void *arg)
{
	struct mariadb *self = (struct mariadb *)backend;
	char *message = self->backend.message;
	MYSQL_STMT *statement;
	int r = take_first(self, table);

	if (r == 0)
		r = execute(self, &self->first, sql_each(table), NULL, 0, &statement);
	if (r < 0)
		return r;
	r = mariadb_result_begin(self, statement, &self->result, message);
	while (r == 0 && (r = mariadb_result_next(self, statement, &self->result, message)) > 0)
		r = visit(arg, self->result.row[0].integer, self->result.row + 1);
	mariadb_result_end(statement);
	return r;
}
