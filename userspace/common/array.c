/* SPDX-License-Identifier: BSD-2-Clause */
/* Each time twice as many: what is copied is, all in all, as much as what is there. */
#include "common/array.h"

void *array_grow(void *items, size_t count, size_t *size, size_t item_size)
{
	size_t wanted = *size ? *size * 2 : 64;
	void *grown;

	if (count < *size)
		return items;
	grown = reallocarray(items, wanted, item_size);
	if (grown)
		*size = wanted;
	return grown;
}
