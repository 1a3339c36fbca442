/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a database is: sqlite:PATH, or mysql://user@host[:port]/database[?socket=PATH]. */
#pragma once

#include "common/util.h"

#define URL_MAX	    4096 /* bytes */
#define URL_DEFAULT "sqlite:/var/lib/runmark/runmark.db"

struct database_url {
	char scheme[16];
	char *path; /* sqlite: of the file. mysql: the socket, or NULL */
	char *user, *host, *database;
	uint16_t port; /* 0: the usual one */
};

/*
 * 0, or -EINVAL with *ret_reason (static: what is wrong, as half a sentence). A password in the URL
 * is refused, since everybody sees a command line.
 */
int url_parse(const char *text, struct database_url *ret, const char **ret_reason);
void url_done(struct database_url *url);
