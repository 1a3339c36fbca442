/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SQLite, read-only. The loader keeps the database in WAL mode, where even a reader needs the -shm
 * file beside it. Who may not write that directory can still read while the loader has it open (the
 * file is there); when nobody has it open, nothing can change, and it is opened as immutable;
 * check() tells if that proved wrong.
 */
#include "cli/store.h"
#include <errno.h>
#include <sqlite3.h>
#include <sys/stat.h>

struct connection {
	sqlite3 *db;
	char *path;
	bool is_immutable;
	struct stat at_open;
};

static int from_sqlite(int code)
{
	switch (code & 0xff) {
	case SQLITE_OK:
		return 0;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_CANTOPEN:
		return -ENOENT;
	case SQLITE_PERM:
	case SQLITE_AUTH:
	case SQLITE_READONLY:
		return -EACCES;
	case SQLITE_TOOBIG:
		return -E2BIG;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EBADMSG;
	default:
		return -EIO;
	}
}

/* path as a "file:" URI: what has a meaning in URIs, and all that isn't printable, as %XX. */
static char *make_uri(const char *path)
{
	static const char immutable[] = "?immutable=1";
	char *uri = malloc(strlen("file:") + 3 * strlen(path) + sizeof(immutable)), *end;

	if (!uri)
		return NULL;
	end = stpcpy(uri, "file:");
	for (; *path; path++) {
		unsigned char c = (unsigned char)*path;

		end += sprintf(end, c <= ' ' || c >= 0x7f || strchr("%?#", c) ? "%%%02X" : "%c", c);
	}
	strcpy(end, immutable);
	return uri;
}

static int open_as(struct connection *connection, const char *name, int flags)
{
	int code = sqlite3_open_v2(name, &connection->db,
				   SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | flags, NULL);

	if (code == SQLITE_OK) {
		sqlite3_extended_result_codes(connection->db, 1);
		sqlite3_busy_timeout(connection->db, STORE_BUSY_MS);
		/*
		 * The first real read; opening alone reads nothing. In one transaction all
		 * that follows sees the same state, and locks are taken once.
		 */
		code = sqlite3_exec(connection->db, "BEGIN; SELECT 1 FROM sqlite_master", NULL,
				    NULL, NULL);
	}
	return code;
}

/* Nothing in the -wal file: whoever has the last word has had it. */
static bool is_at_rest(const char *path)
{
	_cleanup_free_ char *wal = NULL;
	struct stat st;

	if (asprintf(&wal, "%s-wal", path) < 0) {
		wal = NULL;
		return false;
	}
	return stat(wal, &st) < 0 ? errno == ENOENT : st.st_size == 0;
}

static int open_connection(struct connection *connection)
{
	_cleanup_free_ char *uri = NULL;
	int code = open_as(connection, connection->path, 0);

	if ((code & 0xff) != SQLITE_CANTOPEN && (code & 0xff) != SQLITE_READONLY)
		return code;
	if (!is_at_rest(connection->path))
		return code;
	uri = make_uri(connection->path);
	if (!uri)
		return SQLITE_NOMEM;
	sqlite3_close(connection->db);
	connection->db = NULL;
	connection->is_immutable = true;
	return open_as(connection, uri, SQLITE_OPEN_URI);
}

/* The way out, where there is one. */
static const char *explain(const char *path, int error, bool is_sqlite)
{
	if (is_sqlite)
		return "";
	switch (error) {
	case -ENOENT:
		return "; runmark-ingest makes it, or name another with --db";
	case -EISDIR:
		return "; name the file in it with --db sqlite:PATH";
	case -EACCES:
		return strcmp(path, URL_SITE_PATH) != 0
			       ? "; its owner lets you read it with chmod, and its folders"
			       : "; ask the administrator to make you a member of its group "
				 "(runmark)";
	default:
		return "";
	}
}

static void sqlite_close(void *opaque)
{
	struct connection *connection = opaque;

	sqlite3_close(connection->db);
	free(connection->path);
	free(connection);
}

static int sqlite_open(const struct database_url *url, void **ret, char **ret_message)
{
	struct connection *connection;
	const char *path = url->path;
	int code, r = 0;

	connection = calloc(1, sizeof(*connection));
	if (!connection)
		return -ENOMEM;
	connection->path = strdup(path);
	if (!connection->path) {
		free(connection);
		return -ENOMEM;
	}
	if (stat(path, &connection->at_open) < 0 || access(path, R_OK) < 0)
		r = -errno;
	else if (S_ISDIR(connection->at_open.st_mode))
		r = -EISDIR;
	if (!r) {
		code = open_connection(connection);
		r = from_sqlite(code);
	}
	if (!r) {
		*ret = connection;
		return 0;
	}
	if (asprintf(ret_message, "cannot read the database %s: %s%s", path,
		     connection->db ? sqlite3_errmsg(connection->db) : strerror(-r),
		     explain(path, r, connection->db != NULL)) < 0)
		*ret_message = NULL;
	sqlite_close(connection);
	return r;
}

static const char *sqlite_error(void *opaque)
{
	return sqlite3_errmsg(((struct connection *)opaque)->db);
}

static int sqlite_check(void *opaque)
{
	struct connection *connection = opaque;
	struct stat now;

	if (!connection->is_immutable)
		return 0;
	if (stat(connection->path, &now) < 0 || !is_at_rest(connection->path) ||
	    now.st_ino != connection->at_open.st_ino ||
	    now.st_size != connection->at_open.st_size ||
	    now.st_mtim.tv_sec != connection->at_open.st_mtim.tv_sec ||
	    now.st_mtim.tv_nsec != connection->at_open.st_mtim.tv_nsec)
		return -ESTALE;
	return 0;
}

static int sqlite_prepare(void *opaque, const char *sql, void **ret)
{
	struct connection *connection = opaque;
	sqlite3_stmt *statement;
	int code = sqlite3_prepare_v3(connection->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
				      &statement, NULL);

	if (code != SQLITE_OK)
		return from_sqlite(code);
	*ret = statement;
	return 0;
}

static void sqlite_finalize(void *statement)
{
	sqlite3_finalize(statement);
}

static int sqlite_reset(void *statement)
{
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	return 0;
}

static int sqlite_bind_int(void *statement, int index, int64_t value)
{
	return from_sqlite(sqlite3_bind_int64(statement, index, value));
}

static int sqlite_bind_text(void *statement, int index, struct bytes value)
{
	return from_sqlite(sqlite3_bind_text64(statement, index, value.data, value.len,
					       SQLITE_STATIC, SQLITE_UTF8));
}

static int sqlite_bind_blob(void *statement, int index, struct bytes value)
{
	return from_sqlite(sqlite3_bind_blob64(statement, index, value.len ? value.data : "",
					       value.len, SQLITE_STATIC));
}

static int sqlite_step(void *statement)
{
	int code = sqlite3_step(statement);

	if (code == SQLITE_ROW)
		return 1;
	if ((code & 0xff) == SQLITE_CANTOPEN) /* a file for sorting, say */
		return -EIO;
	return code == SQLITE_DONE ? 0 : from_sqlite(code);
}

static bool sqlite_is_null(void *statement, int column)
{
	return sqlite3_column_type(statement, column) == SQLITE_NULL;
}

static int64_t sqlite_get_int(void *statement, int column)
{
	return sqlite3_column_int64(statement, column);
}

static struct bytes sqlite_get_bytes(void *statement, int column)
{
	const void *data = sqlite3_column_blob(statement, column);

	/* An empty blob has no address. */
	return (struct bytes){data ? data : "", (size_t)sqlite3_column_bytes(statement, column)};
}

const struct store_backend store_sqlite = {
	.open = sqlite_open,
	.close = sqlite_close,
	.error = sqlite_error,
	.check = sqlite_check,
	.prepare = sqlite_prepare,
	.finalize = sqlite_finalize,
	.reset = sqlite_reset,
	.bind_int = sqlite_bind_int,
	.bind_text = sqlite_bind_text,
	.bind_blob = sqlite_bind_blob,
	.step = sqlite_step,
	.is_null = sqlite_is_null,
	.get_int = sqlite_get_int,
	.get_bytes = sqlite_get_bytes,
};
