/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Taking fields out of XALT's records and putting them into ours. A fault stays: what comes after
 * the first one does nothing, so that a record can be read in one go and asked at the end.
 */
#pragma once

#include "ingest/xalt_record.h"

#define XALT_MEMBERS_MAX 65536 /* of a set, a command line */
#define XALT_REPEATS_MAX 4096  /* inputs of a link among which repeats are looked for */

struct xalt_reading {
	struct problem *problem;
	int error; /* -EINVAL: *problem says why */
	const struct xalt_context *context;
	cJSON *record; /* ours, in the making */
};

void xalt_refuse(struct xalt_reading *reading, const char *field, const char *reason);

/* The text of a field; NULL if it is absent, empty or "unknown". */
const char *xalt_text(struct xalt_reading *reading, const cJSON *from, const char *name);
/* A number, also one written as text. False if it is absent. */
bool xalt_number(struct xalt_reading *reading, const cJSON *from, const char *name, double *ret);
/* Seconds since 1970, as microseconds. False if it is absent. */
bool xalt_time(struct xalt_reading *reading, const cJSON *from, const char *name, uint64_t *ret_us);
/* Must be there. */
void xalt_uuid(struct xalt_reading *reading, const cJSON *from, const char *name, uint8_t ret[16]);
/* The path of an entry of libA and linkA: [path, hash], or only the path. NULL: refused. */
const char *xalt_library(struct xalt_reading *reading, const char *field, const cJSON *entry);

/* NULL text puts nothing. */
void xalt_put_text(struct xalt_reading *reading, cJSON *to, const char *name, const char *text);
void xalt_put_uuid(struct xalt_reading *reading, cJSON *to, const char *name,
		   const uint8_t uuid[16]);
void xalt_put_time(struct xalt_reading *reading, const char *name, uint64_t us);
/* The id of what XALT calls uuid. */
void xalt_put_id(struct xalt_reading *reading, const char *name, const uint8_t uuid[16],
		 uint64_t us);
/* An array of texts, that XALT calls field. is_command: secrets are scrubbed. */
void xalt_put_texts(struct xalt_reading *reading, cJSON *to, const char *name, const char *field,
		    const cJSON *array, bool is_command);
/* A member of a set; kind may be NULL. */
void xalt_put_member(struct xalt_reading *reading, cJSON *members, const char *path,
		     const char *kind);

/* "FIELD: reason" of what is less than it could be. */
void xalt_put_incomplete(struct xalt_reading *reading, const char *what);

/* xalt_run.c */
void xalt_run_read(struct xalt_reading *reading, const cJSON *json, struct xalt_record *ret);
