/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The database of users' own data beside the site's: schema/mariadb/own.sql says what is in it. It
 * holds views alone, which are made anew at each migration, so that an interrupted one is mended by
 * the next.
 */
#include "ingest/mariadb_own.h"
#include "ingest/migration_text.h"

#include <errno.h>
#include <mysqld_error.h>

MIGRATION_TEXT(schema_mariadb_own, "mariadb/own.sql");

#define SITE "@site@"

/* As an identifier of SQL. NULL: memory ran out. */
static char *quote(const char *name)
{
	char *quoted = malloc(2 * strlen(name) + 3), *to = quoted;

	if (!quoted)
		return NULL;
	*to++ = '"';
	for (; *name; name++) {
		if (*name == '"')
			*to++ = '"';
		*to++ = *name;
	}
	*to++ = '"';
	*to = '\0';
	return quoted;
}

/* With the site's database at its places. NULL: memory ran out. */
static char *fill(struct bytes sql, const char *site)
{
	char *filled = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&filled, &size);
	const char *end = sql.data + sql.len, *from = sql.data;

	if (!out)
		return NULL;
	while (from < end) {
		const char *place = memmem(from, (size_t)(end - from), SITE, strlen(SITE));

		fwrite(from, 1, (size_t)((place ?: end) - from), out);
		if (place)
			fputs(site, out);
		from = place ? place + strlen(SITE) : end;
	}
	if (fclose(out)) {
		free(filled);
		return NULL;
	}
	return filled;
}

/* All statements of a text, or only those that make views. */
static int run_all(struct mariadb *self, const char *text, const char *site, bool is_views_only)
{
	const char *end;

	for (; (end = strstr(text, ";\n")); text = end + 2) {
		struct bytes sql = {text, (size_t)(end - text)};
		_cleanup_free_ char *filled = NULL;
		int r;

		if (is_views_only && !memmem(sql.data, sql.len, "\nCREATE OR REPLACE SQL", 22))
			continue;
		if (*self->stop)
			return -EINTR;
		filled = fill(sql, site);
		if (!filled)
			return -ENOMEM;
		r = mariadb_run(self, &self->first, filled);
		if (r < 0)
			return r;
	}
	return 0;
}

static int take_number(void *arg, const struct value *row, size_t columns)
{
	(void)columns;
	*(int64_t *)arg = row[0].integer;
	return 0;
}

/* *ret_is_there false: this account may not make it. */
static int make(struct mariadb *self, const char *name, const char *quoted, bool *ret_is_there)
{
	const struct value value = value_text(bytes_of(name));
	_cleanup_free_ char *sql = NULL;
	int64_t found = 0;
	int r = mariadb_statement(&self->backend,
				  "SELECT count(*) FROM information_schema.schemata "
				  "WHERE schema_name = ?",
				  &value, 1, take_number, &found, NULL);

	if (r < 0)
		return r;
	if (!found) {
		if (asprintf(&sql, "CREATE DATABASE IF NOT EXISTS %s", quoted) < 0)
			return -ENOMEM;
		r = mariadb_run(self, &self->first, sql);
		if (r < 0 && mysql_errno(self->first.server) != ER_DBACCESS_DENIED_ERROR)
			return r;
	}
	*ret_is_there = r == 0;
	return 0;
}

int mariadb_own(struct mariadb *self, const char *const *migrations, size_t count)
{
	_cleanup_free_ char *name = NULL, *quoted = NULL, *site = quote(self->url.database);
	bool is_there;
	int r;

	if (!site || asprintf(&name, "%s" OWN_SUFFIX, self->url.database) < 0)
		return -ENOMEM;
	quoted = quote(name);
	if (!quoted)
		return -ENOMEM;
	r = make(self, name, quoted, &is_there);
	if (r < 0 || !is_there)
		return r;
	if (mysql_select_db(self->first.server, name))
		return mariadb_report_link(self, &self->first);
	r = run_all(self, schema_mariadb_own, site, false);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = run_all(self, migrations[i], site, true);
	if (mysql_select_db(self->first.server, self->url.database) && r == 0)
		r = mariadb_report_link(self, &self->first);
	return r;
}
