/* SPDX-License-Identifier: BSD-2-Clause */
/* Ids of entities that were used lately, in bounded memory. */
#pragma once

#include "ingest/mapping.h"

#define CACHE_KEYS_MAX	  (4 * 1024 * 1024) /* bytes of keys; twice, see cache.c */
#define CACHE_ENTRIES_MAX 49152		    /* likewise */

struct cache;

int cache_new(struct cache **ret);
void cache_free(struct cache *cache);

/*
 * key: count values that make the entity, of the number's table. False if the cache doesn't know
 * it. A key of more than 8 KiB is never known.
 */
bool cache_get(struct cache *cache, unsigned int number, const struct value *key, size_t count,
	       int64_t *ret_id);
void cache_put(struct cache *cache, unsigned int number, const struct value *key, size_t count,
	       int64_t id);

/* Forgets everything: after a rollback ids may be gone. */
void cache_clear(struct cache *cache);
