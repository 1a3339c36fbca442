/* SPDX-License-Identifier: BSD-2-Clause */
/* One field of a record to what goes into its column. Pure: nothing but the line's arena is used.
 */
#pragma once

#include "ingest/mapping.h"
#include "ingest/problem.h"
#include <cjson/cJSON.h>

/*
 * item: the field, exact: its <name>_b64 sibling; NULL where absent, which is the same as JSON's
 * null and makes a null value (COLUMN_REQUIRED and COLUMN_FILL are the caller's business). column
 * is none of COLUMN_ENTITY and COLUMN_CONTEXT. *ret lives until arena_reset(), and as long as item.
 * 0, -EINVAL with *problem filled (field: its name there), -ENOMEM.
 */
int convert_field(const struct column *column, const char *field, const cJSON *item,
		  const cJSON *exact, struct value *ret, struct problem *problem);

/* What COLUMN_FILL puts in the place of an absent field. */
struct value convert_fill(const struct column *column);
