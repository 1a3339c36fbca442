/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From columns of a row back to the members of a record, by a table: the column, the member's path,
 * the form. The table makes the SELECT list too. What a record kind looks like is read off its
 * table.
 */
#pragma once

#include "cli/store.h"
#include <cjson/cJSON.h>

enum field_kind {
	FIELD_TEXT,  /* UTF-8 */
	FIELD_BYTES, /* any bytes; "<name>_b64" beside it where they aren't UTF-8 */
	FIELD_UUID,  /* 16 bytes */
	FIELD_HEX,   /* any number of bytes */
	FIELD_NUMBER,
	FIELD_BOOL,
	FIELD_DECIMAL,	/* unsigned 64 bits, kept signed: a decimal string */
	FIELD_TIME,	/* microseconds since 1970 */
	FIELD_DURATION, /* microseconds: seconds */
	FIELD_JSON,	/* text that is JSON */
	FIELD_NONE,	/* no member; for whoever asks the row */
};

#define FIELD_OPTIONAL 1 /* null: left out */
#define FIELD_LIST     2 /* null: an empty array */

struct field {
	const char *column, *path; /* path "exe.size": a member of an object, which is null if all
				    * its members are null */
	enum field_kind kind;
	unsigned int flags;
};

struct field_list {
	const struct field *items;
	size_t count;
};

/* "SELECT columns FROM tail"; freed by the caller, NULL if out of memory. */
char *record_fields_select(const struct field_list *fields, const char *tail);

/* Adds the current row's values. 0, -ENOMEM, or -EBADMSG if a value can't be what it should. */
int record_fields_add(const struct field_list *fields, struct query *query, cJSON *record);

/* All rows of the bound query, each an object at the end of list. 0 or as above. */
int record_fields_add_rows(const struct field_list *fields, struct query *query, cJSON *list);
