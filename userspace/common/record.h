/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records: one JSON object a line, "schema": "runmark.<kind>/1" (runmark-records(5), schema/).
 * They are built and read with cJSON by the few functions here. Each kind of value has one form:
 *	text	UTF-8; what is not UTF-8 shown with U+FFFD and exactly in a sibling "<name>_b64"
 *	time	RFC 3339 UTC with microseconds
 *	64 bit	a decimal string, since cJSON (and JavaScript) keep numbers as doubles
 * Every add function returns false when memory ran out; *ok style chaining is left to the caller.
 * Absent facts are null: pass NULL / use record_add_null.
 */
#pragma once

#include "util.h"
#include <cjson/cJSON.h>

#define RECORD_SCHEMA(kind) "runmark." kind "/1"
#define RECORD_LINE_MAX	    (4 * 1024 * 1024) /* bytes; a longer line is quarantined unread */
#define RECORD_DEPTH_MAX    16		      /* nesting of one line */
#define RECORD_NUMBER_MAX   (1ULL << 53) /* up to here every reader has whole numbers exactly */
#define RECORD_SECONDS_MAX  1e12	 /* 30,000 years: less than that */
#define RECORD_TIME_MAX	    (9214646400ULL * NS_PER_S) /* the year 2262: less than that */
#define RECORD_TIME_SIZE    28			       /* "2026-11-21T09:52:21.358243Z" with NUL */

/* Of a node record's hooks, with source preload: who counts execs that no program told of. */
#define RECORD_HOOK_UNTOLD "untold"

bool record_add_null(cJSON *object, const char *name);
/* NULL data adds null. */
bool record_add_text(cJSON *object, const char *name, struct bytes data);
/* An array of text; if any member is not UTF-8, "<name>_b64" is an array of the same length that
 * holds base64 for those members and null for the others. items may be NULL if count is 0. */
bool record_add_texts(cJSON *object, const char *name, const struct bytes *items, size_t count);
bool record_add_u64(cJSON *object, const char *name, uint64_t value); /* decimal string */
/* Whole numbers up to 2^53 are exact and have no exponent. What is more, infinite or no number is
 * null: no reader would take it. */
bool record_add_number(cJSON *object, const char *name, double value);
bool record_add_time(cJSON *object, const char *name, uint64_t unix_ns); /* null from 2262 on */
bool record_add_uuid(cJSON *object, const char *name, const uint8_t uuid[16]); /* NULL adds null */

/* The record as one line with its newline. The caller frees; NULL if memory ran out. */
char *record_print(const cJSON *record, size_t *ret_len);

/*
 * Parses one line (no newline needed). -EINVAL not a JSON object, not UTF-8, with raw control
 * characters in a string, with \u0000 or half a surrogate pair (a reader that ends strings at NUL
 * would be fooled); -E2BIG over RECORD_LINE_MAX, -ELOOP nested deeper than RECORD_DEPTH_MAX
 * (checked before cJSON sees it), -ENOMEM.
 */
int record_parse(struct bytes line, cJSON **ret);

/* The kind of a record: "run" of "runmark.run/1"; NULL if there is no such schema. Version is
 * ignored but for being a number: readers skip unknown fields. */
const char *record_kind(const cJSON *record, char *out, size_t size);

/*
 * Readers. A path names nested members with dots ("exe.path"). Absent or null: -ENOENT. Another
 * type or a value out of range: -EINVAL.
 */
/* Exact bytes: "<name>_b64" if it is there, else the text. The caller frees *ret (NUL behind). */
int record_get_text(const cJSON *record, const char *path, char **ret, size_t *ret_len);
/* A decimal string or a whole number. */
int record_get_u64(const cJSON *record, const char *path, uint64_t *ret);
int record_get_number(const cJSON *record, const char *path, double *ret);
int record_get_bool(const cJSON *record, const char *path, bool *ret);
int record_get_time(const cJSON *record, const char *path, uint64_t *ret_unix_ns);
int record_get_uuid(const cJSON *record, const char *path, uint8_t ret[16]);
const cJSON *record_get(const cJSON *record, const char *path); /* NULL if absent */

/* Time as text, and back (-EINVAL). Years 1970 to 2261, what 64 bits of nanoseconds hold. */
char *record_time_format(uint64_t unix_ns, char out[RECORD_TIME_SIZE]);
int record_time_parse(const char *text, uint64_t *ret_unix_ns);

static inline void cleanup_json(cJSON **json)
{
	cJSON_Delete(*json);
}
#define _cleanup_json_ _cleanup_(cleanup_json)
