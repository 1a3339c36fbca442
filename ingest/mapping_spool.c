/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables whose rows are not fields of one record: what a loader knows of a spool file. The order of
 * the columns is that of the enums in mapping.h, by which the loader fills a row.
 */
#include "ingest/mapping.h"

#define TOLD(name_)                                                                                \
	{                                                                                          \
		.name = name_, .kind = COLUMN_CONTEXT, .context = CONTEXT_NONE                     \
	}
#define TABLE(variable, name_, number_, key_count_, has_id_)                                       \
	const struct table variable = {.name = name_,                                              \
				       .columns = variable##_columns,                              \
				       .count = ARRAY_SIZE(variable##_columns),                    \
				       .key_count = key_count_,                                    \
				       .number = number_,                                          \
				       .has_id = has_id_}

static const struct column mapping_node_count_columns[] = {
	[NODE_COUNT_INSTANCE] = TOLD("instance"), [NODE_COUNT_SEQ] = TOLD("seq"),
	[NODE_COUNT_KIND] = TOLD("kind"),	  [NODE_COUNT_NAME] = TOLD("name"),
	[NODE_COUNT_VALUE] = TOLD("value"),
};
TABLE(mapping_node_count, "node_count", TABLE_NODE_COUNT, 4, false);

static const struct column mapping_spool_file_columns[] = {
	[SPOOL_FILE_NAME] = TOLD("name"),
	[SPOOL_FILE_HOST] = TOLD("host"),
	[SPOOL_FILE_BOOT] = TOLD("boot"),
	[SPOOL_FILE_INSTANCE] = TOLD("instance"),
	[SPOOL_FILE_NUMBER] = TOLD("number"),
	[SPOOL_FILE_FIRST_SEQ] = TOLD("first_seq"),
	[SPOOL_FILE_LAST_SEQ] = TOLD("last_seq"),
	[SPOOL_FILE_PREVIOUS] = TOLD("previous"),
	[SPOOL_FILE_VERSION] = TOLD("version"),
	[SPOOL_FILE_OPENED] = TOLD("opened_us"),
	[SPOOL_FILE_CLOSED] = TOLD("closed_us"),
	[SPOOL_FILE_MENDED] = TOLD("mended"),
	[SPOOL_FILE_WHOLE] = TOLD("whole"),
	[SPOOL_FILE_COVERED] = TOLD("covered"),
	[SPOOL_FILE_LINES] = TOLD("lines"),
	[SPOOL_FILE_RECORDS] = TOLD("records"),
	[SPOOL_FILE_QUARANTINED] = TOLD("quarantined"),
	[SPOOL_FILE_BYTES] = TOLD("bytes"),
	[SPOOL_FILE_LOADED] = TOLD("loaded_us"),
};
TABLE(mapping_spool_file, "spool_file", TABLE_SPOOL_FILE, 1, true);

static const struct column mapping_spool_count_columns[] = {
	[SPOOL_COUNT_SPOOL_FILE] = TOLD("spool_file"),
	[SPOOL_COUNT_KIND] = TOLD("kind"),
	[SPOOL_COUNT_NAME] = TOLD("name"),
	[SPOOL_COUNT_STATED] = TOLD("stated"),
	[SPOOL_COUNT_FOUND] = TOLD("found"),
};
TABLE(mapping_spool_count, "spool_count", TABLE_SPOOL_COUNT, 3, false);

static const struct column mapping_spool_problem_columns[] = {
	[SPOOL_PROBLEM_SPOOL_FILE] = TOLD("spool_file"),
	[SPOOL_PROBLEM_POSITION] = TOLD("position"),
	[SPOOL_PROBLEM_FACT] = TOLD("fact"),
	[SPOOL_PROBLEM_FIRST_SEQ] = TOLD("first_seq"),
	[SPOOL_PROBLEM_LAST_SEQ] = TOLD("last_seq"),
	[SPOOL_PROBLEM_MISSING] = TOLD("missing"),
	[SPOOL_PROBLEM_REASON] = TOLD("reason"),
};
TABLE(mapping_spool_problem, "spool_problem", TABLE_SPOOL_PROBLEM, 2, false);

static const struct column mapping_quarantine_columns[] = {
	[QUARANTINE_SPOOL_FILE] = TOLD("spool_file"),
	[QUARANTINE_FILE] = TOLD("file"),
	[QUARANTINE_LINE] = TOLD("line"),
	[QUARANTINE_FIELD] = TOLD("field"),
	[QUARANTINE_REASON] = TOLD("reason"),
	[QUARANTINE_SIZE] = TOLD("size"),
	[QUARANTINE_TEXT] = TOLD("text"),
	[QUARANTINE_TIME] = TOLD("time_us"),
};
TABLE(mapping_quarantine, "quarantine", TABLE_QUARANTINE, 0, true);
