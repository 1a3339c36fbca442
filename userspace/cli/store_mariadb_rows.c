/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Statements and rows of MariaDB and MySQL, by prepared statements: values go over as they are,
 * never as SQL. A statement is prepared at its first use, for many are not used in a session and
 * each takes a round trip.
 *
 * A server sends an answer as a whole before it takes the next statement. So that statements can be
 * stepped side by side, an answer is held here until it was read, unless it is streamed.
 */
#include "cli/store_mariadb.h"
#include <errno.h>
#include <inttypes.h>

#define CELL_FIRST 256 /* bytes; grows */

/* A column of the row that was fetched last. */
struct cell {
	bool is_number;
	my_bool is_null, is_cut;
	unsigned long len;
	int64_t number;
	char *data;
	size_t size;
};

struct parameter {
	int64_t number;
	unsigned long len;
};

struct statement {
	struct connection *connection;
	char *sql;
	MYSQL_STMT *handle; /* NULL: not prepared yet */
	MYSQL_BIND *binds;  /* of parameters */
	struct parameter *parameters;
	size_t parameter_count;
	MYSQL_BIND *columns;
	struct cell *cells;
	size_t column_count;
	bool is_streamed;
	enum { STATE_RESET, STATE_RUNNING, STATE_DONE } state;
};

static int fail(struct statement *statement)
{
	return mariadb_fail(statement->connection, mysql_stmt_errno(statement->handle),
			    mysql_stmt_error(statement->handle));
}

int mariadb_prepare(void *connection, const char *sql, void **ret)
{
	struct statement *statement = calloc(1, sizeof(*statement));

	if (!statement)
		return -ENOMEM;
	statement->connection = connection;
	statement->sql = strdup(sql);
	if (!statement->sql) {
		free(statement);
		return -ENOMEM;
	}
	*ret = statement;
	return 0;
}

void mariadb_finalize(void *opaque)
{
	struct statement *statement = opaque;

	if (statement->handle)
		mysql_stmt_close(statement->handle);
	for (size_t i = 0; i < statement->column_count; i++)
		free(statement->cells[i].data);
	free(statement->cells);
	free(statement->columns);
	free(statement->binds);
	free(statement->parameters);
	free(statement->sql);
	free(statement);
}

static bool is_number(enum enum_field_types type)
{
	switch (type) {
	case MYSQL_TYPE_TINY:
	case MYSQL_TYPE_SHORT:
	case MYSQL_TYPE_INT24:
	case MYSQL_TYPE_LONG:
	case MYSQL_TYPE_LONGLONG:
	case MYSQL_TYPE_YEAR:
	case MYSQL_TYPE_FLOAT:
	case MYSQL_TYPE_DOUBLE:
	case MYSQL_TYPE_DECIMAL:
	case MYSQL_TYPE_NEWDECIMAL: /* what sum() gives */
		return true;
	default:
		return false;
	}
}

/* Where the library puts a column's value. Numbers above INT64_MAX keep their bits. */
static void describe_cell(MYSQL_BIND *column, struct cell *cell, const MYSQL_FIELD *field)
{
	cell->is_number = field ? is_number(field->type) : cell->is_number;
	column->is_null = &cell->is_null;
	column->error = &cell->is_cut;
	column->length = &cell->len;
	if (cell->is_number) {
		column->buffer_type = MYSQL_TYPE_LONGLONG;
		column->buffer = &cell->number;
		column->buffer_length = sizeof(cell->number);
		column->is_unsigned = field && (field->flags & UNSIGNED_FLAG);
	} else {
		column->buffer_type = MYSQL_TYPE_BLOB;
		column->buffer = cell->data;
		column->buffer_length = cell->size;
	}
}

static int make_cells(struct statement *statement)
{
	MYSQL_RES *fields = mysql_stmt_result_metadata(statement->handle);
	size_t count = fields ? mysql_num_fields(fields) : 0;
	int r = 0;

	statement->columns = calloc(count + 1, sizeof(*statement->columns));
	statement->cells = calloc(count + 1, sizeof(*statement->cells));
	if (!statement->columns || !statement->cells)
		r = -ENOMEM;
	for (size_t i = 0; r >= 0 && i < count; i++) {
		struct cell *cell = &statement->cells[i];

		statement->column_count++;
		cell->size = CELL_FIRST;
		cell->data = malloc(cell->size);
		if (!cell->data)
			r = -ENOMEM;
		else
			describe_cell(&statement->columns[i], cell,
				      mysql_fetch_field_direct(fields, (unsigned int)i));
	}
	if (fields)
		mysql_free_result(fields);
	return r;
}

static void set_null(struct statement *statement)
{
	for (size_t i = 0; i < statement->parameter_count; i++)
		statement->binds[i] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_NULL};
}

/* At the first use. One that failed is closed: the next use tries again. */
static int prepare(struct statement *statement)
{
	int r = 0;

	if (statement->handle)
		return 0;
	statement->handle = mysql_stmt_init(statement->connection->server);
	if (!statement->handle)
		return -ENOMEM;
	if (mysql_stmt_prepare(statement->handle, statement->sql, strlen(statement->sql))) {
		r = fail(statement);
	} else {
		statement->parameter_count = mysql_stmt_param_count(statement->handle);
		statement->binds = calloc(statement->parameter_count + 1, sizeof(MYSQL_BIND));
		statement->parameters =
			calloc(statement->parameter_count + 1, sizeof(*statement->parameters));
		r = statement->binds && statement->parameters ? make_cells(statement) : -ENOMEM;
	}
	if (r >= 0) {
		set_null(statement);
		return 0;
	}
	mysql_stmt_close(statement->handle);
	statement->handle = NULL;
	statement->parameter_count = 0;
	return r;
}

int mariadb_reset(void *opaque)
{
	struct statement *statement = opaque;

	if (statement->state != STATE_RESET)
		mysql_stmt_free_result(statement->handle);
	statement->state = STATE_RESET;
	statement->is_streamed = false;
	set_null(statement);
	return 0;
}

void mariadb_stream(void *opaque)
{
	((struct statement *)opaque)->is_streamed = true;
}

/* The parameter of that number, from 1, to be filled in. */
static int find_parameter(struct statement *statement, int index, MYSQL_BIND **ret_bind,
			  struct parameter **ret)
{
	int r = prepare(statement);

	if (r < 0)
		return r;
	if (index < 1 || (size_t)index > statement->parameter_count)
		return -EINVAL;
	*ret_bind = &statement->binds[index - 1];
	*ret = &statement->parameters[index - 1];
	return 0;
}

int mariadb_bind_int(void *opaque, int index, int64_t value)
{
	struct parameter *parameter;
	MYSQL_BIND *bind;
	int r = find_parameter(opaque, index, &bind, &parameter);

	if (r < 0)
		return r;
	parameter->number = value;
	*bind = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_LONGLONG, .buffer = &parameter->number};
	return 0;
}

static int bind_bytes(struct statement *statement, int index, enum enum_field_types type,
		      struct bytes value)
{
	struct parameter *parameter;
	MYSQL_BIND *bind;
	int r = find_parameter(statement, index, &bind, &parameter);

	if (r < 0)
		return r;
	parameter->len = value.len;
	*bind = (MYSQL_BIND){.buffer_type = type,
			     .buffer = (void *)(value.len ? value.data : ""),
			     .buffer_length = value.len,
			     .length = &parameter->len};
	return 0;
}

int mariadb_bind_text(void *statement, int index, struct bytes value)
{
	return bind_bytes(statement, index, MYSQL_TYPE_STRING, value);
}

int mariadb_bind_blob(void *statement, int index, struct bytes value)
{
	return bind_bytes(statement, index, MYSQL_TYPE_BLOB, value);
}

static int execute(struct statement *statement)
{
	MYSQL_STMT *handle;
	int r = prepare(statement);

	if (r < 0)
		return r;
	handle = statement->handle;
	if ((statement->parameter_count && mysql_stmt_bind_param(handle, statement->binds)) ||
	    mysql_stmt_execute(handle) || mysql_stmt_bind_result(handle, statement->columns) ||
	    (!statement->is_streamed && mysql_stmt_store_result(handle)))
		return fail(statement);
	statement->state = STATE_RUNNING;
	return 0;
}

/* What did not fit, again, into more room. A number that does not fit is none of ours. */
static int refetch(struct statement *statement)
{
	bool has_grown = false;

	for (size_t i = 0; i < statement->column_count; i++) {
		struct cell *cell = &statement->cells[i];
		char *data;

		if (cell->is_null || !cell->is_cut)
			continue;
		if (cell->is_number)
			return mariadb_fail(statement->connection, 0,
					    "a number in it is out of range");
		if (cell->len <= cell->size)
			continue;
		data = realloc(cell->data, cell->len);
		if (!data)
			return -ENOMEM;
		cell->data = data;
		cell->size = cell->len;
		describe_cell(&statement->columns[i], cell, NULL);
		if (mysql_stmt_fetch_column(statement->handle, &statement->columns[i],
					    (unsigned int)i, 0))
			return fail(statement);
		has_grown = true;
	}
	if (has_grown && mysql_stmt_bind_result(statement->handle, statement->columns))
		return fail(statement);
	return 0;
}

int mariadb_step(void *opaque)
{
	struct statement *statement = opaque;
	int r = 0;

	if (statement->state == STATE_RESET)
		r = execute(statement);
	if (r < 0 || statement->state == STATE_DONE)
		return r;
	switch (mysql_stmt_fetch(statement->handle)) {
	case 0:
		return 1;
	case MYSQL_DATA_TRUNCATED:
		r = refetch(statement);
		return r < 0 ? r : 1;
	case MYSQL_NO_DATA:
		statement->state = STATE_DONE;
		return 0;
	default:
		return fail(statement);
	}
}

bool mariadb_is_null(void *opaque, int column)
{
	return ((struct statement *)opaque)->cells[column].is_null;
}

int64_t mariadb_get_int(void *opaque, int column)
{
	const struct cell *cell = &((struct statement *)opaque)->cells[column];
	char digits[24] = "";

	if (cell->is_null)
		return 0;
	if (cell->is_number)
		return cell->number;
	memcpy(digits, cell->data, MIN(cell->len, sizeof(digits) - 1));
	return strtoll(digits, NULL, 10);
}

struct bytes mariadb_get_bytes(void *opaque, int column)
{
	const struct cell *cell = &((struct statement *)opaque)->cells[column];

	if (cell->is_null)
		return (struct bytes){"", 0};
	if (cell->is_number)
		return (struct bytes){cell->data,
				      (size_t)sprintf(cell->data, "%" PRId64, cell->number)};
	return (struct bytes){cell->data, cell->len};
}
