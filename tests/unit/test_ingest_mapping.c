/* SPDX-License-Identifier: BSD-2-Clause */
/* The mapping agrees with the tables of the database, and every statement made from it is good SQL.
 */
#include "tests/unit/unit.h"

#include "ingest/sql.h"
#include "ingest/sqlite.h"

#include <errno.h>

static volatile sig_atomic_t stop;

static struct sqlite *open_memory(void)
{
	char message[BACKEND_MESSAGE_SIZE] = "";
	struct backend *db;
	int r = backend_open("sqlite::memory:", BACKEND_LOAD, &stop, &db, message);

	assert_string_equal(message, "");
	assert_int_equal(r, 0);
	return (struct sqlite *)db;
}

static size_t find_column(const struct table *table, const char *name)
{
	size_t i = 0;

	while (i < table->count && strcmp(table->columns[i].name, name))
		i++;
	return i;
}

/* Columns of the database's table that the mapping lacks, and the other way round. */
static void tables_have_the_mapped_columns(void **state)
{
	struct sqlite *db = open_memory();

	(void)state;
	for (size_t t = 0; t < TABLE_COUNT; t++) {
		const struct table *table = mapping_tables[t];
		size_t found = 0;
		sqlite3_stmt *columns;
		char *sql = sqlite3_mprintf("PRAGMA table_info(%s)", table->name);

		assert_int_equal(table->number, t);
		assert_int_equal(sqlite3_prepare_v2(db->db, sql, -1, &columns, NULL), SQLITE_OK);
		while (sqlite3_step(columns) == SQLITE_ROW) {
			const char *name = (const char *)sqlite3_column_text(columns, 1);

			if (table->has_id && !strcmp(name, "id"))
				continue;
			if (find_column(table, name) == table->count)
				fail_msg("%s.%s is not mapped", table->name, name);
			found++;
		}
		assert_int_equal(found, table->count);
		sqlite3_finalize(columns);
		sqlite3_free(sql);
	}
	backend_close(&db->backend);
}

static void check_sql(struct sqlite *db, char *text)
{
	sqlite3_stmt *statement = NULL;

	assert_non_null(text);
	if (sqlite3_prepare_v2(db->db, text, -1, &statement, NULL) != SQLITE_OK)
		fail_msg("%s: %s", text, sqlite3_errmsg(db->db));
	sqlite3_finalize(statement);
	free(text);
}

static void statements_are_good(void **state)
{
	struct sqlite *db = open_memory();

	(void)state;
	for (size_t t = 0; t < TABLE_COUNT; t++) {
		const struct table *table = mapping_tables[t];

		check_sql(db, sql_insert(table));
		check_sql(db, sql_erase(table, 0));
		if (!table->has_id)
			continue;
		check_sql(db, sql_get(table));
		check_sql(db, sql_each(table));
		check_sql(db, sql_update(table, 0, table->count));
		check_sql(db, sql_update(table, table->count - 1, 1));
		if (table->key_count)
			check_sql(db, sql_find(table));
	}
	backend_close(&db->backend);
}

/* A key that may be null would never be found again. */
static void keys_are_never_null(void **state)
{
	(void)state;
	for (size_t t = 0; t < TABLE_COUNT; t++) {
		const struct table *table = mapping_tables[t];

		for (size_t i = 0; i < table->key_count; i++) {
			const struct column *column = &table->columns[i];

			if (column->kind != COLUMN_CONTEXT &&
			    !(column->flags & (COLUMN_REQUIRED | COLUMN_FILL)))
				fail_msg("%s.%s", table->name, column->name);
		}
	}
}

/* The four answers of insert, and an entity that is found again. */
static void rows_are_kept_completed_or_replaced(void **state)
{
	struct sqlite *self = open_memory();
	struct backend *db = &self->backend;
	struct value count[NODE_COUNT_COLUMNS] = {value_integer(1), value_integer(2),
						  value_text(bytes_of("lost")),
						  value_text(bytes_of("ring")), value_integer(3)};
	struct value name = value_text(bytes_of("alice"));
	int64_t first, second;
	bool changed;

	(void)state;
	assert_int_equal(db->ops->find(db, mapping_tables[TABLE_USER_NAME], &name, &first),
			 -ENOENT);
	assert_int_equal(db->ops->entity(db, mapping_tables[TABLE_USER_NAME], &name, &first), 0);
	assert_int_equal(db->ops->entity(db, mapping_tables[TABLE_USER_NAME], &name, &second), 0);
	assert_int_equal(first, second);
	assert_int_equal(
		db->ops->insert(db, &mapping_node_count, INSERT_KEEP, count, &changed, NULL), 0);
	assert_true(changed);
	count[NODE_COUNT_VALUE] = value_integer(5);
	assert_int_equal(
		db->ops->insert(db, &mapping_node_count, INSERT_KEEP, count, &changed, NULL), 0);
	assert_false(changed);
	assert_int_equal(
		db->ops->insert(db, &mapping_node_count, INSERT_REPLACE, count, &changed, NULL), 0);
	assert_true(changed);
	count[NODE_COUNT_VALUE] = value_null();
	assert_int_equal(
		db->ops->insert(db, &mapping_node_count, INSERT_REPLACE, count, &changed, NULL),
		-EINVAL);
	assert_string_not_equal(db->message, "");
	backend_close(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_have_the_mapped_columns),
		cmocka_unit_test(statements_are_good),
		cmocka_unit_test(keys_are_never_null),
		cmocka_unit_test(rows_are_kept_completed_or_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
