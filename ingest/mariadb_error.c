/* SPDX-License-Identifier: BSD-2-Clause */
/* What MariaDB or MySQL says as sentences with a way out, and as errno. */
#include "ingest/mariadb.h"

#include <errno.h>
#include <mysqld_error.h>

static const struct {
	int error;
	const char *format; /* of place, then what the server said */
} sentences[] = {
	{-EAGAIN, "%s is busy: %s; other loaders are in the way, load again"},
	{-ECONNRESET, "the connection to %s was lost: %s; load again when the server is back"},
	{-ENOSPC,
	 "no space is left for %s (%s); free some on the server and load again: the file that was "
	 "being loaded is not in it"},
	{-EROFS, "%s cannot be written: %s; name the server that takes writes with --db"},
	{-EACCES,
	 "the account may not do that in %s: %s; runmark-access(7) has the rights of each account"},
	{-EMSGSIZE, "a record is too big for %s: %s; set max_allowed_packet there to 16M or more"},
	{-EINVAL, "%s refuses the row: %s"},
	{-ENOENT, "%s lacks something: %s; run runmark-ingest --migrate with an account that may"},
};

/* Codes whose meaning is another one here. */
static int meaning(unsigned int code)
{
	/* Somebody else put the row in between our looking and our putting. */
	if (code == ER_DUP_ENTRY)
		return -EAGAIN;
	if (code == ER_BAD_FIELD_ERROR || code == ER_VIEW_INVALID)
		return -ENOENT;
	return mariadb_session_errno(code);
}

int mariadb_report(struct mariadb *self, unsigned int code, const char *text, char *message)
{
	int error = meaning(code);

	snprintf(message, BACKEND_MESSAGE_SIZE, "%s fails: %.200s (error %u)", self->place, text,
		 code);
	for (size_t i = 0; i < ARRAY_SIZE(sentences); i++)
		if (sentences[i].error == error) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
			snprintf(message, BACKEND_MESSAGE_SIZE, sentences[i].format, self->place,
				 text);
#pragma GCC diagnostic pop
		}
	if (error == -ECONNRESET) {
		self->is_lost = true;
		return -EAGAIN;
	}
	return error;
}

int mariadb_report_link(struct mariadb *self, struct mariadb_link *link)
{
	return mariadb_report(self, mysql_errno(link->server), mysql_error(link->server),
			      self->backend.message);
}
