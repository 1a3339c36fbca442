/* SPDX-License-Identifier: BSD-2-Clause */
/* How old something may become: "180d", "26w", "18m", "2y". Days of 24 hours, months of 30 days,
 * years of 365. */
#pragma once

#include "util.h"

#define AGE_DAYS_MAX 36500 /* 100 years */
#define AGE_FORM                                                                                   \
	"a number of days, weeks, months or years as 180d, 26w, 6m or 2y, at most 100 years"

/* 0 with days, 1 to AGE_DAYS_MAX; -EINVAL. */
int age_parse(const char *text, uint32_t *ret_days);
