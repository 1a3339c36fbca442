/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Texts of statements as MariaDB and MySQL write them, made from the mapping; those that all
 * databases share are in sql.h. The caller frees; NULL if memory ran out.
 */
#pragma once

#include "ingest/backend.h"

/* Over many rows or keys. */
enum mariadb_many {
	MANY_STATE,   /* keys -> key, state (1 where the table has none) */
	MANY_DELETE,  /* keys */
	MANY_INSERT,  /* rows; none may be there */
	MANY_KEEP,    /* rows; those that are there stay */
	MANY_REPLACE, /* rows; they take the place of those that are there */
	MANY_COUNT
};
char *mariadb_sql_many(const struct table *table, enum mariadb_many kind, unsigned int count);

/* key -> id. A path has two parameters: it is found by its hash, then compared. */
char *mariadb_sql_find(const struct table *table);
bool mariadb_sql_is_hashed(const struct table *table);

/* A row; if one with its key is there, that one's id is what was inserted last. */
char *mariadb_sql_entity(const struct table *table);
