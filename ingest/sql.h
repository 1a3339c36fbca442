/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Texts of statements, made from the mapping. Only what all back ends write alike; the way to say
 * "unless it is there" is each one's own. The caller frees; NULL if memory ran out. Parameters are
 * ?, in order.
 */
#pragma once

#include "ingest/mapping.h"

char *sql_find(const struct table *table);   /* key -> id */
char *sql_insert(const struct table *table); /* all columns; without a word on conflicts */
char *sql_get(const struct table *table);    /* id -> all columns */
char *sql_each(const struct table *table);   /* -> id, all columns; by id */
char *sql_update(const struct table *table, size_t first, size_t count); /* columns, id */
char *sql_erase(const struct table *table, size_t column);
