/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows are read without a transaction, some at a time; those that differ are kept until they are
 * enough for one. A row is changed only if it still has the path for which the names were found: it
 * may have been pruned in between, and its number given away again.
 *
 * What a pseudonym stands in front of has names that nothing in the path tells any more: it is left
 * alone.
 */
#include "ingest/names_refresh.h"

#include <errno.h>
#include <time.h>

#define BATCH	   1024
#define BATCH_TEXT "1024"
#define ATTEMPTS   7
#define PAUSE_MS   20	/* as long as a waiting loader sleeps: each gets its turn */
#define PSEUDONYM  "/~" /* the beginning of a path that was pseudonymised */

static const char READ[] = "SELECT id, path, software, module FROM path WHERE id > ? "
			   "ORDER BY id LIMIT " BATCH_TEXT;
static const char WRITE[] = "UPDATE path SET software = ?, module = ? WHERE id = ? AND path = ?";

enum { COLUMN_ID, COLUMN_PATH, COLUMN_SOFTWARE, COLUMN_MODULE };

struct change {
	int64_t id;
	size_t path_len, software_len, module_len;
	bool has_software, has_module;
	char text[]; /* of all three, one after the other */
};

struct batch {
	const struct site_names *names;
	struct names_totals *totals;
	struct change *changes[2 * BATCH];
	size_t rows, count; /* read in one go; of changes */
	int64_t last;	    /* id */
};

static void clear(struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		free(batch->changes[i]);
	batch->count = 0;
}

static bool is_same(const struct value *value, struct bytes name)
{
	if (value->type == VALUE_NULL || !name.data)
		return value->type == VALUE_NULL && !name.data;
	return value->bytes.len == name.len && !memcmp(value->bytes.data, name.data, name.len);
}

static int add_change(struct batch *batch, int64_t id, struct bytes path,
		      const struct path_names *found)
{
	struct change *change =
		malloc(sizeof(*change) + path.len + found->software.len + found->module.len);
	char *to;

	if (!change)
		return -ENOMEM;
	*change = (struct change){.id = id,
				  .path_len = path.len,
				  .software_len = found->software.len,
				  .module_len = found->module.len,
				  .has_software = found->software.data,
				  .has_module = found->module.data};
	to = mempcpy(change->text, path.data ?: "", path.len);
	to = mempcpy(to, found->software.data ?: "", found->software.len);
	memcpy(to, found->module.data ?: "", found->module.len);
	batch->changes[batch->count++] = change;
	return 0;
}

static int take_row(void *arg, const struct value *row, size_t columns)
{
	struct batch *batch = arg;
	struct bytes path = row[COLUMN_PATH].bytes;
	struct path_names found;

	(void)columns;
	batch->last = row[COLUMN_ID].integer;
	batch->rows++;
	batch->totals->paths++;
	if (path.len >= strlen(PSEUDONYM) && !memcmp(path.data, PSEUDONYM, strlen(PSEUDONYM))) {
		batch->totals->software += row[COLUMN_SOFTWARE].type != VALUE_NULL;
		batch->totals->module += row[COLUMN_MODULE].type != VALUE_NULL;
		return 0;
	}
	site_names_of(batch->names, path, &found);
	batch->totals->software += found.software.data != NULL;
	batch->totals->module += found.module.data != NULL;
	if (is_same(&row[COLUMN_SOFTWARE], found.software) &&
	    is_same(&row[COLUMN_MODULE], found.module))
		return 0;
	return add_change(batch, row[COLUMN_ID].integer, path, &found);
}

static int write_all(struct backend *db, const struct batch *batch, uint64_t *ret_changed)
{
	uint64_t sum = 0, changed;

	for (size_t i = 0; i < batch->count; i++) {
		const struct change *change = batch->changes[i];
		const char *software = change->text + change->path_len;
		const char *module = software + change->software_len;
		const struct value params[] = {
			change->has_software
				? value_text((struct bytes){software, change->software_len})
				: value_null(),
			change->has_module ? value_text((struct bytes){module, change->module_len})
					   : value_null(),
			value_integer(change->id),
			value_bytes(change->text, change->path_len),
		};
		int r = db->ops->statement(db, WRITE, params, ARRAY_SIZE(params), NULL, NULL,
					   &changed);

		if (r < 0)
			return r;
		sum += changed;
	}
	*ret_changed = sum;
	return 0;
}

static void wait_ms(long ms)
{
	const struct timespec step = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * (long)NS_PER_MS};

	nanosleep(&step, NULL);
}

static int write_batch(struct backend *db, struct batch *batch, const volatile sig_atomic_t *stop)
{
	uint64_t changed = 0;
	int r = 0;

	for (int attempt = 0; attempt <= ATTEMPTS && !*stop; attempt++) {
		r = db->ops->begin(db);
		if (r == 0) {
			r = write_all(db, batch, &changed);
			if (r == 0)
				r = db->ops->commit(db);
			if (r < 0)
				db->ops->rollback(db);
		}
		if (r != -EAGAIN)
			break;
		wait_ms(PAUSE_MS * (attempt + 1));
	}
	if (r < 0)
		return r;
	if (*stop)
		return -EINTR;
	batch->totals->changed += changed;
	clear(batch);
	wait_ms(PAUSE_MS);
	return 0;
}

int names_refresh(struct backend *db, const struct site_names *names,
		  const volatile sig_atomic_t *stop, struct names_totals *totals)
{
	struct batch batch = {.names = names, .totals = totals, .last = INT64_MIN};
	int r;

	do {
		struct value after = value_integer(batch.last);

		batch.rows = 0;
		r = *stop ? -EINTR
			  : db->ops->statement(db, READ, &after, 1, take_row, &batch, NULL);
		if (r == 0 && (batch.count >= BATCH || (batch.count && batch.rows < BATCH)))
			r = write_batch(db, &batch, stop);
	} while (r == 0 && batch.rows == BATCH);
	clear(&batch);
	return r;
}
