/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What became of runs of which only the start is known. A node that boots again has lost whatever
 * was open in the boot before. That is told when it is asked, from the boots that the database
 * knows of, so it doesn't matter in which order files come; a run's end that comes late is taken.
 */
#pragma once

#include "cli/store.h"

struct boots;

struct boot_fate {
	bool is_lost;	   /* the node has booted since */
	int64_t before_us; /* so it ended before; INT64_MAX if it isn't lost */
	int64_t seen_us;   /* the newest node record of its boot: open till then; 0: none */
};

/* store is borrowed. 0 or negative errno. */
int boots_new(struct store *store, struct boots **ret);
void boots_free(struct boots *boots);

/* Of an open run that began then on that host in that boot (row numbers). 0 or negative errno. */
int boots_ask(struct boots *boots, int64_t host, int64_t boot, int64_t start_us,
	      struct boot_fate *ret);

static inline void cleanup_boots(struct boots **boots)
{
	boots_free(*boots);
}
#define _cleanup_boots_ _cleanup_(cleanup_boots)
