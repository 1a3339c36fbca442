/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables that runmark-ingest --prune writes, in which rows are put once. */
#include "ingest/mapping.h"

#define TOLD(name_)                                                                                \
	{                                                                                          \
		.name = name_, .kind = COLUMN_CONTEXT, .context = CONTEXT_NONE                     \
	}
#define TABLE(variable, name_, number_, key_count_)                                                \
	const struct table variable = {.name = name_,                                              \
				       .columns = variable##_columns,                              \
				       .count = ARRAY_SIZE(variable##_columns),                    \
				       .key_count = key_count_,                                    \
				       .number = number_}

static const struct column mapping_pseudonym_columns[] = {TOLD("alias"), TOLD("user")};
TABLE(mapping_pseudonym, "pseudonym", TABLE_PSEUDONYM, 1);

static const struct column mapping_prune_state_columns[] = {TOLD("name"), TOLD("value")};
TABLE(mapping_prune_state, "prune_state", TABLE_PRUNE_STATE, 1);

static const struct column mapping_prune_orphan_columns[] = {TOLD("kind"), TOLD("id")};
TABLE(mapping_prune_orphan, "prune_orphan", TABLE_PRUNE_ORPHAN, 2);
