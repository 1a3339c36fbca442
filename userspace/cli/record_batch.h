/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records of keys that come one by one, read several at once: the way from run_search() to a
 * printer. A round trip to a server takes longer than reading many records there.
 */
#pragma once

#include "cli/records.h"

struct record_batch {
	struct records *records;
	enum record_sets_form form;
	/* Takes the record; NULL: what is stored makes no sense. Another result than 0 ends all. */
	int (*take)(void *arg, cJSON *record);
	void *arg;
	struct records_item items[RECORDS_AT_ONCE];
	size_t count;
};

/* For run_search(): batch is a struct record_batch. Records that are gone are left out. */
int record_batch_add(void *batch, const struct run_key *key);
/* After the last key. 0, what take returned, or negative errno. */
int record_batch_end(struct record_batch *batch);
