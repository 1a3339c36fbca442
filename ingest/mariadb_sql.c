/* SPDX-License-Identifier: BSD-2-Clause */
#include "ingest/mariadb_sql.h"
#include "ingest/sql.h"

static const char *const heads[MANY_COUNT] = {
	[MANY_INSERT] = "INSERT",
	[MANY_KEEP] = "INSERT",
	[MANY_REPLACE] = "REPLACE",
};

static void put_marks(FILE *out, size_t count)
{
	for (size_t i = 0; i < count; i++)
		fputs(i ? ",?" : "?", out);
}

static void put_keys(FILE *out, const struct table *table, enum mariadb_many kind,
		     unsigned int count)
{
	const char *key = table->columns[0].name;

	if (kind == MANY_DELETE)
		fprintf(out, "DELETE FROM %s", table->name);
	else
		fprintf(out, "SELECT \"%s\", %s FROM %s", key,
			table->number == TABLE_RUN ? "state" : "1", table->name);
	fprintf(out, " WHERE \"%s\" IN (", key);
	put_marks(out, count);
	fputs(")", out);
}

static void put_rows(FILE *out, const struct table *table, enum mariadb_many kind,
		     unsigned int count)
{
	fprintf(out, "%s INTO %s (", heads[kind], table->name);
	for (size_t i = 0; i < table->count; i++)
		fprintf(out, "%s\"%s\"", i ? ", " : "", table->columns[i].name);
	fputs(") VALUES ", out);
	for (unsigned int i = 0; i < count; i++) {
		fputs(i ? ",(" : "(", out);
		put_marks(out, table->count);
		fputs(")", out);
	}
	/* Not INSERT IGNORE, which would let pass much else. */
	if (kind == MANY_KEEP)
		fprintf(out, " ON DUPLICATE KEY UPDATE \"%s\" = %s.\"%s\"", table->columns[0].name,
			table->name, table->columns[0].name);
}

char *mariadb_sql_many(const struct table *table, enum mariadb_many kind, unsigned int count)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	if (kind == MANY_STATE || kind == MANY_DELETE)
		put_keys(out, table, kind, count);
	else
		put_rows(out, table, kind, count);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

bool mariadb_sql_is_hashed(const struct table *table)
{
	return table->number == TABLE_PATH || table->number == TABLE_CGROUP;
}

char *mariadb_sql_find(const struct table *table)
{
	char *text;

	if (!mariadb_sql_is_hashed(table))
		return sql_find(table);
	if (asprintf(&text, "SELECT id FROM %s WHERE path_hash = unhex(sha2(?, 256)) AND path = ?",
		     table->name) < 0)
		return NULL;
	return text;
}

char *mariadb_sql_entity(const struct table *table)
{
	_cleanup_free_ char *insert = sql_insert(table);
	char *text;

	if (!insert ||
	    asprintf(&text, "%s ON DUPLICATE KEY UPDATE id = last_insert_id(id)", insert) < 0)
		return NULL;
	return text;
}
