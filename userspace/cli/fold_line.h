/* SPDX-License-Identifier: BSD-2-Clause */
/* One line of ranks, for fold.c: what they have in common, and their sums. */
#pragma once

#include "common/util.h"
#include <cjson/cJSON.h>

struct fold_line;

/* The rank that a run has, or -1: it has none, or is the only one. */
long fold_rank_of(const cJSON *record);

/* Of its first rank, which is taken, also when it fails. */
int fold_line_new(cJSON *record, long rank, struct fold_line **ret);
void fold_line_free(struct fold_line *line);

/* How well a rank fits: 0 not at all, 1 if no line has its own step, 2. */
int fold_line_fits(const struct fold_line *line, const cJSON *record, long rank);
/* The record stays the caller's. 0 or -ENOMEM. */
int fold_line_add(struct fold_line *line, const cJSON *record, long rank);
bool fold_line_is_whole(const struct fold_line *line);
/* The one record if there is no other, else one of kind "ranks"; it stays the line's. NULL if
 * memory ran out. */
const cJSON *fold_line_record(struct fold_line *line);
