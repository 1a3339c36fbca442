/* SPDX-License-Identifier: BSD-2-Clause */
/* Statements of pruning: results are copied, since nothing else may be asked while one is read. */
#include "ingest/prune.h"
#include "common/array.h"

#include <errno.h>

#define PARAMS_MAX (PRUNE_LIST + 16)

int prune_sql(struct prune *prune, const char *sql, const struct value *params, size_t count)
{
	return prune->db->ops->statement(prune->db, sql, params, count, NULL, NULL, NULL);
}

struct number {
	int64_t value;
	bool is_there;
};

static int take_number(void *arg, const struct value *row, size_t columns)
{
	struct number *number = arg;

	(void)columns;
	number->is_there = row[0].type == VALUE_INTEGER;
	number->value = row[0].integer;
	return 0;
}

int prune_number(struct prune *prune, const char *sql, const struct value *params, size_t count,
		 int64_t *ret)
{
	struct number number = {};
	int r = prune->db->ops->statement(prune->db, sql, params, count, take_number, &number,
					  NULL);

	if (r < 0)
		return r;
	if (!number.is_there)
		return -ENOENT;
	*ret = number.value;
	return 0;
}

static int copy_value(const struct value *from, struct value *to)
{
	char *data;

	*to = *from;
	if (from->type != VALUE_TEXT && from->type != VALUE_BYTES)
		return 0;
	data = malloc(from->bytes.len + 1);
	to->bytes.data = data;
	if (!data) {
		*to = value_null();
		return -ENOMEM;
	}
	if (from->bytes.len)
		memcpy(data, from->bytes.data, from->bytes.len);
	data[from->bytes.len] = '\0'; /* a text can be read as a string */
	return 0;
}

static int take_row(void *arg, const struct value *row, size_t columns)
{
	struct prune_rows *rows = arg;
	struct value *values =
		array_grow(rows->values, rows->count, &rows->size, columns * sizeof(*values));
	int r = 0;

	if (!values)
		return -ENOMEM;
	rows->values = values;
	rows->columns = columns;
	for (size_t i = 0; i < columns; i++) {
		struct value *to = &rows->values[rows->count * columns + i];
		int copied = copy_value(&row[i], to);

		r = r < 0 ? r : copied;
	}
	rows->count++;
	return r;
}

int prune_rows_get(struct prune *prune, const char *sql, const struct value *params, size_t count,
		   struct prune_rows *ret)
{
	struct prune_rows rows = {};
	int r = prune->db->ops->statement(prune->db, sql, params, count, take_row, &rows, NULL);

	if (r < 0)
		prune_rows_done(&rows);
	else
		*ret = rows;
	return r;
}

void prune_rows_done(struct prune_rows *rows)
{
	for (size_t i = 0; i < rows->count * rows->columns; i++)
		if (rows->values[i].type == VALUE_TEXT || rows->values[i].type == VALUE_BYTES)
			free((char *)rows->values[i].bytes.data);
	free(rows->values);
	*rows = (struct prune_rows){};
}

int prune_each_list(struct prune *prune, const char *sql, const struct value *first,
		    size_t first_count, const struct value *list, size_t count,
		    uint64_t *ret_changed)
{
	struct value params[PARAMS_MAX];
	uint64_t sum = 0;

	if (first_count)
		memcpy(params, first, first_count * sizeof(*params));
	for (size_t done = 0; done < count; done += PRUNE_LIST) {
		uint64_t changed = 0;
		int r;

		/* the last list is filled up with its last member */
		for (size_t i = 0; i < PRUNE_LIST; i++)
			params[first_count + i] = list[MIN(done + i, count - 1)];
		r = prune->db->ops->statement(prune->db, sql, params, first_count + PRUNE_LIST,
					      NULL, NULL, &changed);
		if (r < 0)
			return r;
		sum += changed;
	}
	if (ret_changed)
		*ret_changed = sum;
	return 0;
}

int prune_state_get(struct prune *prune, const char *name, int64_t *ret)
{
	const struct value key = value_text(bytes_of(name));

	return prune_number(prune, "SELECT value FROM prune_state WHERE name = ?", &key, 1, ret);
}

int prune_state_set(struct prune *prune, const char *name, int64_t value)
{
	const struct value row[] = {value_text(bytes_of(name)), value_integer(value)};

	return prune->db->ops->insert(prune->db, &mapping_prune_state, INSERT_REPLACE, row, NULL,
				      NULL);
}
