/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers for keys: each distinct key gets the next number from 0 on, so that what is kept of it
 * can stand in an array. About 20 bytes a key.
 */
#pragma once

#include "common/util.h"

#define MAP_MAX UINT32_MAX /* keys at most; beyond: -E2BIG */

struct map {
	uint64_t *keys;
	uint32_t *numbers; /* + 1; 0: the slot is free */
	size_t size;	   /* slots, a power of two */
	uint32_t count;	   /* keys */
};

/* The key's number; *ret_is_new (may be NULL) says whether it has just been given. 0, -ENOMEM or
 * -E2BIG. */
int map_add(struct map *map, uint64_t key, uint32_t *ret, bool *ret_is_new);
/* True if the key is there. */
bool map_find(const struct map *map, uint64_t key, uint32_t *ret);
void map_done(struct map *map);

static inline uint64_t map_pair(uint32_t high, uint32_t low)
{
	return (uint64_t)high << 32 | low;
}

/*
 * The same for row numbers of the database, of which most are small: those are found without a
 * search.
 */
struct index {
	uint32_t *dense; /* + 1, by row number */
	size_t dense_size;
	struct map sparse; /* the others'; its own numbers are looked up in others */
	uint32_t *others;
	size_t other_size;
	int64_t *ids; /* by number */
	size_t id_size;
	uint32_t count;
};

#define INDEX_DENSE_MAX (UINT32_C(1) << 22) /* 16 MiB */

int index_add(struct index *index, int64_t id, uint32_t *ret, bool *ret_is_new);
bool index_find(const struct index *index, int64_t id, uint32_t *ret);
void index_done(struct index *index);
