/* SPDX-License-Identifier: BSD-2-Clause */
/* Arrays that grow. */
#pragma once

#include "common/util.h"

/*
 * Makes room for one more item in a growing array: items, with room for *size of item_size bytes.
 * NULL: out of memory, and the array is as it was.
 */
void *array_grow(void *items, size_t count, size_t *size, size_t item_size);
