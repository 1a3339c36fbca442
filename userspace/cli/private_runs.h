/* SPDX-License-Identifier: BSD-2-Clause */
/* The runs in spool files, each once, and what they had mapped. */
#pragma once

#include "cli/private.h"

#include <cjson/cJSON.h>

struct private_runs;

/* Reads all whole spool files of that folder. May be called for several. 0 or negative errno. */
int private_runs_read(struct private_runs *runs, const char *folder);
/* NULL: out of memory. */
struct private_runs *private_runs_new(void);
void private_runs_free(struct private_runs *runs);

/* Each run in the order of their starts; of one that has not ended, its start record. each returns
 * 0, or negative errno, which ends it. */
int private_runs_each(struct private_runs *runs, int (*each)(void *arg, const cJSON *run),
		      void *arg);
/* The set of that hash; NULL if there is none. */
const cJSON *private_runs_set(const struct private_runs *runs, const cJSON *hash);
