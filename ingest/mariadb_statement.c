/* SPDX-License-Identifier: BSD-2-Clause */
/* The MariaDB back end: statements by their text, and what maintenance needs besides. */
#include "ingest/mariadb.h"

#include <errno.h>

int mariadb_statement(struct backend *backend, const char *sql, const struct value *params,
		      size_t count, backend_visit *visit, void *arg, uint64_t *ret_changed)
{
	struct mariadb *self = (struct mariadb *)backend;
	struct mariadb_result *result = &self->result;
	char *message = self->backend.message;
	MYSQL_STMT *statement;
	int r = mariadb_ready(self);

	if (r == 0)
		r = mariadb_writer_settle(self->writer);
	if (r == 0)
		r = mariadb_commit_names(self);
	if (r == 0)
		r = mariadb_link_prepare(self, &self->first, strdup(sql), &statement);
	if (r == 0)
		r = mariadb_link_execute(self, &self->first, statement, &params, 1, count, message);
	if (r < 0)
		return r;
	r = mariadb_result_begin(self, statement, result, message);
	while (r == 0 && (r = mariadb_result_next(self, statement, result, message)) > 0)
		r = visit ? visit(arg, result->row, result->columns) : 0;
	if (r == 0 && ret_changed)
		*ret_changed = result->columns ? 0 : (uint64_t)mysql_stmt_affected_rows(statement);
	mariadb_result_end(statement);
	return r;
}

static int take_number(void *arg, const struct value *row, size_t columns)
{
	(void)columns;
	*(int64_t *)arg = row[0].integer;
	return 0;
}

int mariadb_generation(struct backend *backend, int64_t *ret)
{
	/* All loaders share the lock; who prunes waits for them, and they for who prunes. */
	return mariadb_statement(backend,
				 "SELECT value FROM prune_state WHERE name = 'generation' "
				 "LOCK IN SHARE MODE",
				 NULL, 0, take_number, ret, NULL);
}

int mariadb_claim(struct backend *backend)
{
	struct mariadb *self = (struct mariadb *)backend;
	int64_t is_ours = 0;
	/* Names of locks are the server's and take 64 bytes. The session of one that was killed
	 * holds its own for as long as its last statement takes. */
	int r = mariadb_statement(backend,
				  "SELECT get_lock(concat('runmark prune ', "
				  "left(sha2(database(), 256), 32)), 10)",
				  NULL, 0, take_number, &is_ours, NULL);

	if (r < 0)
		return r;
	self->is_claimed = is_ours == 1;
	if (self->is_claimed)
		return 0;
	snprintf(backend->message, BACKEND_MESSAGE_SIZE,
		 "%s is being pruned by another runmark-ingest; wait for it to end", self->place);
	return -EBUSY;
}
