/* SPDX-License-Identifier: BSD-2-Clause */
#include "ingest/url.h"

#include <errno.h>

#define SQLITE_SCHEME "sqlite:"
#define MYSQL_SCHEME  "mysql://"

static int refuse(const char **ret_reason, const char *reason)
{
	*ret_reason = reason;
	return -EINVAL;
}

static int parse_sqlite(const char *path, struct database_url *url, const char **ret_reason)
{
	if (!*path)
		return refuse(ret_reason, "sqlite: needs the path of a file");
	strcpy(url->scheme, "sqlite");
	url->path = strdup(path);
	return url->path ? 0 : -ENOMEM;
}

static int parse_port(const char *text, uint16_t *ret)
{
	char *end;
	unsigned long port = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || !port || port > UINT16_MAX)
		return -EINVAL;
	*ret = (uint16_t)port;
	return 0;
}

/* host or host:port, which is cut in two. */
static int parse_host(char *host, struct database_url *url, const char **ret_reason)
{
	char *colon = strrchr(host, ':');

	if (colon) {
		if (parse_port(colon + 1, &url->port) < 0)
			return refuse(ret_reason, "the port is no number from 1 to 65535");
		*colon = '\0';
	}
	url->host = strdup(host);
	return url->host ? 0 : -ENOMEM;
}

static int parse_mysql(const char *text, struct database_url *url, const char **ret_reason)
{
	_cleanup_free_ char *copy = strdup(text);
	char *at, *slash, *query;
	int r;

	if (!copy)
		return -ENOMEM;
	query = strchr(copy, '?');
	if (query) {
		*query++ = '\0';
		if (strncmp(query, "socket=", 7) || !query[7])
			return refuse(ret_reason, "behind the ? only socket=PATH is known");
		url->path = strdup(query + 7);
		if (!url->path)
			return -ENOMEM;
	}
	at = strchr(copy, '@');
	slash = strchr(at ?: copy, '/');
	if (!at || at == copy || !slash || !slash[1])
		return refuse(ret_reason, "it must read mysql://user@host[:port]/database");
	*at = *slash = '\0';
	if (strchr(copy, ':'))
		return refuse(ret_reason, "a password does not belong on a command line");
	r = parse_host(at + 1, url, ret_reason);
	if (r < 0)
		return r;
	strcpy(url->scheme, "mysql");
	url->user = strdup(copy);
	url->database = strdup(slash + 1);
	return url->user && url->database ? 0 : -ENOMEM;
}

int url_parse(const char *text, struct database_url *ret, const char **ret_reason)
{
	_cleanup_(url_done) struct database_url url = {};
	int r;

	if (strlen(text) > URL_MAX)
		return refuse(ret_reason, "it is longer than 4096 bytes");
	if (!strncmp(text, SQLITE_SCHEME, strlen(SQLITE_SCHEME)))
		r = parse_sqlite(text + strlen(SQLITE_SCHEME), &url, ret_reason);
	else if (!strncmp(text, MYSQL_SCHEME, strlen(MYSQL_SCHEME)))
		r = parse_mysql(text + strlen(MYSQL_SCHEME), &url, ret_reason);
	else
		r = refuse(ret_reason, "it must read sqlite:PATH");
	if (r < 0)
		return r;
	*ret = url;
	url = (struct database_url){};
	return 0;
}

void url_done(struct database_url *url)
{
	free(url->path);
	free(url->user);
	free(url->host);
	free(url->database);
	*url = (struct database_url){};
}
