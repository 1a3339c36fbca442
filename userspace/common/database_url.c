/* SPDX-License-Identifier: BSD-2-Clause */
#include "database_url.h"
#include "text.h"

#include <errno.h>

#define SQLITE_SCHEME "sqlite:"

static const char *const mysql_schemes[] = {"mysql://", "mariadb://"};

static const struct {
	const char *name;
	enum url_tls tls;
} tls_words[] = {
	{"off", URL_TLS_OFF},
	{"required", URL_TLS_REQUIRED},
	{"verify", URL_TLS_VERIFY},
};

/* Behind the ?; each is a text of the URL. */
static const struct {
	const char *name;
	size_t offset;
} parameters[] = {
	{"socket", offsetof(struct database_url, path)},
	{"ssl_ca", offsetof(struct database_url, tls_ca)},
	{"ssl_cert", offsetof(struct database_url, tls_cert)},
	{"ssl_key", offsetof(struct database_url, tls_key)},
	{"password_file", offsetof(struct database_url, password_file)},
};

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

/* A copy of text with each %XX as the byte it stands for. */
static int decode(const char *text, char **ret, const char **ret_reason)
{
	_cleanup_free_ char *copy = malloc(strlen(text) + 1);
	char *to = copy;

	if (!copy)
		return -ENOMEM;
	for (; *text; text++) {
		char hex[3] = {};

		*to = *text;
		if (*text == '%') {
			memcpy(hex, text + 1, strnlen(text + 1, 2));
			if (text_from_hex(hex, to, 1) != 1 || !*to)
				return refuse(ret_reason, "behind a % two hex digits other than "
							  "00 must stand");
			text += 2;
		}
		to++;
	}
	*to = '\0';
	free(*ret);
	*ret = TAKE_PTR(copy);
	return 0;
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

/* host, host:port, [host]:port or nothing; it is cut. */
static int parse_host(char *host, struct database_url *url, const char **ret_reason)
{
	char *close = *host == '[' ? strchr(host, ']') : NULL;
	char *colon = strrchr(close ?: host, ':');

	if (*host == '[' && !close)
		return refuse(ret_reason, "the [ of an address has no ]");
	if (close && close[1] && close[1] != ':')
		return refuse(ret_reason, "behind the ] only :port may stand");
	if (colon) {
		if (parse_port(colon + 1, &url->port) < 0)
			return refuse(ret_reason, "the port is no number from 1 to 65535");
		*colon = '\0';
	}
	if (close) {
		*close = '\0';
		host++;
	}
	return decode(*host ? host : "localhost", &url->host, ret_reason);
}

static int parse_tls(const char *value, struct database_url *url, const char **ret_reason)
{
	for (size_t i = 0; i < ARRAY_SIZE(tls_words); i++)
		if (!strcmp(value, tls_words[i].name)) {
			url->tls = tls_words[i].tls;
			return 0;
		}
	return refuse(ret_reason, "ssl is off, required or verify");
}

static int parse_parameter(char *parameter, struct database_url *url, const char **ret_reason)
{
	char *value = strchr(parameter, '=');

	if (!value || !value[1])
		return refuse(ret_reason, "behind the ? each parameter needs a value: name=value");
	*value++ = '\0';
	if (!strcmp(parameter, "password"))
		return refuse(ret_reason, "a password does not belong on a command line; use "
					  "password_file=PATH");
	if (!strcmp(parameter, "ssl"))
		return parse_tls(value, url, ret_reason);
	for (size_t i = 0; i < ARRAY_SIZE(parameters); i++)
		if (!strcmp(parameter, parameters[i].name))
			return decode(value, (char **)((char *)url + parameters[i].offset),
				      ret_reason);
	return refuse(ret_reason, "behind the ? only socket, ssl, ssl_ca, ssl_cert, ssl_key and "
				  "password_file are known");
}

/* name=value&name=value, which is cut. */
static int parse_parameters(char *query, struct database_url *url, const char **ret_reason)
{
	char *parameter, *rest = query;

	while ((parameter = strsep(&rest, "&"))) {
		int r = parse_parameter(parameter, url, ret_reason);

		if (r < 0)
			return r;
	}
	if (url->tls == URL_TLS_OFF && (url->tls_ca || url->tls_cert))
		return refuse(ret_reason, "ssl=off and certificates exclude each other");
	if (!url->tls_cert != !url->tls_key)
		return refuse(ret_reason, "ssl_cert and ssl_key come together");
	return 0;
}

/* [user@]host[:port]/database, which is cut. */
static int parse_place(char *place, struct database_url *url, const char **ret_reason)
{
	char *slash = strchr(place, '/'), *at;
	int r;

	if (!slash || !slash[1] || strchr(slash + 1, '/'))
		return refuse(ret_reason, "it must read mysql://user@host[:port]/database");
	*slash = '\0';
	r = decode(slash + 1, &url->database, ret_reason);
	at = strrchr(place, '@');
	if (r == 0 && at) {
		*at = '\0';
		if (strchr(place, ':'))
			return refuse(ret_reason, "a password does not belong on a command line; "
						  "use ?password_file=PATH");
		if (*place)
			r = decode(place, &url->user, ret_reason);
	}
	return r < 0 ? r : parse_host(at ? at + 1 : place, url, ret_reason);
}

static int parse_mysql(const char *text, struct database_url *url, const char **ret_reason)
{
	_cleanup_free_ char *copy = strdup(text);
	char *query;
	int r;

	if (!copy)
		return -ENOMEM;
	strcpy(url->scheme, "mysql");
	query = strchr(copy, '?');
	if (query)
		*query++ = '\0';
	r = parse_place(copy, url, ret_reason);
	return r < 0 || !query ? r : parse_parameters(query, url, ret_reason);
}

int url_parse(const char *text, struct database_url *ret, const char **ret_reason)
{
	_cleanup_(url_done) struct database_url url = {};
	int r;

	if (strlen(text) > URL_MAX)
		return refuse(ret_reason, "it is longer than 4096 bytes");
	r = refuse(ret_reason, "it must read sqlite:PATH or mysql://user@host[:port]/database");
	if (!strncmp(text, SQLITE_SCHEME, strlen(SQLITE_SCHEME)))
		r = parse_sqlite(text + strlen(SQLITE_SCHEME), &url, ret_reason);
	for (size_t i = 0; i < ARRAY_SIZE(mysql_schemes); i++)
		if (!strncmp(text, mysql_schemes[i], strlen(mysql_schemes[i])))
			r = parse_mysql(text + strlen(mysql_schemes[i]), &url, ret_reason);
	if (r < 0)
		return r;
	*ret = url;
	url = (struct database_url){};
	return 0;
}

void url_done(struct database_url *url)
{
	char *const texts[] = {url->path,   url->user,	   url->host,	 url->database,
			       url->tls_ca, url->tls_cert, url->tls_key, url->password_file};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		free(texts[i]);
	*url = (struct database_url){};
}
