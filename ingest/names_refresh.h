/* SPDX-License-Identifier: BSD-2-Clause */
/* --names: all paths of a database, named anew. */
#pragma once

#include "ingest/backend.h"
#include "ingest/names.h"

struct names_totals {
	uint64_t paths, changed, software, module; /* all; rows written; with one */
};

/*
 * In small transactions, so that loaders go on meanwhile; only rows that differ are written, so
 * that after an end in the middle the rest is done by beginning again. 0; -EINTR when asked to
 * stop; or as the back end says. *totals counts what was done in any case.
 */
int names_refresh(struct backend *db, const struct site_names *names,
		  const volatile sig_atomic_t *stop, struct names_totals *totals);
