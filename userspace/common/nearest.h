/* SPDX-License-Identifier: BSD-2-Clause */
/* "Did you mean": the known word nearest to a wrong one. */
#pragma once

#include "util.h"

/* The nearest of count words, or NULL if none is like word. */
const char *nearest_word(const char *word, const char *const *words, size_t count);
