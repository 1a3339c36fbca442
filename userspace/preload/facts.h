/* SPDX-License-Identifier: BSD-2-Clause */
/* What a process can tell of itself at its begin, by few system calls, each of which may fail. */
#pragma once

#include "preload/item.h"
#include "preload/start.h"

/* Everything but strings and objects. */
void facts_put(struct writer *writer, const struct start *start);
/* What the daemon sees by itself when a datagram comes, and a file has to tell: it takes up to
 * FACTS_PLACE_MAX bytes. */
#define FACTS_PLACE_MAX 512
void facts_put_place(struct writer *writer);

/* Of CLOCK_*; 0: not known. */
uint64_t facts_clock_ns(long clock);
