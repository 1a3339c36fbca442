/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes JSON into memory, value by value, in the forms of record.h. Not by cJSON, though all else
 * is: the watermark linker stands in the way of every link, so it loads no library but the C
 * library (whatever LD_LIBRARY_PATH holds, it starts), and loading one cost it as much as all its
 * own work after the link. It only writes; the unit test reads what it writes with record.h.
 */
#pragma once

#include "common/util.h"

struct json {
	char *data;
	size_t len, allocated;
	bool needs_comma;
	bool failed; /* memory ran out: what is in data isn't whole */
};

void json_done(struct json *json);

/* name NULL: a member of an array, or the outermost value. */
void json_open(struct json *json, const char *name, char bracket); /* '{' or '[' */
void json_close(struct json *json, char bracket);		   /* '}' or ']' */

void json_null(struct json *json, const char *name);
/* data NULL: null. What isn't UTF-8 is shown with U+FFFD, and exactly in "<name>_b64" (if it has a
 * name). */
void json_text(struct json *json, const char *name, struct bytes text);
/* An array of text; "<name>_b64" has base64 for those that aren't UTF-8, null for the others. */
void json_texts(struct json *json, const char *name, const struct bytes *items, size_t count);
void json_count(struct json *json, const char *name, uint64_t value); /* up to 2^53 */
void json_seconds(struct json *json, const char *name, uint64_t ns);
void json_time(struct json *json, const char *name, uint64_t unix_ns);
void json_hex(struct json *json, const char *name, const uint8_t *data, size_t len); /* 0: null */
void json_uuid(struct json *json, const char *name, const uint8_t uuid[16]); /* NULL: null */

/* A value written by another writer; nothing if that has none. */
void json_value(struct json *json, const char *name, const struct json *value);
