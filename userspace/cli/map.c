/* SPDX-License-Identifier: BSD-2-Clause */
/* Open addressing, at most two thirds full. */
#include "cli/map.h"
#include "common/array.h"
#include <errno.h>

#define FIRST_SIZE 64

/* Finalizer of MurmurHash3 by Austin Appleby (public domain): every bit of the key moves every bit.
 */
static uint64_t scatter(uint64_t key)
{
	key ^= key >> 33;
	key *= UINT64_C(0xff51afd7ed558ccd);
	key ^= key >> 33;
	key *= UINT64_C(0xc4ceb9fe1a85ec53);
	return key ^ key >> 33;
}

/* The slot that has the key, or the free one where it belongs. */
static size_t slot_of(const struct map *map, uint64_t key)
{
	size_t slot = scatter(key) & (map->size - 1);

	while (map->numbers[slot] && map->keys[slot] != key)
		slot = (slot + 1) & (map->size - 1);
	return slot;
}

static int resize(struct map *map, size_t size)
{
	struct map wider = {.size = size, .count = map->count};

	wider.keys = reallocarray(NULL, size, sizeof(*wider.keys));
	wider.numbers = calloc(size, sizeof(*wider.numbers));
	if (!wider.keys || !wider.numbers) {
		map_done(&wider);
		return -ENOMEM;
	}
	for (size_t i = 0; i < map->size; i++)
		if (map->numbers[i]) {
			size_t slot = slot_of(&wider, map->keys[i]);

			wider.keys[slot] = map->keys[i];
			wider.numbers[slot] = map->numbers[i];
		}
	map_done(map);
	*map = wider;
	return 0;
}

int map_add(struct map *map, uint64_t key, uint32_t *ret, bool *ret_is_new)
{
	size_t slot;
	int r;

	if (map->count >= map->size / 3 * 2) {
		r = resize(map, map->size ? map->size * 2 : FIRST_SIZE);
		if (r < 0)
			return r;
	}
	slot = slot_of(map, key);
	if (ret_is_new)
		*ret_is_new = !map->numbers[slot];
	if (!map->numbers[slot]) {
		if (map->count == MAP_MAX - 1)
			return -E2BIG;
		map->keys[slot] = key;
		map->numbers[slot] = ++map->count;
	}
	if (ret)
		*ret = map->numbers[slot] - 1;
	return 0;
}

bool map_find(const struct map *map, uint64_t key, uint32_t *ret)
{
	size_t slot = map->size ? slot_of(map, key) : 0;

	if (!map->size || !map->numbers[slot])
		return false;
	*ret = map->numbers[slot] - 1;
	return true;
}

void map_done(struct map *map)
{
	free(map->keys);
	free(map->numbers);
	*map = (struct map){0};
}

/* ---- row numbers */

/* Room for the id in dense. */
static int widen(struct index *index, uint64_t id)
{
	size_t size = MAX(index->dense_size, FIRST_SIZE);
	uint32_t *dense;

	while (size <= id)
		size *= 2;
	dense = reallocarray(index->dense, size, sizeof(*dense));
	if (!dense)
		return -ENOMEM;
	memset(dense + index->dense_size, 0, (size - index->dense_size) * sizeof(*dense));
	index->dense = dense;
	index->dense_size = size;
	return 0;
}

/* Where the id's number + 1 stands, or is to stand: 0 there. */
static int place_of(struct index *index, int64_t id, uint32_t **ret)
{
	uint32_t number, *others;
	bool is_new;
	int r = 0;

	if ((uint64_t)id < INDEX_DENSE_MAX) {
		if ((uint64_t)id >= index->dense_size)
			r = widen(index, (uint64_t)id);
		if (r >= 0)
			*ret = &index->dense[id];
		return r;
	}
	r = map_add(&index->sparse, (uint64_t)id, &number, &is_new);
	if (r < 0)
		return r;
	others = array_grow(index->others, number, &index->other_size, sizeof(*others));
	if (!others)
		return -ENOMEM;
	index->others = others;
	if (is_new)
		others[number] = 0;
	*ret = &others[number];
	return 0;
}

int index_add(struct index *index, int64_t id, uint32_t *ret, bool *ret_is_new)
{
	uint32_t *place;
	int64_t *ids;
	int r = place_of(index, id, &place);

	if (r < 0)
		return r;
	*ret_is_new = !*place;
	if (!*place) {
		ids = array_grow(index->ids, index->count, &index->id_size, sizeof(*ids));
		if (!ids)
			return -ENOMEM;
		index->ids = ids;
		ids[index->count] = id;
		*place = ++index->count;
	}
	*ret = *place - 1;
	return 0;
}

bool index_find(const struct index *index, int64_t id, uint32_t *ret)
{
	uint32_t found = 0, number;

	if ((uint64_t)id < index->dense_size)
		found = index->dense[id];
	else if (map_find(&index->sparse, (uint64_t)id, &number))
		found = index->others[number];
	*ret = found - 1;
	return found;
}

void index_done(struct index *index)
{
	map_done(&index->sparse);
	free(index->dense);
	free(index->others);
	free(index->ids);
	*index = (struct index){0};
}
