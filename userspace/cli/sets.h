/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Object sets and environments by hash, for records that come as a stream (tail). The daemon sends
 * records; their sets stand in the spool file that it writes, each once a file, before the first
 * record that refers to it. So that file is read along. It is held open: when the daemon closes it,
 * what was not read yet is still there.
 */
#pragma once

#include "common/util.h"
#include <cjson/cJSON.h>

#define SETS_MAX	 4096 /* kept of one file; two files are kept */
#define SETS_PATIENCE_MS 1500 /* the daemon writes out a second after it sends, at most */

struct sets {
	cJSON *known, *before; /* objects: hash -> set record; of this file, of the last one */
	size_t count;	       /* of known */
	const char *socket;    /* the daemon's, to ask for its open file; borrowed */
	char *path;	       /* of the open file, NULL: none */
	FILE *file;
};

/* 0 or -ENOMEM. */
int sets_init(struct sets *sets, const char *socket);
void sets_done(struct sets *sets);

/* Takes the record (true) if it is a set. */
bool sets_take(struct sets *sets, cJSON *record);

/* Adds "objects" and "env" (with "env_b64") to a run from its sets; null where one can't be found.
 * 0 or -ENOMEM. */
int sets_fill(struct sets *sets, cJSON *run);
