/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Object sets and environments out of the database. Millions of runs share them, so that for
 * printing each is made once and kept as text.
 */
#pragma once

#include "cli/store.h"
#include <cjson/cJSON.h>

enum record_sets_form {
	RECORD_SETS_NONE,
	RECORD_SETS_TREE, /* to be looked into */
	RECORD_SETS_TEXT, /* raw JSON, to be printed only */
};

struct record_sets;

/* store is borrowed. 0 or negative errno. */
int record_sets_new(struct store *store, struct record_sets **ret);
void record_sets_free(struct record_sets *sets);

/*
 * Adds "objects", "env" and, where a value isn't UTF-8, "env_b64" of these row numbers (-1: none)
 * to the run; null where the set hasn't come to the database. 0 or negative errno.
 */
int record_sets_add(struct record_sets *sets, int64_t objects, int64_t env,
		    enum record_sets_form form, cJSON *run);
