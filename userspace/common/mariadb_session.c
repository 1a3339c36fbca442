/* SPDX-License-Identifier: BSD-2-Clause */
#include "mariadb_session.h"
#include "fs.h"

#include <errmsg.h>
#include <errno.h>
#include <mysqld_error.h>
#include <pwd.h>
#include <stdarg.h>
#include <sys/stat.h>

#define CONNECT_SECONDS 10
#define PASSWORD_MODE	0640 /* a password file may have no bit besides */

/* Codes that not every version of the headers has. */
#define ERROR_ACCESS_DENIED_PLUGIN  1698 /* ER_ACCESS_DENIED_NO_PASSWORD_ERROR */
#define ERROR_READ_ONLY_TRANSACTION 1792
#define ERROR_DISK_FULL		    1021
#define ERROR_TEMPFILE_WRITE	    3

static const struct {
	unsigned int code;
	int error;
} meanings[] = {
	{ER_LOCK_DEADLOCK, -EAGAIN},
	{ER_LOCK_WAIT_TIMEOUT, -EAGAIN},
	{ER_CHECKREAD, -EAGAIN},
	{ER_UNKNOWN_COM_ERROR, -EAGAIN}, /* Galera: the node is not ready for use */
	{ER_CON_COUNT_ERROR, -EAGAIN},
	{ER_TOO_MANY_USER_CONNECTIONS, -EAGAIN},
	{CR_CONNECTION_ERROR, -ECONNRESET},
	{CR_CONN_HOST_ERROR, -ECONNRESET},
	{CR_SERVER_GONE_ERROR, -ECONNRESET},
	{CR_SERVER_LOST, -ECONNRESET},
	{CR_SERVER_HANDSHAKE_ERR, -ECONNRESET},
	{ER_SERVER_SHUTDOWN, -ECONNRESET},
	{ER_NORMAL_SHUTDOWN, -ECONNRESET},
	{ER_CONNECTION_KILLED, -ECONNRESET},
	{ER_NEW_ABORTING_CONNECTION, -ECONNRESET},
	{ER_NET_READ_ERROR, -ECONNRESET},
	{ER_NET_READ_INTERRUPTED, -ECONNRESET},
	{ER_NET_ERROR_ON_WRITE, -ECONNRESET},
	{ER_QUERY_INTERRUPTED, -EAGAIN},
	{ER_DATA_TOO_LONG, -EINVAL},
	{ER_TRUNCATED_WRONG_VALUE_FOR_FIELD, -EINVAL},
	{ER_WARN_DATA_OUT_OF_RANGE, -EINVAL},
	{ER_TOO_BIG_ROWSIZE, -EINVAL},
	{ER_NET_PACKET_TOO_LARGE, -EMSGSIZE},
	{CR_NET_PACKET_TOO_LARGE, -EMSGSIZE},
	{ER_RECORD_FILE_FULL, -ENOSPC},
	{ERROR_DISK_FULL, -ENOSPC},
	{ER_ERROR_ON_WRITE, -ENOSPC},
	{ERROR_TEMPFILE_WRITE, -ENOSPC},
	{ER_OPTION_PREVENTS_STATEMENT, -EROFS},
	{ERROR_READ_ONLY_TRANSACTION, -EROFS},
	{ER_ACCESS_DENIED_ERROR, -EACCES},
	{ERROR_ACCESS_DENIED_PLUGIN, -EACCES},
	{ER_DBACCESS_DENIED_ERROR, -EPERM}, /* let in, but not to this database */
	{ER_TABLEACCESS_DENIED_ERROR, -EACCES},
	{ER_COLUMNACCESS_DENIED_ERROR, -EACCES},
	{ER_SPECIFIC_ACCESS_DENIED_ERROR, -EACCES},
	{ER_BAD_DB_ERROR, -ENOENT},
	{ER_NO_SUCH_TABLE, -ENOENT},
	{CR_OUT_OF_MEMORY, -ENOMEM},
	{CR_UNKNOWN_HOST, -ENOENT},
};

int mariadb_session_errno(unsigned int code)
{
	for (size_t i = 0; i < ARRAY_SIZE(meanings); i++)
		if (meanings[i].code == code)
			return meanings[i].error;
	return -EIO;
}

const char *mariadb_session_place(const struct database_url *url, char *text, size_t size)
{
	snprintf(text, size, "the database %s at %s", url->database, url->path ?: url->host);
	return text;
}

static int refuse(char message[MARIADB_MESSAGE_SIZE], int error, const char *format, ...)
	PRINTF_LIKE(3, 4);
static int refuse(char message[MARIADB_MESSAGE_SIZE], int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(message, MARIADB_MESSAGE_SIZE, format, args);
	va_end(args);
	return error;
}

/* The first line of a file that is as private as it should be. */
static int read_password(const char *path, char *ret, char message[MARIADB_MESSAGE_SIZE])
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	ssize_t len;

	if (fd < 0 || fstat(fd, &st))
		return refuse(message, -errno, "cannot read the password file %s: %s", path,
			      strerrordesc_np(errno));
	if (!S_ISREG(st.st_mode))
		return refuse(message, -EINVAL, "the password file %s is no regular file", path);
	if (st.st_mode & 07777 & ~PASSWORD_MODE)
		return refuse(message, -EPERM,
			      "the password file %s may be read or changed by others (mode %04o); "
			      "run: chmod 640 %s",
			      path, st.st_mode & 07777, path);
	len = fs_read_all(fd, ret, MARIADB_PASSWORD_MAX + 1);
	if (len < 0)
		return refuse(message, (int)len, "cannot read the password file %s: %s", path,
			      strerrordesc_np((int)-len));
	ret[MIN(len, MARIADB_PASSWORD_MAX)] = '\0';
	if (strcspn(ret, "\r\n") == MARIADB_PASSWORD_MAX)
		return refuse(message, -E2BIG, "the password in %s is longer than %d bytes", path,
			      MARIADB_PASSWORD_MAX - 1);
	ret[strcspn(ret, "\r\n")] = '\0';
	return 0;
}

/* "" if there is none. */
static int find_password(const struct database_url *url, char ret[MARIADB_PASSWORD_MAX + 1],
			 char message[MARIADB_MESSAGE_SIZE])
{
	const char *given = secure_getenv("RUNMARK_DB_PASSWORD");

	*ret = '\0';
	if (given) {
		if (strlen(given) >= MARIADB_PASSWORD_MAX)
			return refuse(message, -E2BIG,
				      "the password in RUNMARK_DB_PASSWORD is longer than %d bytes",
				      MARIADB_PASSWORD_MAX - 1);
		strcpy(ret, given);
		return 0;
	}
	if (url->password_file)
		return read_password(url->password_file, ret, message);
	if (access(MARIADB_PASSWORD_DEFAULT, R_OK))
		return 0;
	return read_password(MARIADB_PASSWORD_DEFAULT, ret, message);
}

static bool is_here(const struct database_url *url)
{
	return url->path || !strcmp(url->host, "localhost") || !strcmp(url->host, "127.0.0.1") ||
	       !strcmp(url->host, "::1");
}

static enum url_tls tls_of(const struct database_url *url)
{
	if (url->tls != URL_TLS_AUTO)
		return url->tls;
	return url->tls_ca ? URL_TLS_VERIFY : is_here(url) ? URL_TLS_OFF : URL_TLS_REQUIRED;
}

static void set_options(MYSQL *mysql, const struct database_url *url, unsigned int answer_seconds)
{
	static const unsigned int off, connect_seconds = CONNECT_SECONDS, tcp = MYSQL_PROTOCOL_TCP;
	my_bool is_on = tls_of(url) != URL_TLS_OFF, is_verified = tls_of(url) == URL_TLS_VERIFY;

	mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &connect_seconds);
	mysql_options(mysql, MYSQL_OPT_READ_TIMEOUT, &answer_seconds);
	mysql_options(mysql, MYSQL_OPT_WRITE_TIMEOUT, &answer_seconds);
	mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &off);
	mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	/* Else "localhost" would mean the usual socket, whatever the port. */
	if (url->port && !url->path)
		mysql_options(mysql, MYSQL_OPT_PROTOCOL, &tcp);
	if (is_on)
		mysql_ssl_set(mysql, url->tls_key, url->tls_cert, url->tls_ca, NULL, NULL);
	mysql_options(mysql, MYSQL_OPT_SSL_ENFORCE, &is_on);
	mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &is_verified);
}

/* What the session's statements mean; the server's own settings don't matter then. */
static int set_session(MYSQL *mysql)
{
	static const char *const settings[] = {
		"SET NAMES utf8mb4 COLLATE utf8mb4_bin",
		("SET SESSION sql_mode = 'STRICT_ALL_TABLES,ANSI_QUOTES,PIPES_AS_CONCAT,"
		 "NO_BACKSLASH_ESCAPES,NO_ENGINE_SUBSTITUTION'"),
		"SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
	};

	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		if (mysql_query(mysql, settings[i]))
			return -EIO;
	return 0;
}

/* Whose name the server hears; "" if the system knows none. */
static const char *user_name(const struct database_url *url)
{
	const struct passwd *entry;

	if (url->user)
		return url->user;
	entry = getpwuid(geteuid());
	return entry ? entry->pw_name : "";
}

static int fail(const struct database_url *url, unsigned int code, const char *text,
		char message[MARIADB_MESSAGE_SIZE])
{
	int error = mariadb_session_errno(code);
	const char *way_out = "";
	char place[256];

	if (code == ER_CON_COUNT_ERROR) {
		way_out = "; try again later, or raise max_connections there";
	} else if (error == -EAGAIN || error == -ECONNRESET) {
		error = -EAGAIN;
		way_out = "; is the server up, and is this its socket, or host and port?";
	} else if (error == -EACCES || error == -EPERM) {
		way_out = "; check the account, its password (password_file=PATH or "
			  "RUNMARK_DB_PASSWORD) and its rights";
	} else if (code == ER_BAD_DB_ERROR) {
		way_out = "; make it with CREATE DATABASE, then run runmark-ingest --migrate";
	} else if (code == CR_SSL_CONNECTION_ERROR) {
		way_out = "; give the server TLS and name its authority (ssl_ca=PATH), or accept "
			  "a connection in the clear (ssl=off)";
	}
	return refuse(message, error, "cannot open %s as %s: %s%s",
		      mariadb_session_place(url, place, sizeof(place)), user_name(url), text,
		      way_out);
}

int mariadb_session_open(const struct database_url *url, unsigned int answer_seconds, MYSQL **ret,
			 char message[MARIADB_MESSAGE_SIZE])
{
	char password[MARIADB_PASSWORD_MAX + 2];
	int r = find_password(url, password, message);
	MYSQL *mysql;

	if (r < 0)
		return r;
	mysql = mysql_init(NULL);
	if (!mysql)
		return refuse(message, -ENOMEM, "memory ran out");
	set_options(mysql, url, answer_seconds);
	if (!mysql_real_connect(mysql, url->host, user_name(url), password, url->database,
				url->port, url->path, 0) ||
	    set_session(mysql) < 0)
		r = fail(url, mysql_errno(mysql), mysql_error(mysql), message);
	else if (tls_of(url) != URL_TLS_OFF && !mysql_get_ssl_cipher(mysql))
		/* The library goes on in the clear where the server offers nothing else. */
		r = fail(url, CR_SSL_CONNECTION_ERROR, "the server offers no TLS", message);
	explicit_bzero(password, sizeof(password));
	if (r < 0) {
		mysql_close(mysql);
		return r;
	}
	*ret = mysql;
	return 0;
}
