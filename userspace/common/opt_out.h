/* SPDX-License-Identifier: BSD-2-Clause */
/* A user's word that what is run or linked here is not to be recorded: one of these in the
 * environment, to the letter. XALT's is taken too, so that nobody has to change a start-up file. */
#pragma once

#include "util.h"

#define OPT_OUT	     "RUNMARK_TRACKING=no"
#define OPT_OUT_XALT "XALT_EXECUTABLE_TRACKING=no"

static inline bool opt_out_is_entry(struct bytes entry)
{
	static const struct bytes entries[] = {{OPT_OUT, sizeof(OPT_OUT) - 1},
					       {OPT_OUT_XALT, sizeof(OPT_OUT_XALT) - 1}};

	for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
		if (entry.len == entries[i].len &&
		    !memcmp(entry.data, entries[i].data, entries[i].len))
			return true;
	return false;
}
