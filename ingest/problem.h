/* SPDX-License-Identifier: BSD-2-Clause */
/* Why a line cannot be loaded: the field that is wrong, where it is one, and what is wrong with it.
 */
#pragma once

#include "common/util.h"

#define PROBLEM_FIELD_SIZE  64
#define PROBLEM_REASON_SIZE 160

struct problem {
	char field[PROBLEM_FIELD_SIZE]; /* "" if it is the line as a whole */
	char reason[PROBLEM_REASON_SIZE];
};

/* Fills *problem (texts that are too long are cut). Returns -EINVAL. */
int problem_set(struct problem *problem, const char *field, const char *format, ...)
	PRINTF_LIKE(3, 4);
