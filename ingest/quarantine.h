/* SPDX-License-Identifier: BSD-2-Clause */
/* What is done with lines that could not be loaded: they are listed, or written out to be mended.
 */
#pragma once

#include "ingest/backend.h"

/* "file:line: field reason" of each on standard output. Their number; negative errno after an error
 * has been printed. */
int64_t quarantine_list(struct backend *db);

/*
 * The lines themselves, one after another, as they were, into a file that is not there yet (- is
 * standard output). As above; lines that were not kept are warned of and not counted.
 */
int64_t quarantine_export(struct backend *db, const char *path);
