/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether a row of a walk (run_ways.h) is one that a filter asks for. */
#pragma once

#include "cli/boots.h"
#include "cli/run_ways.h"

struct run_fits {
	const struct run_filter *filter;
	const struct run_conditions *conditions;
	struct boots *boots;
	int64_t since_us;
};

/* 1, 0, or negative errno. */
int run_fits(const struct run_fits *fits, struct query *row, bool is_group);
