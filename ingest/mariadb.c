/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The MariaDB back end: opening, transactions, connections that break.
 *
 * A connection may break at any time: the server is restarted, somebody kills it, a Galera node
 * leaves. The transaction is gone then; -EAGAIN lets the loader begin it again, on connections that
 * are made anew. Only a commit whose answer was lost is in doubt: it is said so (-EINPROGRESS), and
 * the file's mark tells.
 */
#include "ingest/mariadb.h"
#include "ingest/mariadb_months.h"

#include <errno.h>
#include <time.h>

#define ANSWER_SECONDS	  600 /* a statement of a batch takes less, a lock's wait much less */
#define RECONNECT_STEP_MS 200
#define RECONNECT_STEPS	  150 /* half a minute: a server that restarts takes seconds */

/*
 * What is needed beside the session of mariadb_session.h. A loader's two connections can wait for
 * each other where a third one's ALTER or DROP stands between them, which no server notices: it
 * gives up a table's lock after a while, as it does a row's, and begins again.
 */
static const struct {
	enum backend_mode mode;
	const char *sql;
} settings[] = {
	{BACKEND_LOAD, "SET SESSION innodb_lock_wait_timeout = 20, lock_wait_timeout = 20"},
	{BACKEND_MIGRATE, "SET SESSION innodb_lock_wait_timeout = 20"},
};

int mariadb_run(struct mariadb *self, struct mariadb_link *link, const char *sql)
{
	return mysql_query(link->server, sql) ? mariadb_report_link(self, link) : 0;
}

static void disconnect(struct mariadb *self)
{
	mariadb_link_done(&self->first);
	mariadb_link_done(&self->names);
	self->is_open = self->is_names_open = false;
}

static int connect_link(struct mariadb *self, struct mariadb_link *link)
{
	/* Making indexes over years of runs, or deleting them, takes as long as it takes. */
	unsigned int seconds = self->mode == BACKEND_LOAD ? ANSWER_SECONDS : 0;
	int r = mariadb_session_open(&self->url, seconds, &link->server, self->backend.message);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(settings); i++)
		if (settings[i].mode == self->mode)
			r = mariadb_run(self, link, settings[i].sql);
	return r;
}

static int connect_both(struct mariadb *self)
{
	int r;

	disconnect(self);
	r = connect_link(self, &self->first);
	if (r == 0)
		r = connect_link(self, &self->names);
	if (r == 0)
		self->is_lost = false;
	return r;
}

static int reconnect(struct mariadb *self)
{
	const struct timespec step = {.tv_nsec = RECONNECT_STEP_MS * NS_PER_MS};
	int r = connect_both(self);

	for (int i = 0; r == -EAGAIN && i < RECONNECT_STEPS; i++) {
		if (*self->stop)
			return -EINTR;
		nanosleep(&step, NULL);
		r = connect_both(self);
	}
	if (r == 0 && self->is_claimed) {
		self->is_claimed = false;
		r = self->backend.ops->claim(&self->backend);
	}
	return r;
}

int mariadb_ready(struct mariadb *self)
{
	if (!self->is_lost)
		return 0;
	/* What the transaction has put in is gone: first it must end. */
	return self->is_open ? -EAGAIN : reconnect(self);
}

int mariadb_commit_names(struct mariadb *self)
{
	if (!self->is_names_open)
		return 0;
	self->is_names_open = false;
	return mariadb_run(self, &self->names, "COMMIT");
}

static int check_settings(struct mariadb *self)
{
	const char *sql = "SELECT @@max_allowed_packet, @@innodb_flush_log_at_trx_commit";
	const struct value *none = NULL;
	MYSQL_STMT *statement;
	int r = mariadb_link_prepare(self, &self->first, strdup(sql), &statement);

	if (r == 0)
		r = mariadb_link_execute(self, &self->first, statement, &none, 1, 0,
					 self->backend.message);
	if (r == 0)
		r = mariadb_result_begin(self, statement, &self->result, self->backend.message);
	if (r == 0)
		r = mariadb_result_next(self, statement, &self->result, self->backend.message);
	if (r < 0)
		return r;
	mariadb_result_end(statement);
	self->backend.is_forgetful = self->result.row[1].integer != 1;
	if (self->result.row[0].integer >= MARIADB_PACKET_MIN)
		return 0;
	snprintf(self->backend.message, BACKEND_MESSAGE_SIZE,
		 "%s takes statements of %lld bytes only; set max_allowed_packet to 16M there",
		 self->place, (long long)self->result.row[0].integer);
	return -EMSGSIZE;
}

static void mariadb_close(struct backend *backend)
{
	struct mariadb *self = (struct mariadb *)backend;

	mariadb_writer_free(self->writer);
	disconnect(self);
	mariadb_result_done(&self->result);
	mariadb_result_done(&self->found);
	url_done(&self->url);
	free(self);
}

static int copy_url(const struct database_url *from, struct database_url *to)
{
	char *const texts[] = {from->path,   from->user,     from->host,    from->database,
			       from->tls_ca, from->tls_cert, from->tls_key, from->password_file};
	char **const copies[] = {&to->path,   &to->user,     &to->host,	   &to->database,
				 &to->tls_ca, &to->tls_cert, &to->tls_key, &to->password_file};

	memcpy(to->scheme, from->scheme, sizeof(to->scheme));
	to->port = from->port;
	to->tls = from->tls;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		*copies[i] = texts[i] ? strdup(texts[i]) : NULL;
		if (texts[i] && !*copies[i])
			return -ENOMEM;
	}
	return 0;
}

static int start(struct mariadb *self, const struct database_url *url)
{
	int r = copy_url(url, &self->url);

	mariadb_session_place(url, self->place, sizeof(self->place));
	if (r == 0)
		r = mariadb_writer_new(self, &self->writer);
	if (r < 0) {
		snprintf(self->backend.message, BACKEND_MESSAGE_SIZE, "memory ran out");
		return r;
	}
	r = connect_both(self);
	if (r == 0)
		r = check_settings(self);
	return r < 0 ? r : mariadb_migrate(self);
}

static int mariadb_open(const struct database_url *url, enum backend_mode mode,
			const volatile sig_atomic_t *stop, struct backend **ret,
			char message[BACKEND_MESSAGE_SIZE])
{
	struct mariadb *self = calloc(1, sizeof(*self));
	int r;

	if (!self) {
		snprintf(message, BACKEND_MESSAGE_SIZE, "memory ran out");
		return -ENOMEM;
	}
	self->backend.ops = &backend_mariadb;
	self->stop = stop;
	self->mode = mode;
	r = start(self, url);
	if (r < 0) {
		memcpy(message, self->backend.message, BACKEND_MESSAGE_SIZE);
		mariadb_close(&self->backend);
		return r;
	}
	*ret = &self->backend;
	return 0;
}

static int mariadb_begin(struct backend *backend)
{
	struct mariadb *self = (struct mariadb *)backend;
	int r = mariadb_ready(self);

	if (r == 0)
		r = mariadb_writer_settle(self->writer);
	if (r == 0)
		r = mariadb_run(self, &self->first, "START TRANSACTION");
	/* The connection may have been closed long ago, for nothing came over it. */
	if (r == -EAGAIN && self->is_lost) {
		r = reconnect(self);
		if (r == 0)
			r = mariadb_run(self, &self->first, "START TRANSACTION");
	}
	self->is_open = r == 0;
	return r;
}

static int mariadb_commit(struct backend *backend)
{
	struct mariadb *self = (struct mariadb *)backend;
	int r = mariadb_writer_settle(self->writer);

	if (r == 0)
		r = mariadb_commit_names(self);
	if (r < 0)
		return r;
	r = mariadb_run(self, &self->first, "COMMIT");
	if (r == -EAGAIN && self->is_lost)
		r = -EINPROGRESS;
	if (r == 0)
		self->is_open = self->is_careful = false;
	return r;
}

static void mariadb_rollback(struct backend *backend)
{
	struct mariadb *self = (struct mariadb *)backend;
	char message[BACKEND_MESSAGE_SIZE];

	/* What went wrong before is what counts. */
	memcpy(message, backend->message, sizeof(message));
	mariadb_writer_drop(self->writer);
	if (!self->is_lost && self->is_open)
		(void)mariadb_run(self, &self->first, "ROLLBACK");
	if (!self->is_lost && self->is_names_open)
		(void)mariadb_run(self, &self->names, "ROLLBACK");
	self->is_open = self->is_names_open = false;
	memcpy(backend->message, message, sizeof(message));
}

const struct backend_ops backend_mariadb = {
	.scheme = "mysql",
	.open = mariadb_open,
	.close = mariadb_close,
	.begin = mariadb_begin,
	.commit = mariadb_commit,
	.rollback = mariadb_rollback,
	.find = mariadb_find,
	.entity = mariadb_entity,
	.insert = mariadb_insert,
	.record = mariadb_record,
	.get = mariadb_get,
	.update = mariadb_update,
	.erase = mariadb_erase,
	.each = mariadb_each,
	.statement = mariadb_statement,
	.generation = mariadb_generation,
	.months = mariadb_months,
	.claim = mariadb_claim,
};
