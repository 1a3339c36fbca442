/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A batch into the database. Which of its records are there is asked once for all; what is to be
 * done with each follows from that and from the records before it in the batch, as if they had been
 * put in one after another. Should somebody else put one in meanwhile, the server says so, and the
 * transaction is begun again.
 */
#include "ingest/mariadb.h"

#include <errno.h>
#include <xxhash.h>

#define KEY_SIZE 16		     /* bytes of a record's key */
#define SLOTS	 (4 * BATCH_RECORDS) /* a power of two */
#define ABSENT	 -1

/* What is known of a key. */
struct slot {
	char key[KEY_SIZE];
	bool is_used, is_there; /* there: before this batch */
	int64_t state;		/* ABSENT, or run.state */
	struct batch_row *row;	/* of this batch, which is put in for it */
};

struct known {
	struct slot slots[SLOTS];
};

static struct slot *find_slot(struct known *known, const char *key)
{
	size_t i = XXH3_64bits(key, KEY_SIZE) % SLOTS;

	while (known->slots[i].is_used && memcmp(known->slots[i].key, key, KEY_SIZE) != 0)
		i = (i + 1) % SLOTS;
	if (!known->slots[i].is_used) {
		memcpy(known->slots[i].key, key, KEY_SIZE);
		known->slots[i].is_used = true;
		known->slots[i].state = ABSENT;
	}
	return &known->slots[i];
}

/* A statement over count keys: the last is repeated until there are as many as it takes. */
static int execute_keys(struct mariadb *self, const struct table *table, enum mariadb_many kind,
			const struct value **keys, size_t count, MYSQL_STMT **ret, char *message)
{
	unsigned int log = 0;
	int r;

	while ((1U << log) < count)
		log++;
	for (size_t i = count; i < 1U << log; i++)
		keys[i] = keys[count - 1];
	r = mariadb_link_prepare_many(self, &self->first, table, kind, log, ret, message);
	if (r < 0)
		return r;
	return mariadb_link_execute(self, &self->first, *ret, keys, 1U << log, 1, message);
}

static int take_states(struct mariadb *self, MYSQL_STMT *statement, struct known *known,
		       char *message)
{
	struct mariadb_result *found = &self->found;
	int r = mariadb_result_begin(self, statement, found, message);

	while (r == 0 && (r = mariadb_result_next(self, statement, found, message)) > 0) {
		struct slot *slot;

		if (found->row[0].bytes.len != KEY_SIZE)
			continue;
		slot = find_slot(known, found->row[0].bytes.data);
		slot->is_there = true;
		slot->state = found->row[1].integer;
		r = 0;
	}
	mariadb_result_end(statement);
	return r;
}

/* Which of the table's records are in the database. */
static int ask_states(struct mariadb *self, struct batch *batch, const struct table *table,
		      struct known *known, char *message)
{
	const struct value *keys[MARIADB_ROWS_MAX];
	size_t count = 0;

	for (size_t i = 0; i <= batch->row_count; i++) {
		const struct batch_row *row = &batch->rows[i];
		MYSQL_STMT *statement;
		int r;

		if (i < batch->row_count && row->mode == BATCH_RECORD && row->table == table)
			keys[count++] = batch_values(batch, row);
		if (!count || (i < batch->row_count && count < MARIADB_ROWS_MAX))
			continue;
		r = execute_keys(self, table, MANY_STATE, keys, count, &statement, message);
		if (r == 0)
			r = take_states(self, statement, known, message);
		if (r < 0)
			return r;
		count = 0;
	}
	return 0;
}

static bool is_accepted(enum insert_mode mode, int64_t state)
{
	switch (mode) {
	case INSERT_REPLACE:
		return true;
	case INSERT_COMPLETE:
		return state == ABSENT || state == 0;
	default:
		return state == ABSENT;
	}
}

/* Decides on each record of the table. ret_old: keys of rows whose place others take. */
static void decide(struct batch *batch, const struct table *table, struct known *known,
		   const struct value **ret_old, size_t *ret_count)
{
	for (size_t i = 0; i < batch->row_count; i++) {
		struct batch_row *row = &batch->rows[i];
		struct batch_entry *record = &batch->records[row->record];
		const struct value *values = batch_values(batch, row);
		struct slot *slot;

		if (row->mode != BATCH_RECORD || row->table != table)
			continue;
		slot = find_slot(known, values[0].bytes.data);
		record->is_changed = row->is_put = is_accepted(record->mode, slot->state);
		if (!row->is_put)
			continue;
		if (slot->is_there)
			ret_old[(*ret_count)++] = values;
		slot->is_there = false;
		if (slot->row)
			slot->row->is_put = false;
		slot->row = row;
		slot->state = table->number == TABLE_RUN ? values[1].integer : 1;
	}
}

static int remove_old(struct mariadb *self, const struct table *table, const struct value **old,
		      size_t count, char *message)
{
	for (size_t i = 0; i < count; i += MARIADB_ROWS_MAX) {
		const struct value *keys[MARIADB_ROWS_MAX];
		size_t some = MIN(count - i, (size_t)MARIADB_ROWS_MAX);
		MYSQL_STMT *statement;
		int r;

		memcpy(keys, old + i, some * sizeof(*keys));
		r = execute_keys(self, table, MANY_DELETE, keys, some, &statement, message);
		if (r < 0)
			return r;
	}
	return 0;
}

static int decide_table(struct mariadb *self, struct batch *batch, const struct table *table,
			char *message)
{
	const struct value *old[BATCH_RECORDS];
	_cleanup_free_ struct known *known = calloc(1, sizeof(*known));
	size_t count = 0;
	int r;

	if (!known)
		return -ENOMEM;
	r = ask_states(self, batch, table, known, message);
	if (r < 0)
		return r;
	decide(batch, table, known, old, &count);
	return remove_old(self, table, old, count, message);
}

/* What is part of a record goes in with it. */
static void decide_parts(struct batch *batch)
{
	for (size_t i = 0; i < batch->row_count; i++)
		if (batch->rows[i].mode == BATCH_PART)
			batch->rows[i].is_put = batch->records[batch->rows[i].record].is_changed;
}

static int put(struct mariadb *self, const struct table *table, enum mariadb_many kind,
	       const struct value *const *rows, size_t count, char *message)
{
	while (count) {
		unsigned int log = MARIADB_ROWS_LOG;
		MYSQL_STMT *statement;
		int r;

		while ((1U << log) > count)
			log--;
		r = mariadb_link_prepare_many(self, &self->first, table, kind, log, &statement,
					      message);
		if (r == 0)
			r = mariadb_link_execute(self, &self->first, statement, rows, 1U << log,
						 table->count, message);
		if (r < 0)
			return r;
		rows += 1U << log;
		count -= 1U << log;
	}
	return 0;
}

static int put_table(struct mariadb *self, struct batch *batch, const struct table *table,
		     enum batch_mode mode, char *message)
{
	static const enum mariadb_many kinds[] = {
		[BATCH_RECORD] = MANY_INSERT,
		[BATCH_PART] = MANY_REPLACE,
		[BATCH_KEEP] = MANY_KEEP,
	};
	const struct value *rows[BATCH_ROWS];
	enum mariadb_many kind = table->key_count ? kinds[mode] : MANY_INSERT;
	size_t count = 0;

	for (size_t i = 0; i < batch->row_count; i++) {
		const struct batch_row *row = &batch->rows[i];

		if (row->table == table && row->mode == mode && row->is_put)
			rows[count++] = batch_values(batch, row);
	}
	return put(self, table, kind, rows, count, message);
}

static bool has_records(const struct batch *batch, const struct table *table)
{
	for (size_t i = 0; i < batch->row_count; i++)
		if (batch->rows[i].table == table && batch->rows[i].mode == BATCH_RECORD)
			return true;
	return false;
}

int mariadb_write(struct mariadb *self, struct batch *batch, char *message)
{
	int r = 0;

	batch_fix(batch);
	for (size_t t = 0; r == 0 && t < TABLE_COUNT; t++)
		if (batch->pending[t] && has_records(batch, mapping_tables[t]))
			r = decide_table(self, batch, mapping_tables[t], message);
	decide_parts(batch);
	for (size_t t = 0; r == 0 && t < TABLE_COUNT; t++)
		for (int mode = 0; r == 0 && batch->pending[t] && mode <= BATCH_KEEP; mode++)
			r = put_table(self, batch, mapping_tables[t], (enum batch_mode)mode,
				      message);
	return r;
}
