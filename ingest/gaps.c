/* SPDX-License-Identifier: BSD-2-Clause */
#include "ingest/gaps.h"

void gaps_init(struct gaps *gaps, uint64_t first)
{
	gaps->first = gaps->next = first;
	gaps->duplicates = gaps->unplaced = 0;
	gaps->count = 0;
}

static void add_range(struct gaps *gaps, uint64_t first, uint64_t last)
{
	if (gaps->count < GAPS_MAX)
		gaps->ranges[gaps->count++] = (struct gap){first, last};
	else
		gaps->unplaced += last - first + 1;
}

/* A number that was thought missing has come after all: its range shrinks, goes, or becomes two. */
static void fill_range(struct gaps *gaps, uint64_t seq)
{
	for (size_t i = 0; i < gaps->count; i++) {
		struct gap *range = &gaps->ranges[i];
		struct gap whole = *range;

		if (seq < range->first || seq > range->last)
			continue;
		if (whole.first == whole.last) {
			*range = gaps->ranges[--gaps->count];
		} else if (seq == whole.first) {
			range->first++;
		} else {
			range->last = seq - 1;
			if (seq < whole.last)
				add_range(gaps, seq + 1, whole.last);
		}
		return;
	}
	/* Perhaps one of those that had no room. */
	if (gaps->unplaced && seq >= gaps->first)
		gaps->unplaced--;
	else
		gaps->duplicates++;
}

void gaps_add(struct gaps *gaps, uint64_t seq)
{
	if (seq < gaps->next) {
		fill_range(gaps, seq);
		return;
	}
	if (seq > gaps->next)
		add_range(gaps, gaps->next, seq - 1);
	gaps->next = seq + 1;
}

void gaps_end(struct gaps *gaps, uint64_t last)
{
	if (last >= gaps->next && last != UINT64_MAX) {
		add_range(gaps, gaps->next, last);
		gaps->next = last + 1;
	}
}

uint64_t gaps_missing(const struct gaps *gaps)
{
	uint64_t missing = gaps->unplaced;

	for (size_t i = 0; i < gaps->count; i++)
		missing += gaps->ranges[i].last - gaps->ranges[i].first + 1;
	return missing;
}
