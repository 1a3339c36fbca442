/* SPDX-License-Identifier: BSD-2-Clause */
/* Imports what sacct printed into the table accounting. */
#pragma once

#define ACCOUNTING_UNKNOWN "UNKNOWN" /* state of a job of which only XALT has told */

#include "ingest/backend.h"

struct accounting_totals {
	uint64_t added, changed, known; /* jobs */
	uint64_t older;			/* the database has a later state */
	uint64_t bad;			/* lines */
};

/*
 * Reads in to its end; name is for messages. Says itself what is wrong with lines. 0; -EINVAL: it
 * is not what sacct prints (said); -EINTR: asked to stop, and what was read before is in; what the
 * back end returns (its message says); errno of reading. Importing again does no harm.
 */
int accounting_import(struct backend *db, FILE *in, const char *name,
		      const volatile sig_atomic_t *stop, struct accounting_totals *totals);
