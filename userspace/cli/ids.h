/* SPDX-License-Identifier: BSD-2-Clause */
/* A set of the database's row numbers: filled, sorted once, then asked. */
#pragma once

#include "common/util.h"

struct ids {
	int64_t *items;
	size_t count, size;
};

/* 0 or -ENOMEM. */
int ids_add(struct ids *ids, int64_t id);
/* Sorts, each once. Needed before ids_has. */
void ids_sort(struct ids *ids);
bool ids_has(const struct ids *ids, int64_t id);
void ids_done(struct ids *ids);

#define _cleanup_ids_ _cleanup_(ids_done)
