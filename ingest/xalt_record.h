/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A record of XALT as one of our own: the fields that a plan reads (mapping.c, mapping_xalt.c), and
 * the sets that it refers to. What XALT calls unknown is absent. Nothing is believed: what is wrong
 * is refused with the field as XALT calls it.
 */
#pragma once

#include "ingest/mapping.h"
#include "ingest/problem.h"
#include "ingest/xalt_text.h"
#include "common/scrub.h"

#define XALT_SETS_MAX 2

struct xalt_record {
	enum mapping_shape shape;
	bool is_end;	  /* of a run: it tells the end */
	bool is_damaged;  /* its checksum is wrong */
	uint8_t uuid[16]; /* by which XALT knows the run or link */
	cJSON *record;
	cJSON *sets[XALT_SETS_MAX]; /* as set records */
	size_t set_count;
	/* What XALT tells of a run's job besides; NULL if it doesn't. */
	const char *job_id, *manager, *cluster, *account, *queue, *user;
};

/* What is known and wanted besides the text. */
struct xalt_context {
	struct bytes host;   /* that sent it, by a log; no data if that is not told */
	struct scrub *scrub; /* for secrets in command lines; NULL leaves them */
	bool is_name_only;   /* of a command line its first argument alone */
};

/*
 * Memory is the arena's. -EINVAL with *problem, -ENOMEM.
 */
int xalt_record_read(struct bytes text, const struct xalt_context *context, struct xalt_record *ret,
		     struct problem *problem);

/* XALT's name of a field that a plan called wrong. */
void xalt_record_blame(struct problem *problem);
