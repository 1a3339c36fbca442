/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prepared statements: kept by their text or number, values bound as they are, rows read as they
 * come. A result is never held as a whole here, so that one of any size costs the memory of a row.
 */
#include "ingest/mariadb.h"

#include <errno.h>
#include <xxhash.h>

#define CELL_FIRST	 256 /* bytes; grows */
#define BINARY_CHARACTER 63  /* number of the character set of what is no text */

static int report(struct mariadb *self, MYSQL_STMT *statement, char *message)
{
	return mariadb_report(self, mysql_stmt_errno(statement), mysql_stmt_error(statement),
			      message);
}

static int prepare(struct mariadb *self, struct mariadb_link *link, const char *sql,
		   MYSQL_STMT **ret, char *message)
{
	MYSQL_STMT *statement = mysql_stmt_init(link->server);
	int r;

	if (!statement)
		return -ENOMEM;
	if (mysql_stmt_prepare(statement, sql, strlen(sql)) == 0) {
		*ret = statement;
		return 0;
	}
	r = report(self, statement, message);
	mysql_stmt_close(statement);
	return r;
}

int mariadb_link_prepare(struct mariadb *self, struct mariadb_link *link, char *sql,
			 MYSQL_STMT **ret)
{
	_cleanup_free_ char *text = sql;
	struct mariadb_text *kept;
	int r;

	if (!text)
		return -ENOMEM;
	kept = &link->texts[XXH3_64bits(text, strlen(text)) % ARRAY_SIZE(link->texts)];
	if (!kept->sql || strcmp(kept->sql, text) != 0) {
		if (kept->statement)
			mysql_stmt_close(kept->statement);
		free(kept->sql);
		*kept = (struct mariadb_text){};
		r = prepare(self, link, text, &kept->statement, self->backend.message);
		if (r < 0)
			return r;
		kept->sql = TAKE_PTR(text);
	}
	*ret = kept->statement;
	return 0;
}

int mariadb_link_prepare_many(struct mariadb *self, struct mariadb_link *link,
			      const struct table *table, enum mariadb_many kind, unsigned int log,
			      MYSQL_STMT **ret, char *message)
{
	MYSQL_STMT **kept = &link->many[table->number][kind][log];
	_cleanup_free_ char *sql = NULL;

	if (!*kept) {
		int r;

		sql = mariadb_sql_many(table, kind, 1U << log);
		if (!sql)
			return -ENOMEM;
		r = prepare(self, link, sql, kept, message);
		if (r < 0)
			return r;
	}
	*ret = *kept;
	return 0;
}

static void bind(MYSQL_BIND *bind, const struct value *value)
{
	*bind = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_NULL};
	switch (value->type) {
	case VALUE_INTEGER:
		bind->buffer_type = MYSQL_TYPE_LONGLONG;
		bind->buffer = (void *)&value->integer;
		break;
	case VALUE_TEXT:
	case VALUE_BYTES:
		bind->buffer_type = value->type == VALUE_TEXT ? MYSQL_TYPE_STRING : MYSQL_TYPE_BLOB;
		bind->buffer = (void *)(value->bytes.data ?: "");
		bind->buffer_length = value->bytes.len;
		break;
	default:
		break;
	}
}

int mariadb_link_execute(struct mariadb *self, struct mariadb_link *link, MYSQL_STMT *statement,
			 const struct value *const *rows, size_t count, size_t width, char *message)
{
	MYSQL_BIND *next;

	if (link->bind_size < count * width) {
		free(link->binds);
		link->bind_size = 0;
		link->binds = calloc(count * width, sizeof(*link->binds));
		if (!link->binds)
			return -ENOMEM;
		link->bind_size = count * width;
	}
	next = link->binds;
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < width; j++)
			bind(next++, &rows[i][j]);
	if ((count && width && mysql_stmt_bind_param(statement, link->binds)) ||
	    mysql_stmt_execute(statement))
		return report(self, statement, message);
	return 0;
}

static bool is_whole(const MYSQL_FIELD *field)
{
	switch (field->type) {
	case MYSQL_TYPE_TINY:
	case MYSQL_TYPE_SHORT:
	case MYSQL_TYPE_INT24:
	case MYSQL_TYPE_LONG:
	case MYSQL_TYPE_LONGLONG:
	case MYSQL_TYPE_YEAR:
		return true;
	case MYSQL_TYPE_DECIMAL:
	case MYSQL_TYPE_NEWDECIMAL:
		return !field->decimals; /* what sum() makes of whole numbers */
	default:
		return false;
	}
}

static enum value_type type_of(const MYSQL_FIELD *field)
{
	if (is_whole(field))
		return VALUE_INTEGER;
	/* Numbers with a fraction are read as texts. */
	if (field->charsetnr == BINARY_CHARACTER && !IS_NUM(field->type))
		return VALUE_BYTES;
	return VALUE_TEXT;
}

static void bind_cell(struct mariadb_cell *cell, MYSQL_BIND *bind, bool is_number)
{
	*bind = (MYSQL_BIND){
		.is_null = &cell->is_null, .error = &cell->is_cut, .length = &cell->len};
	bind->buffer_type = is_number ? MYSQL_TYPE_LONGLONG : MYSQL_TYPE_STRING;
	bind->buffer = is_number ? (void *)&cell->integer : cell->data;
	bind->buffer_length = is_number ? sizeof(cell->integer) : cell->size;
}

int mariadb_result_begin(struct mariadb *self, MYSQL_STMT *statement, struct mariadb_result *result,
			 char *message)
{
	MYSQL_RES *meta = mysql_stmt_result_metadata(statement);
	const MYSQL_FIELD *fields;

	result->columns = 0;
	if (!meta)
		return mysql_stmt_errno(statement) ? report(self, statement, message) : 0;
	result->columns = MIN(mysql_num_fields(meta), (unsigned int)MAPPING_COLUMNS_MAX);
	fields = mysql_fetch_fields(meta);
	for (size_t i = 0; i < result->columns; i++) {
		struct mariadb_cell *cell = &result->cells[i];

		if (!cell->data) {
			cell->data = malloc(CELL_FIRST);
			cell->size = cell->data ? CELL_FIRST : 0;
		}
		result->types[i] = type_of(&fields[i]);
		bind_cell(cell, &result->binds[i], result->types[i] == VALUE_INTEGER);
	}
	mysql_free_result(meta);
	if (mysql_stmt_bind_result(statement, result->binds))
		return report(self, statement, message);
	return 0;
}

/* The whole of a text that didn't fit, into more room, where the next rows go too. */
static int fetch_rest(MYSQL_STMT *statement, struct mariadb_result *result, unsigned int column)
{
	struct mariadb_cell *cell = &result->cells[column];
	char *grown = realloc(cell->data, cell->len);

	if (!grown)
		return -ENOMEM;
	cell->data = grown;
	cell->size = cell->len;
	bind_cell(cell, &result->binds[column], false);
	if (mysql_stmt_fetch_column(statement, &result->binds[column], column, 0) ||
	    mysql_stmt_bind_result(statement, result->binds))
		return -EIO;
	return 0;
}

int mariadb_result_next(struct mariadb *self, MYSQL_STMT *statement, struct mariadb_result *result,
			char *message)
{
	int code = result->columns ? mysql_stmt_fetch(statement) : MYSQL_NO_DATA;

	if (code == MYSQL_NO_DATA)
		return 0;
	if (code && code != MYSQL_DATA_TRUNCATED)
		return report(self, statement, message);
	for (size_t i = 0; i < result->columns; i++) {
		struct mariadb_cell *cell = &result->cells[i];
		struct value *value = &result->row[i];

		*value = (struct value){.type = cell->is_null ? VALUE_NULL : result->types[i]};
		if (value->type == VALUE_INTEGER)
			value->integer = cell->integer;
		if (value->type != VALUE_TEXT && value->type != VALUE_BYTES)
			continue;
		if (cell->len > cell->size) {
			int r = fetch_rest(statement, result, (unsigned int)i);

			if (r < 0)
				return r;
		}
		value->bytes = (struct bytes){cell->data, cell->len};
	}
	return 1;
}

void mariadb_result_end(MYSQL_STMT *statement)
{
	mysql_stmt_free_result(statement);
}

void mariadb_result_done(struct mariadb_result *result)
{
	for (size_t i = 0; i < ARRAY_SIZE(result->cells); i++)
		free(result->cells[i].data);
	*result = (struct mariadb_result){};
}

void mariadb_link_done(struct mariadb_link *link)
{
	MYSQL_STMT **many = &link->many[0][0][0];

	for (size_t i = 0; i < sizeof(link->many) / sizeof(*many); i++)
		if (many[i])
			mysql_stmt_close(many[i]);
	for (size_t i = 0; i < ARRAY_SIZE(link->texts); i++) {
		if (link->texts[i].statement)
			mysql_stmt_close(link->texts[i].statement);
		free(link->texts[i].sql);
	}
	if (link->server)
		mysql_close(link->server);
	free(link->binds);
	*link = (struct mariadb_link){};
}
