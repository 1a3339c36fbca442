/* SPDX-License-Identifier: BSD-2-Clause */
/* Sets of row numbers. */
#include "cli/ids.h"
#include "common/array.h"
#include <errno.h>

int ids_add(struct ids *ids, int64_t id)
{
	int64_t *items = array_grow(ids->items, ids->count, &ids->size, sizeof(*items));

	if (!items)
		return -ENOMEM;
	ids->items = items;
	items[ids->count++] = id;
	return 0;
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

void ids_sort(struct ids *ids)
{
	size_t kept = 0;

	if (!ids->count)
		return;
	qsort(ids->items, ids->count, sizeof(*ids->items), compare);
	for (size_t i = 0; i < ids->count; i++)
		if (!kept || ids->items[kept - 1] != ids->items[i])
			ids->items[kept++] = ids->items[i];
	ids->count = kept;
}

bool ids_has(const struct ids *ids, int64_t id)
{
	return ids->count && bsearch(&id, ids->items, ids->count, sizeof(id), compare);
}

void ids_done(struct ids *ids)
{
	free(ids->items);
	*ids = (struct ids){0};
}
