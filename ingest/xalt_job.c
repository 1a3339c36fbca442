/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * XALT tells account and queue with each run; here they belong to the job, and the resource manager
 * knows better. So they make a row of accounting without a time of submission, of a job of which
 * nothing is known, and what sacct says later takes its place (accounting.c).
 */
#include "ingest/accounting.h"
#include "ingest/xalt_import.h"
#include "ingest/cache.h"

#include <errno.h>
#include <time.h>

#define KNOWN_JOB                                                                                  \
	(2 * TABLE_COUNT) /* cache of jobs that have accounting; sets.c has what is below */

static int take_count(void *arg, const struct value *row, size_t columns)
{
	(void)columns;
	*(int64_t *)arg = row[0].integer;
	return 0;
}

static int add(struct backend *db, const struct xalt_record *record, const struct value key[3])
{
	struct value row[ACCOUNTING_COLUMNS] = {};

	for (size_t i = 0; i < 3; i++)
		row[i] = key[i];
	row[ACCOUNTING_SUBMIT] = value_integer(-1);
	row[ACCOUNTING_STAGE] = value_integer(0);
	row[ACCOUNTING_STATE] = value_text(bytes_of(ACCOUNTING_UNKNOWN));
	row[ACCOUNTING_USER] = value_text(bytes_of(record->user));
	row[ACCOUNTING_ACCOUNT] = value_text(bytes_of(record->account));
	row[ACCOUNTING_QUEUE] = value_text(bytes_of(record->queue));
	row[ACCOUNTING_IMPORTED] = value_integer((int64_t)time(NULL) * 1000000);
	return db->ops->insert(db, &mapping_accounting, INSERT_KEEP, row, NULL, NULL);
}

int xalt_job_put(struct xalt_import *import, const struct xalt_record *record)
{
	const struct value key[] = {
		[ACCOUNTING_JOB_ID] = value_text(bytes_of(record->job_id)),
		[ACCOUNTING_CLUSTER] = value_text(bytes_of(record->cluster ?: "")),
		[ACCOUNTING_MANAGER] = value_text(bytes_of(record->manager)),
	};
	struct loader *loader = import->loader;
	struct backend *db = loader->db;
	int64_t count = 0;
	int r;

	if (!record->job_id || (!record->account && !record->queue))
		return 0;
	if (cache_get(loader->cache, KNOWN_JOB, key, ARRAY_SIZE(key), &count))
		return 0;
	r = db->ops->statement(db,
			       "SELECT count(*) FROM accounting WHERE job_id = ? AND cluster = ? "
			       "AND manager = ?",
			       key, ARRAY_SIZE(key), take_count, &count, NULL);
	if (r == 0 && !count)
		r = add(db, record, key);
	if (r == 0)
		cache_put(loader->cache, KNOWN_JOB, key, ARRAY_SIZE(key), 1);
	return r;
}
