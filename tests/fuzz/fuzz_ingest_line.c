/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A line of a spool file becomes rows. The database is a stand-in that checks what it is given:
 * values that are within their bounds, keys without nulls, ids that it gave out.
 */
#include "ingest/arena.h"
#include "ingest/file.h"
#include "ingest/sets.h"

#include <errno.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int64_t next_id;
static uint64_t quarantined;

static void check(bool is_right)
{
	if (!is_right)
		abort();
}

/* Reads every byte, for the sanitizer, and looks at what the mapping promises. */
static void check_row(const struct table *table, const struct value *row, size_t count)
{
	static volatile uint8_t sum;

	for (size_t i = 0; i < count; i++) {
		const struct column *column = &table->columns[i];

		for (size_t k = 0; k < row[i].bytes.len; k++)
			sum = (uint8_t)(sum + (uint8_t)row[i].bytes.data[k]);
		if (row[i].type == VALUE_TEXT)
			check(!row[i].bytes.data[row[i].bytes.len]);
		if (column->kind == COLUMN_CONTEXT)
			continue;
		if (i < table->key_count || (column->flags & (COLUMN_REQUIRED | COLUMN_FILL)))
			check(row[i].type != VALUE_NULL);
		if (column->max && column->kind != COLUMN_NUMBER)
			check(row[i].bytes.len <= column->max);
		if (column->max && column->kind == COLUMN_NUMBER && !(column->flags & COLUMN_FILL))
			check((uint64_t)row[i].integer <= column->max);
		if (column->kind == COLUMN_ENTITY && row[i].type == VALUE_INTEGER)
			check(row[i].integer > 0 && row[i].integer <= next_id);
	}
}

static int fake_find(struct backend *db, const struct table *table, const struct value *key,
		     int64_t *ret_id)
{
	(void)db;
	(void)ret_id;
	check_row(table, key, table->key_count);
	return -ENOENT;
}

static int fake_entity(struct backend *db, const struct table *table, const struct value *row,
		       int64_t *ret_id)
{
	(void)db;
	check_row(table, row, table->count);
	*ret_id = ++next_id;
	return 0;
}

static int fake_insert(struct backend *db, const struct table *table, enum insert_mode mode,
		       const struct value *row, bool *ret_changed, int64_t *ret_id)
{
	(void)db;
	(void)mode;
	check_row(table, row, table->count);
	quarantined += table == &mapping_quarantine;
	if (ret_changed)
		*ret_changed = true;
	if (ret_id)
		*ret_id = ++next_id;
	return 0;
}

static int fake_get(struct backend *db, const struct table *table, int64_t id, struct value *row)
{
	(void)db;
	check(id <= next_id);
	for (size_t i = 0; i < table->count; i++)
		row[i] = value_null();
	return 0;
}

static int fake_update(struct backend *db, const struct table *table, int64_t id, size_t first,
		       size_t count, const struct value *values)
{
	(void)db;
	(void)values;
	check(id <= next_id && first + count <= table->count);
	return 0;
}

static const struct backend_ops fake_ops = {
	.find = fake_find,
	.entity = fake_entity,
	.insert = fake_insert,
	.get = fake_get,
	.update = fake_update,
};

static struct loader *get_loader(void)
{
	static volatile sig_atomic_t stop;
	static struct backend db = {.ops = &fake_ops};
	static struct loader loader;

	if (!loader.db)
		check(loader_init(&loader, &db, &stop) == 0);
	return &loader;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct file file;
	struct totals totals = {};
	const char *at = (const char *)data, *end = at + size;
	bool is_covered;

	memset(&file, 0, sizeof(file));
	file.loader = get_loader();
	file.totals = &totals;
	file.path = "fuzz.jsonl";
	strcpy(file.name, "fuzz.jsonl");
	file.id = ++next_id;
	quarantined = 0;
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((newline ?: end) - at);
		/* A copy of just that size: a read behind it is found. */
		_cleanup_free_ char *copy = malloc(len ?: 1);
		struct line line = {{copy, len}, len, newline};

		memcpy(copy, at, len);
		file.line++;
		check(file_take_line(&file, &line) == 0);
		at += len + (newline != NULL);
	}
	check(quarantined == totals.quarantined);
	check(file_conclude(&file, size, &is_covered) == 0);
	arena_reset();
	cache_clear(file.loader->cache);
	return 0;
}
