/* SPDX-License-Identifier: BSD-2-Clause */
/* Texts, each kept once and called by a number. */
#pragma once

#include "cli/map.h"

#define LABEL_NONE 0 /* no text: null, other than an empty one */

struct labels {
	struct map map;	     /* of hashes */
	struct bytes *items; /* by number; the texts are ours, with NUL behind */
	size_t size;
};

/* 0, or negative errno. */
int labels_init(struct labels *labels);
void labels_done(struct labels *labels);
/* data.data NULL: LABEL_NONE. 0, -ENOMEM or -E2BIG. */
int labels_add(struct labels *labels, struct bytes data, uint32_t *ret);

/* Bytes in order, the shorter first; no text is behind all texts. */
int labels_compare(const struct labels *labels, uint32_t a, uint32_t b);

static inline struct bytes labels_get(const struct labels *labels, uint32_t label)
{
	return labels->items[label];
}
