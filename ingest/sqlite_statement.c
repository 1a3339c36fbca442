/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The SQLite back end: statements by their text, for maintenance. They are few and come again
 * thousands of times, so each is kept prepared where its text's hash puts it; another of the same
 * place takes it over.
 */
#include "ingest/sqlite.h"

#include <errno.h>
#include <sys/file.h>
#include <xxhash.h>

static int get_statement(struct sqlite *self, const char *sql, sqlite3_stmt **ret)
{
	struct sqlite_text *kept =
		&self->texts[XXH3_64bits(sql, strlen(sql)) % ARRAY_SIZE(self->texts)];
	int r;

	if (kept->sql && !strcmp(kept->sql, sql)) {
		*ret = kept->statement;
		return 0;
	}
	sqlite3_finalize(kept->statement);
	free(kept->sql);
	*kept = (struct sqlite_text){.sql = strdup(sql)};
	if (!kept->sql)
		return -ENOMEM;
	r = sqlite3_prepare_v3(self->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &kept->statement,
			       NULL);
	if (r != SQLITE_OK) {
		r = sqlite_fail(self, r);
		free(TAKE_PTR(kept->sql));
		return r;
	}
	*ret = kept->statement;
	return 0;
}

int sqlite_statement(struct backend *backend, const char *sql, const struct value *params,
		     size_t count, backend_visit *visit, void *arg, uint64_t *ret_changed)
{
	struct sqlite *self = (struct sqlite *)backend;
	int64_t before = sqlite3_total_changes64(self->db);
	struct value row[MAPPING_COLUMNS_MAX];
	sqlite3_stmt *statement = NULL;
	int r = get_statement(self, sql, &statement), code = SQLITE_DONE;

	if (r == 0)
		r = sqlite_bind_all(self, statement, params, count);
	if (r < 0)
		return r;
	while (r == 0 && (code = sqlite3_step(statement)) == SQLITE_ROW) {
		int columns = MIN(sqlite3_column_count(statement), MAPPING_COLUMNS_MAX);

		for (int i = 0; i < columns; i++)
			row[i] = sqlite_column(statement, i);
		if (visit)
			r = visit(arg, row, (size_t)columns);
	}
	if (r == 0 && code != SQLITE_DONE)
		r = sqlite_fail(self, code);
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	if (r == 0 && ret_changed)
		*ret_changed = (uint64_t)(sqlite3_total_changes64(self->db) - before);
	return r;
}

static int take_number(void *arg, const struct value *row, size_t columns)
{
	(void)columns;
	*(int64_t *)arg = row[0].integer;
	return 0;
}

int sqlite_generation(struct backend *backend, int64_t *ret)
{
	/* begin() has taken the one write lock. */
	return sqlite_statement(backend, "SELECT value FROM prune_state WHERE name = 'generation'",
				NULL, 0, take_number, ret, NULL);
}

int sqlite_claim(struct backend *backend)
{
	struct sqlite *self = (struct sqlite *)backend;
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;
	int r;

	if (self->claim >= 0)
		return 0;
	if (asprintf(&path, "%s-prune", self->path) < 0)
		return -ENOMEM;
	/* Beside the database, since locks on its own file are SQLite's. */
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0) {
		self->claim = TAKE_FD(fd);
		return 0;
	}
	r = errno == EWOULDBLOCK ? -EBUSY : -errno;
	if (r == -EBUSY)
		snprintf(backend->message, BACKEND_MESSAGE_SIZE,
			 "the database %s is being pruned by another runmark-ingest; wait for it "
			 "to end",
			 self->path);
	else
		snprintf(backend->message, BACKEND_MESSAGE_SIZE,
			 "cannot lock %s against another pruning (%s); run as the owner of its "
			 "folder",
			 path, strerrordesc_np(-r));
	return r;
}

void sqlite_statement_done(struct sqlite *self)
{
	for (size_t i = 0; i < ARRAY_SIZE(self->texts); i++) {
		sqlite3_finalize(self->texts[i].statement);
		free(self->texts[i].sql);
	}
	if (self->claim >= 0)
		close(self->claim);
}
