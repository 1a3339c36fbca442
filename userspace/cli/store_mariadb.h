/* SPDX-License-Identifier: BSD-2-Clause */
/* What the two halves of the MariaDB/MySQL back end know of each other: store_mariadb.c. */
#pragma once

#include "cli/store.h"
#include "common/mariadb_session.h"

#define STORE_MESSAGE_SIZE (2 * MARIADB_MESSAGE_SIZE)

/* Who has no right to the site's database may have one to that with the views of what is their own:
 * schema/mariadb/own.sql. */
#define OWN_SUFFIX "_own"

struct connection {
	MYSQL *server;
	bool is_own;			  /* OWN_SUFFIX */
	char message[STORE_MESSAGE_SIZE]; /* of the last failure */
};

struct statement;

/* Notes the failure that the client library told, with the way out. Negative errno. */
int mariadb_fail(struct connection *connection, unsigned int code, const char *text);

/* As struct store_backend says. */
int mariadb_prepare(void *connection, const char *sql, void **ret);
void mariadb_finalize(void *statement);
int mariadb_reset(void *statement);
void mariadb_stream(void *statement);
int mariadb_bind_int(void *statement, int index, int64_t value);
int mariadb_bind_text(void *statement, int index, struct bytes value);
int mariadb_bind_blob(void *statement, int index, struct bytes value);
int mariadb_step(void *statement);
bool mariadb_is_null(void *statement, int column);
int64_t mariadb_get_int(void *statement, int column);
struct bytes mariadb_get_bytes(void *statement, int column);
