/* SPDX-License-Identifier: BSD-2-Clause */
/* What people have to know of a report, beside it: on standard error. */
#pragma once

#include "cli/report.h"

struct report_footing {
	bool is_default_window;
	uint64_t shown; /* lines */
	size_t dropped; /* columns */
};

/* 0 or negative errno. */
int report_footer(const struct report_asked *asked, const struct report_footing *footing);
