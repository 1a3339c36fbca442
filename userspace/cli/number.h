/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers as people read them in tables; each to be freed, NULL if out of memory. */
#pragma once

#include "common/util.h"

char *number_format_count(double value);   /* 1,234,567 */
char *number_format_hours(double value);   /* 12,345  123  12.3  1.23  0.012  <0.001  0 */
char *number_format_percent(double value); /* 100  12.3  1.23  <0.01  0 */
