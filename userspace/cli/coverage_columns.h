/* SPDX-License-Identifier: BSD-2-Clause */
/* How coverage is told: what a line is of, and its columns. */
#pragma once

#include "cli/report.h"

enum coverage_by { COVERAGE_BY_HOST, COVERAGE_BY_CAUSE, COVERAGE_BY_GAP, COVERAGE_VIEWS };

/* What is hidden by a cause, where that is the site's will. */
#define COVERAGE_BY_RULE "by rule"

extern const struct report_view coverage_views[COVERAGE_VIEWS];
