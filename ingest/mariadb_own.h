/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "ingest/mariadb.h"

#define OWN_SUFFIX "_own" /* behind the name of the site's database; runmark knows it, too */

/*
 * Makes or renews the database of users' own data, where this account may: who may not make it
 * leaves the site without one, and that is all right. migrations: texts whose views it has, too.
 * The site's schema is up to date. 0 or negative errno.
 */
int mariadb_own(struct mariadb *self, const char *const *migrations, size_t count);
