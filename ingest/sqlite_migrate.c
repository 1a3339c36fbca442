/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Migrations: schema/sqlite/NNNN_name.sql, built into the program, each applied in a transaction
 * with its row in schema_version, so that one that is interrupted has not happened. To add one: the
 * file, and a line in the table below.
 */
#include "ingest/migration_text.h"
#include "ingest/sqlite.h"
#include "common/version.h"

#include <errno.h>
#include <time.h>

#define APPLICATION_ID 0x524d524b /* "RMRK", in the file's header: file(1) and we know our own */

MIGRATION_TEXT(schema_sqlite_0001, "sqlite/0001_initial.sql");
MIGRATION_TEXT(schema_sqlite_0002, "sqlite/0002_xalt.sql");

/* The first is number 1. */
static const char *const migrations[] = {schema_sqlite_0001, schema_sqlite_0002};

int sqlite_schema_version(void)
{
	return ARRAY_SIZE(migrations);
}

int sqlite_run(struct sqlite *self, const char *sql)
{
	int r = sqlite3_exec(self->db, sql, NULL, NULL, NULL);

	return r == SQLITE_OK ? 0 : sqlite_fail(self, r);
}

/* The one number that a query gives. */
static int query_number(struct sqlite *self, const char *sql, int64_t *ret)
{
	sqlite3_stmt *statement = NULL;
	int r = sqlite3_prepare_v2(self->db, sql, -1, &statement, NULL);

	if (r == SQLITE_OK)
		r = sqlite3_step(statement);
	if (r == SQLITE_ROW)
		*ret = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return r == SQLITE_ROW ? 0 : sqlite_fail(self, r);
}

/* 0: an empty file. -EBADMSG: somebody else's database. */
static int get_version(struct sqlite *self, int64_t *ret)
{
	int64_t tables, ours;
	int r = query_number(self, "SELECT count(*) FROM sqlite_master", &tables);

	if (r < 0)
		return r;
	if (!tables) {
		*ret = 0;
		return 0;
	}
	r = query_number(self, "SELECT count(*) FROM sqlite_master WHERE name = 'schema_version'",
			 &ours);
	if (r < 0)
		return r;
	if (!ours) {
		snprintf(self->backend.message, BACKEND_MESSAGE_SIZE,
			 "%s is a database, but not one of Runmark's; name another with --db "
			 "sqlite:PATH",
			 self->path);
		return -EBADMSG;
	}
	return query_number(self, "SELECT ifnull(max(version), 0) FROM schema_version", ret);
}

static int refuse_version(struct sqlite *self, int64_t version)
{
	snprintf(self->backend.message, BACKEND_MESSAGE_SIZE,
		 "the database %s has schema %lld, made by a newer Runmark; this runmark-ingest %s "
		 "knows "
		 "schemas up to %d: install the newer one here",
		 self->path, (long long)version, RUNMARK_VERSION, sqlite_schema_version());
	return -ENOTSUP;
}

/* Within a transaction. */
static int apply(struct sqlite *self, int number)
{
	char mark[160];
	int r = sqlite_run(self, migrations[number - 1]);

	if (r < 0)
		return r;
	snprintf(mark, sizeof(mark), "INSERT INTO schema_version VALUES (%d, %lld, '%s')", number,
		 (long long)time(NULL) * 1000000, RUNMARK_VERSION);
	r = sqlite_run(self, mark);
	if (r < 0)
		return r;
	snprintf(mark, sizeof(mark), "PRAGMA application_id = %d", APPLICATION_ID);
	return sqlite_run(self, mark);
}

/* The next one that the database lacks, if any: *ret_done. */
static int migrate_once(struct sqlite *self, bool *ret_done)
{
	int64_t version;
	int r = sqlite_run(self, "BEGIN IMMEDIATE");

	if (r < 0)
		return r;
	/* Again, now that nobody else can change it. */
	r = get_version(self, &version);
	if (r == 0 && version < sqlite_schema_version())
		r = apply(self, (int)version + 1);
	if (r == 0)
		r = sqlite_run(self, "COMMIT");
	if (r < 0) {
		self->backend.ops->rollback(&self->backend);
		return r;
	}
	*ret_done = version >= sqlite_schema_version();
	return 0;
}

int sqlite_migrate(struct sqlite *self, enum backend_mode mode)
{
	int64_t version;
	int r = get_version(self, &version);
	bool is_done = false;

	if (r < 0)
		return r;
	if (version > sqlite_schema_version())
		return refuse_version(self, version);
	if (version == sqlite_schema_version())
		return 0;
	if (mode == BACKEND_READ) {
		snprintf(self->backend.message, BACKEND_MESSAGE_SIZE,
			 "the database %s is %s; run: runmark-ingest --db sqlite:%s --migrate",
			 self->path, version ? "of an older schema" : "empty", self->path);
		return -ENOTSUP;
	}
	while (!is_done) {
		r = migrate_once(self, &is_done);
		if (r < 0)
			return r;
	}
	return 0;
}
