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

int sqlite_fail(struct sqlite *self, int code)
{
	int primary = code & 0xff, system = self->db ? sqlite3_system_errno(self->db) : 0;
	char *message = self->backend.message;
	const struct meaning *meaning;

	if ((primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN) &&
	    (system == ENOSPC || system == EDQUOT || system == EFBIG))
		primary = SQLITE_FULL;
	if (primary == SQLITE_BUSY && *self->stop)
		primary = SQLITE_INTERRUPT;
	meaning = find_meaning(primary);
	if (!meaning) {
		snprintf(message, BACKEND_MESSAGE_SIZE, "the database %s fails: %s%s%s", self->path,
			 self->db ? sqlite3_errmsg(self->db) : sqlite3_errstr(code),
			 system ? ": " : "", system ? strerrordesc_np(system) ?: "" : "");
		return system ? -system : -EIO;
	}
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(message, BACKEND_MESSAGE_SIZE, meaning->format, self->path, self->path);
#pragma GCC diagnostic pop
	if (primary == SQLITE_CANTOPEN && system) {
		size_t len = strlen(message);

		snprintf(message + len, BACKEND_MESSAGE_SIZE - len, " (%s)",
			 strerrordesc_np(system) ?: "?");
		return -system;
	}
	return meaning->error;
}
