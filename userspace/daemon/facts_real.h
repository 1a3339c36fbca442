/* SPDX-License-Identifier: BSD-2-Clause */
/* Two more ways of looking, for what programs tell of themselves (daemon/preload.h). */
#pragma once

#include "daemon/facts_lookup.h"

/* The path without links, "." and "..", as the process that told it would go it. */
void lookup_real(struct lookup *lookup);
/* Shared memory of a process, as a file. */
void lookup_memory(struct lookup *lookup);
