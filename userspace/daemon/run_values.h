/* SPDX-License-Identifier: BSD-2-Clause */
/* The numbers of a run, as its record shows them: whole microseconds, bytes and counts. Groups add
 * up the same ones. */
#pragma once

#include "common/util.h"

enum run_value {
	RUN_ELAPSED_US,
	RUN_USER_US,
	RUN_SYSTEM_US,
	RUN_MAX_RSS,
	RUN_READ_BYTES,
	RUN_WRITE_BYTES,
	RUN_MINOR_FAULTS,
	RUN_MAJOR_FAULTS,
	RUN_FORKS,
	RUN_VALUES,
};

struct image;

const char *run_value_name(enum run_value value); /* "user_s" */
/* As JSON shows it: times in seconds, which as whole microseconds are exact. */
double run_value_shown(enum run_value value, uint64_t number);
/* False: more than a record can hold, null there. */
bool run_value_fits(enum run_value value, uint64_t number);

/* Of an image that has ended and whose usage is known. RUN_MAX_RSS counts only with
 * run_rss_is_own().
 */
void run_values(const struct image *image, uint64_t ret[RUN_VALUES]);
bool run_rss_is_own(const struct image *image);
/* True if the number says something. */
bool run_value_is_known(const struct image *image, enum run_value value);
