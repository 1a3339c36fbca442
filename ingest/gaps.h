/* SPDX-License-Identifier: BSD-2-Clause */
/* Which sequence numbers of a range did not come. Order doesn't matter; memory is bounded. */
#pragma once

#include "common/util.h"

#define GAPS_MAX 1024 /* ranges; what doesn't fit is counted as missing without saying where */

struct gap {
	uint64_t first, last;
};

struct gaps {
	uint64_t first, next; /* all from next on are still to come */
	uint64_t duplicates;  /* came twice, or before first */
	uint64_t unplaced;    /* missing, but in no range */
	size_t count;
	struct gap ranges[GAPS_MAX];
};

void gaps_init(struct gaps *gaps, uint64_t first);
void gaps_add(struct gaps *gaps, uint64_t seq);
/* None comes after last. */
void gaps_end(struct gaps *gaps, uint64_t last);
uint64_t gaps_missing(const struct gaps *gaps);
