/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory for one line: everything that cJSON and the conversions need while a line is read comes
 * from here and goes at once with the next line. That is several times faster than malloc and free
 * for each of a record's hundred values, and it bounds what a hostile line of four million brackets
 * may take.
 */
#pragma once

#include "common/util.h"

#define ARENA_MAX (20 * 1024 * 1024) /* bytes for one line; a line that needs more is refused */

/* From now on cJSON allocates here, in the whole program. Not for programs with threads. */
void arena_install(void);

/* NULL when the line has used up ARENA_MAX or memory ran out. Aligned for anything. */
void *arena_alloc(size_t size);

/* True if an allocation has failed since the last reset. */
bool arena_is_exhausted(void);

/* All that was allocated is gone. */
void arena_reset(void);

/* Returns the memory itself. */
void arena_done(void);
