/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows of the SQLite back end: statements made from the mapping when first used, then kept. */
#include "ingest/sqlite.h"
#include "ingest/sql.h"

#include <errno.h>

/* What stands behind INSERT for each mode. */
static char *conflict_clause(const struct table *table, enum insert_mode mode)
{
	char *text = NULL;
	size_t len;
	FILE *out;

	if (!table->key_count)
		return strdup("");
	if (mode == INSERT_KEEP)
		return strdup(" ON CONFLICT DO NOTHING");
	out = open_memstream(&text, &len);
	if (!out)
		return NULL;
	fputs(" ON CONFLICT (", out);
	for (size_t i = 0; i < table->key_count; i++)
		fprintf(out, "%s%s", i ? ", " : "", table->columns[i].name);
	fputs(") DO UPDATE SET ", out);
	for (size_t i = table->key_count; i < table->count; i++)
		fprintf(out, "%s%s = excluded.%s", i > table->key_count ? ", " : "",
			table->columns[i].name, table->columns[i].name);
	if (mode == INSERT_COMPLETE)
		fprintf(out, " WHERE %s.state = 0", table->name);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

static char *statement_text(const struct table *table, enum sqlite_statement kind)
{
	_cleanup_free_ char *insert = NULL, *conflict = NULL;
	char *text;

	if (kind == STATEMENT_FIND)
		return sql_find(table);
	if (kind == STATEMENT_GET)
		return sql_get(table);
	insert = sql_insert(table);
	if (!insert || kind == STATEMENT_ADD)
		return TAKE_PTR(insert);
	conflict = conflict_clause(table, (enum insert_mode)(kind - STATEMENT_KEEP));
	if (!conflict || asprintf(&text, "%s%s", insert, conflict) < 0)
		return NULL;
	return text;
}

static int prepare(struct sqlite *self, char *text, sqlite3_stmt **ret)
{
	_cleanup_free_ char *sql = text;
	int r;

	if (!sql)
		return -ENOMEM;
	r = sqlite3_prepare_v3(self->db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL);
	return r == SQLITE_OK ? 0 : sqlite_fail(self, r);
}

static int get_statement(struct sqlite *self, const struct table *table, enum sqlite_statement kind,
			 sqlite3_stmt **ret)
{
	sqlite3_stmt **kept = &self->statements[table->number][kind];

	if (!*kept) {
		int r = prepare(self, statement_text(table, kind), kept);

		if (r < 0)
			return r;
	}
	*ret = *kept;
	return 0;
}

/* Values are static for SQLite: they outlive the step, behind which the statement is reset. */
static int bind(sqlite3_stmt *statement, int at, const struct value *value)
{
	switch (value->type) {
	case VALUE_INTEGER:
		return sqlite3_bind_int64(statement, at, value->integer);
	case VALUE_TEXT:
		return sqlite3_bind_text(statement, at, value->bytes.data, (int)value->bytes.len,
					 SQLITE_STATIC);
	case VALUE_BYTES:
		if (!value->bytes.len)
			return sqlite3_bind_zeroblob(statement, at, 0);
		return sqlite3_bind_blob(statement, at, value->bytes.data, (int)value->bytes.len,
					 SQLITE_STATIC);
	default:
		return sqlite3_bind_null(statement, at);
	}
}

int sqlite_bind_all(struct sqlite *self, sqlite3_stmt *statement, const struct value *values,
		    size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int r = bind(statement, (int)i + 1, &values[i]);

		if (r != SQLITE_OK)
			return sqlite_fail(self, r);
	}
	return 0;
}

/* One step of a statement that gives no row. */
static int step_done(struct sqlite *self, sqlite3_stmt *statement)
{
	int r = sqlite3_step(statement);

	if (r != SQLITE_DONE)
		r = sqlite_fail(self, r);
	else
		r = 0;
	sqlite3_reset(statement);
	return r;
}

int sqlite_find(struct backend *backend, const struct table *table, const struct value *key,
		int64_t *ret_id)
{
	struct sqlite *self = (struct sqlite *)backend;
	sqlite3_stmt *statement;
	int r = get_statement(self, table, STATEMENT_FIND, &statement);

	if (r == 0)
		r = sqlite_bind_all(self, statement, key, table->key_count);
	if (r < 0)
		return r;
	r = sqlite3_step(statement);
	if (r == SQLITE_ROW) {
		*ret_id = sqlite3_column_int64(statement, 0);
		r = 0;
	} else {
		r = r == SQLITE_DONE ? -ENOENT : sqlite_fail(self, r);
	}
	sqlite3_reset(statement);
	return r;
}

static int insert_row(struct sqlite *self, const struct table *table, enum sqlite_statement kind,
		      const struct value *row)
{
	sqlite3_stmt *statement;
	int r = get_statement(self, table, kind, &statement);

	if (r == 0)
		r = sqlite_bind_all(self, statement, row, table->count);
	return r < 0 ? r : step_done(self, statement);
}

int sqlite_entity(struct backend *backend, const struct table *table, const struct value *row,
		  int64_t *ret_id)
{
	struct sqlite *self = (struct sqlite *)backend;
	int r = sqlite_find(backend, table, row, ret_id);

	if (r != -ENOENT)
		return r;
	/* Nobody else can have added it since: the transaction holds the write lock. */
	r = insert_row(self, table, STATEMENT_ADD, row);
	if (r == 0)
		*ret_id = sqlite3_last_insert_rowid(self->db);
	return r;
}

int sqlite_insert(struct backend *backend, const struct table *table, enum insert_mode mode,
		  const struct value *row, bool *ret_changed, int64_t *ret_id)
{
	struct sqlite *self = (struct sqlite *)backend;
	int r = insert_row(self, table, STATEMENT_KEEP + mode, row);

	if (r < 0)
		return r;
	if (ret_changed)
		*ret_changed = sqlite3_changes(self->db) > 0;
	if (ret_id)
		*ret_id = sqlite3_last_insert_rowid(self->db);
	return 0;
}

/* Blobs and texts stay where SQLite has them, until the statement moves on. */
struct value sqlite_column(sqlite3_stmt *statement, int at)
{
	switch (sqlite3_column_type(statement, at)) {
	case SQLITE_INTEGER:
		return value_integer(sqlite3_column_int64(statement, at));
	case SQLITE_TEXT: {
		const char *text = (const char *)sqlite3_column_text(statement, at);

		return value_text((struct bytes){text, sqlite3_column_bytes(statement, at)});
	}
	case SQLITE_BLOB: {
		const void *data = sqlite3_column_blob(statement, at);

		return value_bytes(data ?: "", sqlite3_column_bytes(statement, at));
	}
	default:
		return value_null();
	}
}

/* Texts and blobs of the row, copied to where they stay until the next row. */
static int keep_row(struct sqlite *self, struct value *row, size_t count)
{
	size_t size = 1;
	char *to;

	for (size_t i = 0; i < count; i++)
		size += row[i].bytes.len;
	free(self->row);
	self->row = to = malloc(size);
	if (!to)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		if (!row[i].bytes.data)
			continue;
		memcpy(to, row[i].bytes.data, row[i].bytes.len);
		row[i].bytes.data = to;
		to += row[i].bytes.len;
	}
	return 0;
}

int sqlite_get(struct backend *backend, const struct table *table, int64_t id,
	       struct value row[MAPPING_COLUMNS_MAX])
{
	struct sqlite *self = (struct sqlite *)backend;
	sqlite3_stmt *statement;
	int r = get_statement(self, table, STATEMENT_GET, &statement);

	if (r < 0)
		return r;
	sqlite3_bind_int64(statement, 1, id);
	r = sqlite3_step(statement);
	if (r == SQLITE_ROW) {
		for (size_t i = 0; i < table->count; i++)
			row[i] = sqlite_column(statement, (int)i);
		r = keep_row(self, row, table->count);
	} else {
		r = r == SQLITE_DONE ? -ENOENT : sqlite_fail(self, r);
	}
	sqlite3_reset(statement);
	return r;
}

int sqlite_update(struct backend *backend, const struct table *table, int64_t id, size_t first,
		  size_t count, const struct value *values)
{
	_cleanup_free_ char *sql = sql_update(table, first, count);
	struct value params[MAPPING_COLUMNS_MAX + 1];

	if (!sql)
		return -ENOMEM;
	memcpy(params, values, count * sizeof(*values));
	params[count] = value_integer(id);
	return sqlite_statement(backend, sql, params, count + 1, NULL, NULL, NULL);
}

int sqlite_erase(struct backend *backend, const struct table *table, size_t column, int64_t value)
{
	_cleanup_free_ char *sql = sql_erase(table, column);
	struct value param = value_integer(value);

	if (!sql)
		return -ENOMEM;
	return sqlite_statement(backend, sql, &param, 1, NULL, NULL, NULL);
}

int sqlite_each(struct backend *backend, const struct table *table,
		int (*visit)(void *arg, int64_t id, const struct value *row), void *arg)
{
	struct sqlite *self = (struct sqlite *)backend;
	struct value row[MAPPING_COLUMNS_MAX];
	sqlite3_stmt *statement = NULL;
	int r = prepare(self, sql_each(table), &statement), code = SQLITE_DONE;

	while (r == 0 && (code = sqlite3_step(statement)) == SQLITE_ROW) {
		for (size_t i = 0; i < table->count; i++)
			row[i] = sqlite_column(statement, (int)i + 1);
		r = visit(arg, sqlite3_column_int64(statement, 0), row);
	}
	if (r == 0 && code != SQLITE_DONE)
		r = sqlite_fail(self, code);
	sqlite3_finalize(statement);
	return r;
}

void sqlite_finalize_all(struct sqlite *self)
{
	for (size_t t = 0; t < TABLE_COUNT; t++)
		for (size_t i = 0; i < STATEMENT_COUNT; i++)
			sqlite3_finalize(self->statements[t][i]);
	free(self->row);
	sqlite_statement_done(self);
}
