/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SQLite's result codes as sentences with a way out, and as errno. What the system said counts more
 * than SQLite's code: a full disk may show as SQLITE_FULL, or as an I/O error of the shared memory
 * file.
 */
#include "ingest/sqlite.h"

#include <errno.h>

struct meaning {
	int code; /* primary */
	int error;
	const char *format; /* %s: path */
};

static const struct meaning meanings[] = {
	{SQLITE_FULL, -ENOSPC,
	 "no space is left for the database %s; free some on its file system and load again: the "
	 "file that was "
	 "being loaded is not in it"},
	{SQLITE_BUSY, -EAGAIN, "the database %s has been locked by another program for a minute"},
	{SQLITE_LOCKED, -EAGAIN, "the database %s is locked by another program"},
	{SQLITE_READONLY, -EROFS,
	 "the database %s, or the directory it is in, cannot be written; run as its owner, or name "
	 "another with "
	 "--db sqlite:PATH"},
	{SQLITE_PERM, -EACCES, "the database %s may not be accessed; run as its owner"},
	{SQLITE_CANTOPEN, -ENOENT,
	 "cannot open the database %s; its directory must exist and be writable, or name another "
	 "with --db "
	 "sqlite:PATH"},
	{SQLITE_NOTADB, -EBADMSG,
	 "%s is not an SQLite database; name another with --db sqlite:PATH"},
	{SQLITE_CORRUPT, -EBADMSG,
	 "the database %s is damaged; rescue what can be read with: sqlite3 %s .recover"},
	{SQLITE_CONSTRAINT, -EINVAL, "the database %s refuses the row"},
	{SQLITE_TOOBIG, -EINVAL, "a value is too big for the database %s"},
	{SQLITE_NOMEM, -ENOMEM, "memory ran out"},
	{SQLITE_INTERRUPT, -EINTR, "interrupted"},
};

static const struct meaning *find_meaning(int code)
{
	for (size_t i = 0; i < ARRAY_SIZE(meanings); i++)
		if (meanings[i].code == code)
			return &meanings[i];
	return NULL;
}

/* Why the database, or a file beside it, cannot be made or changed: 0 if that isn't it. */
static int write_error(const char *path)
{
	_cleanup_free_ char *copy = strdup(path);
	char *slash = copy ? strrchr(copy, '/') : NULL;
	const char *directory = slash ? copy : ".";

	if (access(path, F_OK))
		return 0;
	if (slash)
		slash[slash == copy] = '\0';
	return access(path, W_OK) || (copy && access(directory, W_OK)) ? errno : 0;
}

/* What the code stands for, where the system knows more. */
static int find_cause(struct sqlite *self, int code, int *system)
{
	int primary = code & 0xff, error;

	if (primary != SQLITE_IOERR && primary != SQLITE_CANTOPEN && primary != SQLITE_READONLY)
		return primary == SQLITE_BUSY && *self->stop ? SQLITE_INTERRUPT : primary;
	if (*system == ENOSPC || *system == EDQUOT || *system == EFBIG)
		return SQLITE_FULL;
	error = write_error(self->path);
	if (!error)
		return primary;
	*system = error;
	return SQLITE_READONLY;
}

int sqlite_fail(struct sqlite *self, int code)
{
	int system = self->db ? sqlite3_system_errno(self->db) : 0;
	int cause = find_cause(self, code, &system);
	const struct meaning *meaning = find_meaning(cause);
	const char *reason = system ? strerrordesc_np(system) : NULL;
	char *message = self->backend.message;
	size_t len;

	if (!meaning) {
		snprintf(message, BACKEND_MESSAGE_SIZE, "the database %s fails: %s%s%s", self->path,
			 self->db ? sqlite3_errmsg(self->db) : sqlite3_errstr(code),
			 reason ? ": " : "", reason ?: "");
		return system ? -system : -EIO;
	}
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(message, BACKEND_MESSAGE_SIZE, meaning->format, self->path, self->path);
#pragma GCC diagnostic pop
	if ((cause == SQLITE_CANTOPEN || cause == SQLITE_READONLY) && reason) {
		len = strlen(message);
		snprintf(message + len, BACKEND_MESSAGE_SIZE - len, " (%s)", reason);
		return -system;
	}
	return meaning->error;
}
