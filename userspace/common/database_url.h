/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a database is:
 *
 *	sqlite:PATH
 *	mysql://[user@][host][:port]/database[?parameter=value&…]	(mariadb:// is the same)
 *
 * In the second form %XX stands for a byte anywhere. Parameters are in the table of the source.
 */
#pragma once

#include "util.h"

#define URL_MAX	      4096 /* bytes */
#define URL_SITE_PATH "/var/lib/runmark/runmark.db"
#define URL_DEFAULT   "sqlite:" URL_SITE_PATH

enum url_tls {
	URL_TLS_AUTO,	  /* none to this machine, VERIFY where there is a ca, else REQUIRED */
	URL_TLS_OFF,	  /* in the clear */
	URL_TLS_REQUIRED, /* encrypted, to whoever answers */
	URL_TLS_VERIFY,	  /* and its certificate is for that host, by the ca or the system's */
};

struct database_url {
	char scheme[16]; /* sqlite or mysql */
	char *path;	 /* sqlite: of the file. mysql: the socket, or NULL */
	char *user;	 /* NULL: who runs the program */
	char *host;	 /* never "": localhost then */
	char *database;
	uint16_t port; /* 0: the usual one */
	enum url_tls tls;
	char *tls_ca, *tls_cert, *tls_key; /* PEM files, or NULL */
	char *password_file;		   /* or NULL */
};

/*
 * 0, -ENOMEM, or -EINVAL with *ret_reason (static: what is wrong, as half a sentence). A password
 * in the URL is refused, since everybody sees a command line.
 */
int url_parse(const char *text, struct database_url *ret, const char **ret_reason);
void url_done(struct database_url *url);
