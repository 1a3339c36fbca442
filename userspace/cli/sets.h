/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Object sets and environments by hash, for records that come as a stream (tail): a spool file
 * holds each set once, before the first record that refers to it. Who begins to listen in the
 * middle finds earlier ones in the daemon's open file.
 */
#pragma once

#include "common/util.h"
#include <cjson/cJSON.h>

#define SETS_MAX 4096 /* more are forgotten all at once; they are found again in the open file */

struct sets {
	cJSON *by_hash; /* object: hash -> set record */
	size_t count;
	char *open_file; /* the daemon's open spool file, or NULL */
};

int sets_init(struct sets *sets, const char *open_file);
void sets_done(struct sets *sets);

/* Takes the record if it is a set (true), also when memory runs out. */
bool sets_take(struct sets *sets, cJSON *record);

/* Adds "objects" and "env" (with "env_b64") to a run from its sets; null where one isn't known. */
int sets_fill(struct sets *sets, cJSON *run);
