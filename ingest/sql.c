/* SPDX-License-Identifier: BSD-2-Clause */
#include "ingest/sql.h"

/* A stream to a text that the caller gets. */
struct builder {
	FILE *out;
	char *text;
	size_t len;
};

static bool builder_open(struct builder *b)
{
	*b = (struct builder){};
	b->out = open_memstream(&b->text, &b->len);
	return b->out;
}

static char *builder_text(struct builder *b)
{
	bool is_whole = !ferror(b->out);

	if (fclose(b->out) || !is_whole) {
		free(b->text);
		return NULL;
	}
	return b->text;
}

/* Each of the columns' names, with separator in between. Quoted, for some are words of SQL. */
static void put_columns(FILE *out, const struct table *table, size_t first, size_t count,
			const char *separator, const char *behind)
{
	for (size_t i = first; i < first + count; i++)
		fprintf(out, "%s\"%s\"%s", i == first ? "" : separator, table->columns[i].name,
			behind);
}

char *sql_find(const struct table *table)
{
	struct builder b;

	if (!builder_open(&b))
		return NULL;
	fprintf(b.out, "SELECT id FROM %s WHERE ", table->name);
	put_columns(b.out, table, 0, table->key_count, " AND ", " = ?");
	return builder_text(&b);
}

char *sql_insert(const struct table *table)
{
	struct builder b;

	if (!builder_open(&b))
		return NULL;
	fprintf(b.out, "INSERT INTO %s (", table->name);
	put_columns(b.out, table, 0, table->count, ", ", "");
	fputs(") VALUES (", b.out);
	for (size_t i = 0; i < table->count; i++)
		fputs(i ? ", ?" : "?", b.out);
	fputs(")", b.out);
	return builder_text(&b);
}

char *sql_get(const struct table *table)
{
	struct builder b;

	if (!builder_open(&b))
		return NULL;
	fputs("SELECT ", b.out);
	put_columns(b.out, table, 0, table->count, ", ", "");
	fprintf(b.out, " FROM %s WHERE id = ?", table->name);
	return builder_text(&b);
}

char *sql_each(const struct table *table)
{
	struct builder b;

	if (!builder_open(&b))
		return NULL;
	fputs("SELECT id, ", b.out);
	put_columns(b.out, table, 0, table->count, ", ", "");
	fprintf(b.out, " FROM %s ORDER BY id", table->name);
	return builder_text(&b);
}

char *sql_update(const struct table *table, size_t first, size_t count)
{
	struct builder b;

	if (!builder_open(&b))
		return NULL;
	fprintf(b.out, "UPDATE %s SET ", table->name);
	put_columns(b.out, table, first, count, ", ", " = ?");
	fputs(" WHERE id = ?", b.out);
	return builder_text(&b);
}

char *sql_erase(const struct table *table, size_t column)
{
	struct builder b;

	if (!builder_open(&b))
		return NULL;
	fprintf(b.out, "DELETE FROM %s WHERE \"%s\" = ?", table->name, table->columns[column].name);
	return builder_text(&b);
}
