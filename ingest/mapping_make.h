/* SPDX-License-Identifier: BSD-2-Clause */
/* The words in which the tables of the mapping are written: mapping*.c alone. */
#pragma once

#include "ingest/mapping.h"

/* A field's value; a reference to an entity that a field names; what the loader tells. */
#define FIELD(field_, name_, kind_, ...)                                                           \
	{                                                                                          \
		.field = field_, .name = name_, .kind = COLUMN_##kind_, __VA_ARGS__                \
	}
#define REFER(field_, name_, entity_, ...)                                                         \
	{                                                                                          \
		.field = field_, .name = name_, .kind = COLUMN_ENTITY, .entity = &entity_##_table, \
		__VA_ARGS__                                                                        \
	}
#define TOLD(name_, context_, ...)                                                                 \
	{                                                                                          \
		.name = name_, .kind = COLUMN_CONTEXT, .context = CONTEXT_##context_, __VA_ARGS__  \
	}

/* Of a table whose rows the loader makes whole. */
#define MADE(name_) TOLD(name_, NONE)

#define REQUIRED .flags = COLUMN_REQUIRED
#define FILL	 .flags = COLUMN_FILL
#define OWN	 .flags = COLUMN_OWN

#define TABLE_OF(name_, columns_, number_, key_count_, has_id_)                                    \
	{                                                                                          \
		.name = name_, .columns = columns_, .count = ARRAY_SIZE(columns_),                 \
		.key_count = key_count_, .number = number_, .has_id = has_id_                      \
	}
