/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A session with MariaDB or MySQL, as both the loader and the reader want it: strict SQL whose
 * texts are UTF-8 and compare byte by byte, without anything of the server's configuration that
 * would change what a statement means. Names may be quoted as "name", || joins texts, a backslash
 * is a backslash.
 */
#pragma once

#include "database_url.h"
#include <mysql.h>

#define MARIADB_MESSAGE_SIZE	 512
#define MARIADB_PASSWORD_DEFAULT "/etc/runmark/db.password"
#define MARIADB_PASSWORD_MAX	 1024 /* bytes */

/*
 * The password: $RUNMARK_DB_PASSWORD, else the first line of the URL's password_file, else that of
 * MARIADB_PASSWORD_DEFAULT where it may be read, else none. A file that others may read is refused.
 *
 * answer_seconds: how long the server may take for an answer; 0: as long as it likes. On failure
 * message is one sentence with the way out; -EAGAIN: the server is not there now, or has no room;
 * -EPERM: the user was let in, but not to this database.
 * The caller closes *ret with mysql_close().
 */
int mariadb_session_open(const struct database_url *url, unsigned int answer_seconds, MYSQL **ret,
			 char message[MARIADB_MESSAGE_SIZE]);

/*
 * What the server's or the library's error number means: -EAGAIN where the same transaction may
 * succeed when begun again (-ECONNRESET: on a new connection), -EINVAL where it is the row's fault,
 * else what comes nearest.
 */
int mariadb_session_errno(unsigned int code);

/* "the database NAME at HOST", for sentences. Returns text. */
const char *mariadb_session_place(const struct database_url *url, char *text, size_t size);
