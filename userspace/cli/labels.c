/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/labels.h"
#include "common/array.h"
#include <errno.h>

/* FNV-1a. That somebody can make texts of the same hash costs a walk, no more. */
static uint64_t hash_of(struct bytes data)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < data.len; i++)
		hash = (hash ^ (unsigned char)data.data[i]) * UINT64_C(0x100000001b3);
	return hash;
}

static int keep(struct labels *labels, uint32_t number, struct bytes data)
{
	struct bytes *items = array_grow(labels->items, number, &labels->size, sizeof(*items));
	char *copy = NULL;

	if (!items)
		return -ENOMEM;
	labels->items = items;
	items[number] = (struct bytes){0};
	if (data.data) {
		copy = malloc(data.len + 1);
		if (!copy)
			return -ENOMEM;
		memcpy(copy, data.data, data.len);
		copy[data.len] = '\0';
	}
	items[number] = (struct bytes){copy, data.len};
	return 0;
}

int labels_init(struct labels *labels)
{
	uint32_t number;
	int r;

	*labels = (struct labels){0};
	r = map_add(&labels->map, 0, &number, NULL);
	return r < 0 ? r : keep(labels, LABEL_NONE, (struct bytes){0});
}

void labels_done(struct labels *labels)
{
	for (uint32_t i = 0; labels->items && i < labels->map.count; i++)
		free((char *)labels->items[i].data);
	free(labels->items);
	map_done(&labels->map);
	*labels = (struct labels){0};
}

int labels_add(struct labels *labels, struct bytes data, uint32_t *ret)
{
	uint64_t hash = data.data ? hash_of(data) : 0;
	uint32_t number;
	bool is_new;
	int r;

	if (!data.data) {
		*ret = LABEL_NONE;
		return 0;
	}
	for (;; hash++) { /* another text had the hash: the next number is free, or this text's */
		if (!hash)
			continue; /* LABEL_NONE's */
		r = map_add(&labels->map, hash, &number, &is_new);
		if (r < 0)
			return r;
		if (is_new)
			r = keep(labels, number, data);
		else if (labels->items[number].len != data.len ||
			 memcmp(labels->items[number].data, data.data, data.len) != 0)
			continue;
		*ret = number;
		return r;
	}
}

int labels_compare(const struct labels *labels, uint32_t a, uint32_t b)
{
	struct bytes x = labels->items[a], y = labels->items[b];
	int order;

	if (!x.data || !y.data)
		return !x.data - !y.data;
	order = memcmp(x.data, y.data, MIN(x.len, y.len));
	return order ? order : (x.len > y.len) - (x.len < y.len);
}
