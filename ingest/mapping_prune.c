/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables that runmark-ingest --prune writes, in which rows are put once. */
#include "ingest/mapping_make.h"

static const struct column mapping_pseudonym_columns[] = {MADE("alias"), MADE("user")};
const struct table mapping_pseudonym =
	TABLE_OF("pseudonym", mapping_pseudonym_columns, TABLE_PSEUDONYM, 1, false);

static const struct column mapping_prune_state_columns[] = {MADE("name"), MADE("value")};
const struct table mapping_prune_state =
	TABLE_OF("prune_state", mapping_prune_state_columns, TABLE_PRUNE_STATE, 1, false);

static const struct column mapping_prune_orphan_columns[] = {MADE("kind"), MADE("id")};
const struct table mapping_prune_orphan =
	TABLE_OF("prune_orphan", mapping_prune_orphan_columns, TABLE_PRUNE_ORPHAN, 2, false);
