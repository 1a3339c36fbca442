/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Partitions by month: mYYYYMM holds the ids that begin with a time of that month (UTC), `older`
 * those before the first month, `later` those behind the last.
 */
#pragma once

#include "ingest/mariadb.h"

#include <time.h>

#define MONTHS_AHEAD 12

/* Makes the months that are missing, from the one before now's (or behind those that are there) to
 * MONTHS_AHEAD after it. Can be done again and again. 0 or negative errno. */
int mariadb_months_add(struct mariadb *self, time_t now);

/* See backend.h. */
int mariadb_months(struct backend *backend, int64_t before_us, uint64_t *ret_dropped);
