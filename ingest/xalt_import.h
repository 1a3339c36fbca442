/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of an import: gathering records (xalt.c), batches (xalt_batch.c), rows (xalt_rows.c),
 * what can't be loaded (xalt_quarantine.c). */
#pragma once

#include "ingest/xalt.h"
#include "ingest/xalt_pieces.h"
#include "ingest/xalt_record.h"

#define XALT_BATCH_RECORDS 1009
#define XALT_BATCH_BYTES   (16 * 1024 * 1024)
#define XALT_QUARANTINE_MAX                                                                        \
	10000 /* records and lines of an import that are kept; others are counted */
#define XALT_QUARANTINE_BYTES (16 * 1024 * 1024)

/* A record that waits for its batch, or what is wrong with a line. */
struct xalt_item {
	char *path, *text; /* text: NULL if it was too long to keep */
	char *host;	   /* or NULL */
	size_t len;
	uint64_t line, size;	/* size: bytes, also of what was not kept */
	struct problem problem; /* with a reason: to quarantine */
};

/* A run that packages refer to. */
struct xalt_reference {
	uint8_t uuid[16];
	uint64_t packages;
};

struct xalt_import {
	struct loader *loader;
	const struct xalt_options *options;
	struct progress *progress;
	struct xalt_totals *totals; /* of what is committed */
	struct xalt_totals batch;   /* of the transaction */
	struct xalt_item items[XALT_BATCH_RECORDS];
	size_t count, bytes;
	bool has_quarantine; /* there are lines in it that an import may mend */
	size_t quarantine_rows, quarantine_bytes;
	struct xalt_reference *references; /* XALT_REFERENCES_MAX */
	size_t reference_count;
	uint8_t run_refs[XALT_BATCH_RECORDS][16]; /* of the packages of the batch */
	size_t run_ref_count;
	struct xalt_pieces *pieces;
	const char *path; /* of the log that is read */
	uint64_t line;
	int error; /* of the database, in a callback that can't return it */
};

/* xalt_batch.c: takes over the item's memory; the batch is loaded when it is full. */
int xalt_batch_add(struct xalt_import *import, struct xalt_item *item);
int xalt_batch_flush(struct xalt_import *import);
void xalt_item_done(struct xalt_item *item);

/* xalt_rows.c: one item within the transaction. Negative errno only for the database. */
int xalt_rows_put(struct xalt_import *import, const struct xalt_item *item);
/* A record, read: what xalt_record_read() makes of the item. */
int xalt_rows_read(struct xalt_import *import, const struct xalt_item *item,
		   struct xalt_record *ret, struct problem *problem);

/* xalt_job.c: account and queue of a run's job, if nothing is known of them. */
int xalt_job_put(struct xalt_import *import, const struct xalt_record *record);

/* xalt_quarantine.c */
int xalt_quarantine_begin(struct xalt_import *import);
int xalt_quarantine_put(struct xalt_import *import, const struct xalt_item *item,
			const struct problem *problem);
/* The item has been loaded: what stood there of it goes. */
int xalt_quarantine_forget(struct xalt_import *import, const struct xalt_item *item);

/* xalt_packages.c: which packages have no run. */
void xalt_packages_note(struct xalt_import *import, const uint8_t uuid[16]);
int xalt_packages_count(struct xalt_import *import);
