/* SPDX-License-Identifier: BSD-2-Clause */
/* What goes into one column: nothing, a whole number, text or bytes. Text and bytes are borrowed.
 */
#pragma once

#include "common/util.h"

enum value_type { VALUE_NULL, VALUE_INTEGER, VALUE_TEXT, VALUE_BYTES };

struct value {
	enum value_type type;
	int64_t integer;
	struct bytes bytes; /* of text and bytes */
};

static inline struct value value_null(void)
{
	return (struct value){.type = VALUE_NULL};
}

static inline struct value value_integer(int64_t integer)
{
	return (struct value){.type = VALUE_INTEGER, .integer = integer};
}

/* NULL data makes a null. */
static inline struct value value_text(struct bytes text)
{
	return (struct value){.type = text.data ? VALUE_TEXT : VALUE_NULL, .bytes = text};
}

static inline struct value value_bytes(const void *data, size_t len)
{
	return (struct value){.type = VALUE_BYTES, .bytes = {data, len}};
}
