/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Patterns as in glob(7), where * and ? take a slash too, matched against bytes in time that is
 * bounded by the product of both lengths: fnmatch(3) tries some patterns with many stars for hours,
 * and paths are users' text.
 */
#pragma once

#include "common/util.h"

/* What is wrong with a pattern, to be read behind it, or NULL. */
const char *names_glob_fault(struct bytes glob);

/* glob: one without a fault. */
bool names_glob_takes(struct bytes glob, struct bytes text);

/* Bytes at its beginning that stand for themselves. */
size_t names_glob_literal(struct bytes glob);
