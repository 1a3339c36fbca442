/* SPDX-License-Identifier: BSD-2-Clause */
/* Sets of stretches of time: filled in any order, then settled (sorted, none touches another). */
#pragma once

#include "common/util.h"

struct span {
	int64_t from_us, to_us; /* [from, to) */
};

struct spans {
	struct span *items;
	size_t count, size;
};

/* An empty stretch, or one that ends before it begins, is left out. 0 or -ENOMEM. */
int spans_add(struct spans *spans, int64_t from_us, int64_t to_us);
void spans_settle(struct spans *spans);
/* The sum of a settled set. */
int64_t spans_length(const struct spans *spans);
/* What is in both of two settled sets, in us. */
int64_t spans_common(const struct spans *a, const struct spans *b);
/* Takes what is in b out of a; both settled, and a stays so. 0 or -ENOMEM, a untouched. */
int spans_subtract(struct spans *a, const struct spans *b);
void spans_done(struct spans *spans);

#define _cleanup_spans_ _cleanup_(spans_done)
