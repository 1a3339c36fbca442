/* SPDX-License-Identifier: BSD-2-Clause */
/* The shared objects of this process, as the dynamic loader lists them, with their notes read from
 * memory. No system call. */
#pragma once

#include "preload/item.h"
#include "preload/symbol.h"

/* How far the loader's list was read at the begin; it grows at its end. */
struct objects_mark {
	const void *last;	 /* object's headers */
	uint64_t added, removed; /* as the loader counts them; 0 if it doesn't */
};

/* All of them in the loader's order as RUN_ITEM_OBJECTs, the program itself as RUN_ITEM_PROGRAM.
 * Returns whether there may be more later: the objects that have these bases don't count there
 * (libc, the loader and this library). */
#define OBJECTS_APART 3
bool objects_put(struct writer *writer, iterate_fn *iterate,
		 const ElfW(Addr) apart[static OBJECTS_APART], struct objects_mark *ret);

/* Those that were opened since and still are. Returns how many have been closed since. */
uint32_t objects_put_since(struct writer *writer, iterate_fn *iterate,
			   const struct objects_mark *mark);
