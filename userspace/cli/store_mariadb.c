/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MariaDB and MySQL, read-only: one connection, in one transaction, so that all that a command
 * reads is of one moment, whatever is loaded meanwhile. store_mariadb_rows.c has the statements.
 */
#include "cli/store_mariadb.h"
#include <errmsg.h>
#include <errno.h>
#include <mysqld_error.h>

/* The session's isolation is the loader's; a snapshot needs this one. */
static const char *const beginning[] = {
	"SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
	"START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
};

/* What to do, beside what the server says. */
static const struct {
	unsigned int code;
	const char *way_out;
} ways_out[] = {
	{CR_SERVER_GONE_ERROR, "ask again when the server is back"},
	{CR_SERVER_LOST, "ask again when the server is back"},
	{ER_SERVER_SHUTDOWN, "ask again when the server is back"},
	{ER_CONNECTION_KILLED, "ask again; the server's administrator may know why"},
	{ER_QUERY_INTERRUPTED, "ask again; the server's administrator may know why"},
	{ER_STATEMENT_TIMEOUT, "ask for less, or have the server's max_statement_time raised"},
	{ER_TABLE_DEF_CHANGED, "its tables were changed meanwhile; ask again"},
	{ER_LOCK_WAIT_TIMEOUT, "its tables are being changed; ask again later"},
	{ER_NO_SUCH_TABLE, "runmark-ingest --migrate makes what is missing"},
	{ER_BAD_FIELD_ERROR, "runmark-ingest --migrate makes what is missing"},
	{ER_VIEW_INVALID, "runmark-ingest --migrate makes what is missing"},
	{ER_TABLEACCESS_DENIED_ERROR, "runmark-access(7) has the rights of a reader"},
	{ER_COLUMNACCESS_DENIED_ERROR, "runmark-access(7) has the rights of a reader"},
};

int mariadb_fail(struct connection *connection, unsigned int code, const char *text)
{
	const char *way_out = NULL;
	int r = code ? mariadb_session_errno(code) : -EIO;

	for (size_t i = 0; i < ARRAY_SIZE(ways_out); i++)
		if (ways_out[i].code == code)
			way_out = ways_out[i].way_out;
	snprintf(connection->message, sizeof(connection->message), "%s%s%s", text,
		 way_out ? "; " : "", way_out ?: "");
	/* To a reader these say that a record isn't there, or makes no sense. */
	return r == -ENOENT || r == -EBADMSG ? -EIO : r;
}

static void mariadb_close(void *opaque)
{
	struct connection *connection = opaque;

	if (connection->server)
		mysql_close(connection->server);
	free(connection);
}

static int begin(struct connection *connection)
{
	for (size_t i = 0; i < ARRAY_SIZE(beginning); i++)
		if (mysql_query(connection->server, beginning[i]))
			return mariadb_fail(connection, mysql_errno(connection->server),
					    mysql_error(connection->server));
	return 0;
}

/* The site's database, or what of it is one's own. A failure is of the first. */
static int open_session(struct connection *connection, const struct database_url *url)
{
	_cleanup_free_ char *name = NULL;
	struct database_url own = *url;
	char message[MARIADB_MESSAGE_SIZE];
	int r = mariadb_session_open(url, 0, &connection->server, connection->message);

	if (r != -EPERM)
		return r;
	if (asprintf(&name, "%s%s", url->database, OWN_SUFFIX) < 0) {
		name = NULL;
		return -ENOMEM;
	}
	own.database = name;
	connection->is_own = mariadb_session_open(&own, 0, &connection->server, message) >= 0;
	return connection->is_own ? 0 : r;
}

static int mariadb_open(const struct database_url *url, void **ret, char **ret_message)
{
	struct connection *connection = calloc(1, sizeof(*connection));
	char place[256];
	int r;

	if (!connection)
		return -ENOMEM;
	r = open_session(connection, url);
	if (r < 0) {
		*ret_message = strdup(connection->message);
	} else {
		r = begin(connection);
		if (r < 0 && asprintf(ret_message, "cannot read %s: %s",
				      mariadb_session_place(url, place, sizeof(place)),
				      connection->message) < 0)
			*ret_message = NULL;
	}
	if (r < 0) {
		mariadb_close(connection);
		return r;
	}
	*ret = connection;
	return 0;
}

static const char *mariadb_message(void *connection)
{
	return ((struct connection *)connection)->message;
}

static bool mariadb_is_own(void *connection)
{
	return ((struct connection *)connection)->is_own;
}

/* Within a transaction nothing changes. */
static int mariadb_check(void *connection)
{
	(void)connection;
	return 0;
}

const struct store_backend store_mariadb = {
	.open = mariadb_open,
	.close = mariadb_close,
	.error = mariadb_message,
	.is_own = mariadb_is_own,
	.check = mariadb_check,
	.prepare = mariadb_prepare,
	.finalize = mariadb_finalize,
	.reset = mariadb_reset,
	.stream = mariadb_stream,
	.bind_int = mariadb_bind_int,
	.bind_text = mariadb_bind_text,
	.bind_blob = mariadb_bind_blob,
	.step = mariadb_step,
	.is_null = mariadb_is_null,
	.get_int = mariadb_get_int,
	.get_bytes = mariadb_get_bytes,
};
