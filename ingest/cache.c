/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two generations. New and used entries go to the young one; when that is full, the old one is
 * dropped and the young one becomes old. So what is in use stays, what is not goes within two
 * generations, and nothing has to be kept about the order of use.
 */
#include "ingest/cache.h"

#include <errno.h>
#include <xxhash.h>

#define KEY_MAX 8192  /* bytes of one key */
#define SLOTS	65536 /* a power of two, well above CACHE_ENTRIES_MAX */

struct slot {
	uint64_t hash; /* 0: free */
	int64_t id;
	uint32_t offset, len; /* of the key in keys */
};

struct generation {
	struct slot slots[SLOTS];
	char keys[CACHE_KEYS_MAX];
	size_t used, count;
};

struct cache {
	struct generation *young, *old;
	size_t key_len;
	char key[KEY_MAX]; /* that is looked up */
};

_Static_assert(CACHE_ENTRIES_MAX < SLOTS * 4 / 5, "probing needs free slots");

int cache_new(struct cache **ret)
{
	struct cache *cache = calloc(1, sizeof(*cache));

	if (cache) {
		cache->young = calloc(1, sizeof(*cache->young));
		cache->old = calloc(1, sizeof(*cache->old));
	}
	if (!cache || !cache->young || !cache->old) {
		cache_free(cache);
		return -ENOMEM;
	}
	*ret = cache;
	return 0;
}

void cache_free(struct cache *cache)
{
	if (cache) {
		free(cache->young);
		free(cache->old);
	}
	free(cache);
}

static void clear(struct generation *generation)
{
	memset(generation->slots, 0, sizeof(generation->slots));
	generation->used = generation->count = 0;
}

void cache_clear(struct cache *cache)
{
	clear(cache->young);
	clear(cache->old);
}

static bool put(struct cache *cache, const void *data, size_t len)
{
	if (len > KEY_MAX - cache->key_len)
		return false;
	if (len)
		memcpy(cache->key + cache->key_len, data, len);
	cache->key_len += len;
	return true;
}

/* The key's bytes, each value with its length, so that no two keys read alike. */
static bool make_key(struct cache *cache, unsigned int number, const struct value *key,
		     size_t count, uint64_t *ret_hash)
{
	cache->key_len = 0;
	if (!put(cache, &number, sizeof(number)))
		return false;
	for (size_t i = 0; i < count; i++) {
		int64_t head =
			key[i].type == VALUE_INTEGER ? key[i].integer : (int64_t)key[i].bytes.len;
		uint8_t type = (uint8_t)key[i].type;

		if (!put(cache, &type, sizeof(type)) || !put(cache, &head, sizeof(head)))
			return false;
		if (key[i].type != VALUE_INTEGER &&
		    !put(cache, key[i].bytes.data, key[i].bytes.len))
			return false;
	}
	*ret_hash = XXH3_64bits(cache->key, cache->key_len) | 1;
	return true;
}

/* The slot that has the key, or the free one where it belongs. */
static struct slot *find(struct cache *cache, struct generation *generation, uint64_t hash)
{
	size_t i = (hash >> 1) % SLOTS;

	for (;; i = (i + 1) % SLOTS) {
		struct slot *slot = &generation->slots[i];

		if (!slot->hash)
			return slot;
		if (slot->hash == hash && slot->len == cache->key_len &&
		    !memcmp(generation->keys + slot->offset, cache->key, slot->len))
			return slot;
	}
}

static void add(struct cache *cache, uint64_t hash, int64_t id)
{
	struct generation *young = cache->young;
	struct slot *slot;

	if (young->count == CACHE_ENTRIES_MAX || CACHE_KEYS_MAX - young->used < cache->key_len) {
		cache->young = cache->old;
		cache->old = young;
		young = cache->young;
		clear(young);
	}
	slot = find(cache, young, hash);
	if (!slot->hash) {
		memcpy(young->keys + young->used, cache->key, cache->key_len);
		*slot = (struct slot){.hash = hash,
				      .offset = (uint32_t)young->used,
				      .len = (uint32_t)cache->key_len};
		young->used += cache->key_len;
		young->count++;
	}
	slot->id = id;
}

bool cache_get(struct cache *cache, unsigned int number, const struct value *key, size_t count,
	       int64_t *ret_id)
{
	uint64_t hash;
	struct slot *slot;

	if (!make_key(cache, number, key, count, &hash))
		return false;
	slot = find(cache, cache->young, hash);
	if (!slot->hash) {
		slot = find(cache, cache->old, hash);
		if (!slot->hash)
			return false;
		*ret_id = slot->id;
		add(cache, hash, slot->id);
		return true;
	}
	*ret_id = slot->id;
	return true;
}

void cache_put(struct cache *cache, unsigned int number, const struct value *key, size_t count,
	       int64_t id)
{
	uint64_t hash;

	if (make_key(cache, number, key, count, &hash))
		add(cache, hash, id);
}
