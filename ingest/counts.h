/* SPDX-License-Identifier: BSD-2-Clause */
/* What was done, in one line on standard output: "loaded 3 files, 97 runs, 0 lines quarantined". */
#pragma once

#include "common/util.h"

struct count_part {
	uint64_t count;
	const char *one, *many;
	bool is_always; /* also where there is none */
};

void counts_print(const char *done, uint64_t files, const struct count_part *parts, size_t count);
