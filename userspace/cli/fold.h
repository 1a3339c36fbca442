/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ranks of a parallel program as one line: what a person takes for one run is a run record for
 * each rank, perhaps from many nodes. Runs come by their start, and go on in that order, a folded
 * one at the place of its first rank.
 *
 * Ranks belong together if they have the same job, user, program, size and launcher, start within
 * FOLD_WINDOW_S, and no rank comes twice: where one does, the program was started again. Steps of
 * different numbers are never the same; but mpirun in a batch script starts its own node's ranks in
 * the step "batch", and the others' in a step with a number.
 */
#pragma once

#include "common/util.h"
#include <cjson/cJSON.h>

#define FOLD_WINDOW_S 600
#define FOLD_HELD_MAX 10007   /* records that wait behind a line that isn't whole yet */
#define FOLD_OPEN_MAX 1009    /* such lines */
#define FOLD_RANK_MAX 1048576 /* ranks above are lines of their own */

struct fold;

/* emit gets a record, which stays the fold's: a run as it came, or one of kind "ranks". 0 or
 * -ENOMEM. */
int fold_new(int (*emit)(void *arg, const cJSON *record), void *arg, struct fold **ret);
void fold_free(struct fold *fold); /* emits nothing */

/* Takes the record, also when it fails. 0, -ENOMEM, or what emit returned. */
int fold_add(struct fold *fold, cJSON *record);
/* What is still held. */
int fold_end(struct fold *fold);
