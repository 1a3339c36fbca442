/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What can't be loaded is kept with its file, line and reason, once, however often it is imported,
 * and until it can be. What an import may put there is bounded.
 */
#include "ingest/xalt_import.h"
#include "common/text.h"

#include <errno.h>
#include <time.h>

#define OF_LINE "FROM quarantine WHERE file = ? AND line = ? AND spool_file IS NULL"

static int take_existence(void *arg, const struct value *row, size_t columns)
{
	(void)row;
	(void)columns;
	*(bool *)arg = true;
	return 0;
}

int xalt_quarantine_begin(struct xalt_import *import)
{
	struct backend *db = import->loader->db;

	return db->ops->statement(db, "SELECT id FROM quarantine WHERE spool_file IS NULL LIMIT 1",
				  NULL, 0, take_existence, &import->has_quarantine, NULL);
}

/* Both are texts in the database: what is not UTF-8 of a name is U+FFFD. */
static char *make_key(const struct xalt_item *item, struct value key[2])
{
	char *path = text_to_utf8(bytes_of(item->path));

	if (path) {
		key[0] = value_text(bytes_of(path));
		key[1] = value_integer((int64_t)item->line);
	}
	return path;
}

int xalt_quarantine_forget(struct xalt_import *import, const struct xalt_item *item)
{
	struct backend *db = import->loader->db;
	_cleanup_free_ char *path = NULL;
	struct value key[2];

	if (!import->has_quarantine)
		return 0;
	path = make_key(item, key);
	if (!path)
		return -ENOMEM;
	return db->ops->statement(db, "DELETE " OF_LINE, key, 2, NULL, NULL, NULL);
}

struct same {
	const struct problem *problem;
	uint64_t size;
	bool is_there, is_same;
};

static int compare(void *arg, const struct value *row, size_t columns)
{
	struct same *same = arg;
	const char *reason = same->problem->reason;

	(void)columns;
	same->is_there = true;
	same->is_same = row[0].bytes.len == strlen(reason) &&
			!memcmp(row[0].bytes.data, reason, row[0].bytes.len) &&
			row[1].integer == (int64_t)same->size;
	return 0;
}

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int put(struct xalt_import *import, const struct xalt_item *item,
	       const struct problem *problem, const struct value key[2])
{
	struct backend *db = import->loader->db;
	struct value row[QUARANTINE_COLUMNS] = {};
	bool is_kept = item->text && import->quarantine_bytes + item->len <= XALT_QUARANTINE_BYTES;

	if (import->quarantine_rows == XALT_QUARANTINE_MAX)
		return 0;
	import->quarantine_rows++;
	if (is_kept)
		import->quarantine_bytes += item->len;
	row[QUARANTINE_FILE] = key[0];
	row[QUARANTINE_LINE] = key[1];
	row[QUARANTINE_FIELD] =
		*problem->field ? value_text(bytes_of(problem->field)) : value_null();
	row[QUARANTINE_REASON] = value_text(bytes_of(problem->reason));
	row[QUARANTINE_SIZE] = value_integer((int64_t)item->size);
	row[QUARANTINE_TEXT] = is_kept ? value_bytes(item->text, item->len) : value_null();
	row[QUARANTINE_TIME] = value_integer(now_us());
	return db->ops->insert(db, &mapping_quarantine, INSERT_KEEP, row, NULL, NULL);
}

int xalt_quarantine_put(struct xalt_import *import, const struct xalt_item *item,
			const struct problem *problem)
{
	_cleanup_free_ char *field = text_to_utf8(bytes_of(problem->field));
	_cleanup_free_ char *reason = text_to_utf8(bytes_of(problem->reason));
	struct same same = {.size = item->size};
	struct backend *db = import->loader->db;
	_cleanup_free_ char *path = NULL;
	struct problem safe;
	struct value key[2];
	int r;

	import->batch.quarantined++;
	path = make_key(item, key);
	if (!path || !field || !reason)
		return -ENOMEM;
	snprintf(safe.field, sizeof(safe.field), "%s", field);
	snprintf(safe.reason, sizeof(safe.reason), "%s", reason);
	same.problem = &safe;
	r = db->ops->statement(db, "SELECT reason, size " OF_LINE, key, 2, compare, &same, NULL);
	if (r < 0 || same.is_same)
		return r;
	if (same.is_there)
		r = db->ops->statement(db, "DELETE " OF_LINE, key, 2, NULL, NULL, NULL);
	return r < 0 ? r : put(import, item, &safe, key);
}
