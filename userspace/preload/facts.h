/* SPDX-License-Identifier: BSD-2-Clause */
/* What a process can tell of itself at its begin, by few system calls, each of which may fail. */
#pragma once

#include "preload/item.h"

struct start {
	char *const *argv, *const *envp; /* as main gets them */
};

/* Everything but the objects. */
void facts_put(struct writer *writer, const struct start *start);
