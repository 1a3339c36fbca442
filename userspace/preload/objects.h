/* SPDX-License-Identifier: BSD-2-Clause */
/* The shared objects of this process, as the dynamic loader lists them, with their notes read from
 * memory. */
#pragma once

#include "preload/item.h"

/* All of them in the loader's order as RUN_ITEM_OBJECTs, the program itself as RUN_ITEM_PROGRAM. No
 * system call. */
void objects_put(struct writer *writer);

/* How many the loader has ever taken in; 0 if it doesn't tell. */
uint64_t objects_added(void);
