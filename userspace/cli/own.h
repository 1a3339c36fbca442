/* SPDX-License-Identifier: BSD-2-Clause */
/* Who may read no more than his own must not take it for the site's. */
#pragma once

#include "cli/output.h"
#include "cli/store.h"

/* A line on standard error behind the answer, where there is no right to more and somebody reads.
 */
void own_note(const struct store *store, enum output_format format);
