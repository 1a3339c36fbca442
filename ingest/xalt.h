/* SPDX-License-Identifier: BSD-2-Clause */
/* Import of what XALT recorded: files of one record each, and logs. */
#pragma once

#include "ingest/loader.h"
#include "ingest/progress.h"
#include "common/scrub.h"

#define XALT_REFERENCES_MAX 65536 /* runs of packages that have not come */

struct xalt_totals {
	uint64_t runs, links, packages; /* new */
	uint64_t open;			/* of the runs: without an end */
	uint64_t completed;		/* runs whose end came now, and whose start was there */
	uint64_t known;			/* records that were there already */
	uint64_t repeated;		/* pieces that had come already */
	uint64_t quarantined;		/* records and lines */
	uint64_t damaged;		/* loaded, but their checksum is wrong */
	uint64_t incomplete;		/* records with pieces missing */
	uint64_t lines, foreign;	/* of logs; that are not XALT's */
	uint64_t files;			/* of records and logs, that were read */
	uint64_t others, irregular, too_deep, failures; /* as in struct xalt_tree */
	uint64_t orphans;				/* packages without a run */
	uint64_t unasked; /* packages, more than there was room to look for the runs of */
};

/* A path is a file or a directory; "-": standard input, a log. */
struct xalt_options {
	char *const *paths;
	size_t count;
	struct scrub *scrub; /* for secrets in command lines; NULL leaves them */
	bool is_name_only;   /* of a command line its first argument alone */
	/* Each record with pieces missing, as a sentence's end. */
	void (*incomplete)(const char *text);
};

/* 0; -EINTR when asked to stop; else what the back end returned, whose message says why. What was
 * committed stays. */
int xalt_import(struct loader *loader, const struct xalt_options *options,
		struct progress *progress, struct xalt_totals *totals);
