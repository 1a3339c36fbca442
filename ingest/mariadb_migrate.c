/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Migrations: schema/mariadb/NNNN_name.sql, built into the program. To add one: the file, and a
 * line in the table below.
 *
 * MariaDB and MySQL commit at each CREATE or ALTER, so a migration is no transaction. Its row in
 * schema_version is written when all its statements have been run; one that was interrupted is run
 * again from its beginning, which every statement stands (see the head of 0001_initial.sql). A lock
 * of the server's lets one program migrate at a time. Loading never migrates: that needs rights
 * that a loader's account should not have, and may take hours.
 */
#include "ingest/mariadb.h"
#include "ingest/mariadb_months.h"
#include "ingest/mariadb_own.h"
#include "ingest/migration_text.h"
#include "common/version.h"

#include <errno.h>
#include <mysqld_error.h>
#include <time.h>

MIGRATION_TEXT(schema_mariadb_0001, "mariadb/0001_initial.sql");
MIGRATION_TEXT(schema_mariadb_0002, "mariadb/0002_xalt.sql");

/* The first is number 1. */
static const char *const migrations[] = {schema_mariadb_0001, schema_mariadb_0002};

/* What a statement says that was run before. */
static const unsigned int done_before[] = {ER_DUP_FIELDNAME, ER_DUP_KEYNAME,
					   ER_CANT_DROP_FIELD_OR_KEY};

int mariadb_schema_version(void)
{
	return ARRAY_SIZE(migrations);
}

static int take_number(void *arg, const struct value *row, size_t columns)
{
	(void)columns;
	*(int64_t *)arg = row[0].integer;
	return 0;
}

static int query_number(struct mariadb *self, const char *sql, int64_t *ret)
{
	*ret = 0;
	return mariadb_statement(&self->backend, sql, NULL, 0, take_number, ret, NULL);
}

/* 0: an empty database. -EBADMSG: somebody else's. */
static int get_version(struct mariadb *self, int64_t *ret)
{
	int64_t tables, ours;
	int r = query_number(self,
			     "SELECT count(*) FROM information_schema.tables "
			     "WHERE table_schema = database()",
			     &tables);

	if (r == 0)
		r = query_number(self,
				 "SELECT count(*) FROM information_schema.tables "
				 "WHERE table_schema = database() AND table_name = "
				 "'schema_version'",
				 &ours);
	if (r < 0)
		return r;
	*ret = 0;
	if (!tables)
		return 0;
	if (!ours) {
		snprintf(self->backend.message, BACKEND_MESSAGE_SIZE,
			 "%s is not one of Runmark's: it has other tables; name another with --db",
			 self->place);
		return -EBADMSG;
	}
	return query_number(self, "SELECT coalesce(max(version), 0) FROM schema_version", ret);
}

static int refuse_version(struct mariadb *self, int64_t version)
{
	if (version > mariadb_schema_version())
		snprintf(self->backend.message, BACKEND_MESSAGE_SIZE,
			 "%s has schema %lld, made by a newer Runmark; this runmark-ingest %s "
			 "knows schemas up to %d: install the newer one here",
			 self->place, (long long)version, RUNMARK_VERSION,
			 mariadb_schema_version());
	else
		snprintf(self->backend.message, BACKEND_MESSAGE_SIZE,
			 "%s is %s; run runmark-ingest --migrate with an account that may make "
			 "tables there",
			 self->place, version ? "of an older schema" : "empty");
	return -ENOTSUP;
}

static bool is_done_before(unsigned int code)
{
	for (size_t i = 0; i < ARRAY_SIZE(done_before); i++)
		if (done_before[i] == code)
			return true;
	return false;
}

/* All statements of a text: one ends with a ; at the end of a line. */
static int run_all(struct mariadb *self, const char *text)
{
	while (*text) {
		const char *end = strstr(text, ";\n");
		_cleanup_free_ char *sql = strndup(text, end ? (size_t)(end - text) : 0);

		if (!end)
			return 0; /* comments */
		if (*self->stop)
			return -EINTR;
		if (!sql)
			return -ENOMEM;
		if (mysql_query(self->first.server, sql) &&
		    !is_done_before(mysql_errno(self->first.server)))
			return mariadb_report_link(self, &self->first);
		text = end + 2;
	}
	return 0;
}

/* Texts compare byte by byte, blanks at their ends included. */
static int set_collation(struct mariadb *self)
{
	return mariadb_run(
		self, &self->first,
		mariadb_connection(self->first.server)
			? "ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"
			: "ALTER DATABASE CHARACTER SET utf8mb4 COLLATE "
			  "utf8mb4_0900_bin");
}

static int apply(struct mariadb *self, int number)
{
	const struct value mark[] = {value_integer(number),
				     value_integer((int64_t)time(NULL) * 1000000),
				     value_text(bytes_of(RUNMARK_VERSION))};
	int r = number == 1 ? set_collation(self) : 0;

	if (r == 0)
		r = run_all(self, migrations[number - 1]);
	if (r < 0)
		return r;
	return mariadb_statement(&self->backend, "INSERT INTO schema_version VALUES (?, ?, ?)",
				 mark, ARRAY_SIZE(mark), NULL, NULL, NULL);
}

/* Waits for others who migrate. */
static int lock(struct mariadb *self)
{
	int64_t is_ours = 0;
	int r = 0;

	while (r == 0 && !is_ours) {
		if (*self->stop)
			return -EINTR;
		r = query_number(self,
				 "SELECT get_lock(concat('runmark migrate ', "
				 "left(sha2(database(), 256), 32)), 1)",
				 &is_ours);
	}
	return r;
}

static int migrate(struct mariadb *self)
{
	int64_t version;
	int r = lock(self);

	/* Again, now that nobody else can change it. */
	if (r == 0)
		r = get_version(self, &version);
	if (r == 0 && version > mariadb_schema_version())
		return refuse_version(self, version);
	while (r == 0 && version < mariadb_schema_version())
		r = apply(self, (int)++version);
	if (r == 0)
		r = mariadb_own(self, migrations, ARRAY_SIZE(migrations));
	return r < 0 ? r : mariadb_months_add(self, time(NULL));
}

int mariadb_migrate(struct mariadb *self)
{
	int64_t version;
	int r = get_version(self, &version);

	if (r < 0)
		return r;
	if (self->mode == BACKEND_MIGRATE && version <= mariadb_schema_version())
		return migrate(self);
	return version == mariadb_schema_version() ? 0 : refuse_version(self, version);
}
