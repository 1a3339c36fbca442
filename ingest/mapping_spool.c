/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables whose rows are not fields of one record: what a loader knows of a spool file. The order of
 * the columns is that of the enums in mapping.h, by which the loader fills a row.
 */
#include "ingest/mapping_make.h"

static const struct column mapping_node_count_columns[] = {
	[NODE_COUNT_INSTANCE] = MADE("instance"), [NODE_COUNT_SEQ] = MADE("seq"),
	[NODE_COUNT_KIND] = MADE("kind"),	  [NODE_COUNT_NAME] = MADE("name"),
	[NODE_COUNT_VALUE] = MADE("value"),
};
const struct table mapping_node_count =
	TABLE_OF("node_count", mapping_node_count_columns, TABLE_NODE_COUNT, 4, false);

static const struct column mapping_spool_file_columns[] = {
	[SPOOL_FILE_NAME] = MADE("name"),
	[SPOOL_FILE_HOST] = MADE("host"),
	[SPOOL_FILE_BOOT] = MADE("boot"),
	[SPOOL_FILE_INSTANCE] = MADE("instance"),
	[SPOOL_FILE_NUMBER] = MADE("number"),
	[SPOOL_FILE_FIRST_SEQ] = MADE("first_seq"),
	[SPOOL_FILE_LAST_SEQ] = MADE("last_seq"),
	[SPOOL_FILE_PREVIOUS] = MADE("previous"),
	[SPOOL_FILE_VERSION] = MADE("version"),
	[SPOOL_FILE_OPENED] = MADE("opened_us"),
	[SPOOL_FILE_CLOSED] = MADE("closed_us"),
	[SPOOL_FILE_MENDED] = MADE("mended"),
	[SPOOL_FILE_WHOLE] = MADE("whole"),
	[SPOOL_FILE_COVERED] = MADE("covered"),
	[SPOOL_FILE_LINES] = MADE("lines"),
	[SPOOL_FILE_RECORDS] = MADE("records"),
	[SPOOL_FILE_QUARANTINED] = MADE("quarantined"),
	[SPOOL_FILE_BYTES] = MADE("bytes"),
	[SPOOL_FILE_LOADED] = MADE("loaded_us"),
};
const struct table mapping_spool_file =
	TABLE_OF("spool_file", mapping_spool_file_columns, TABLE_SPOOL_FILE, 1, true);

static const struct column mapping_spool_count_columns[] = {
	[SPOOL_COUNT_SPOOL_FILE] = MADE("spool_file"),
	[SPOOL_COUNT_KIND] = MADE("kind"),
	[SPOOL_COUNT_NAME] = MADE("name"),
	[SPOOL_COUNT_STATED] = MADE("stated"),
	[SPOOL_COUNT_FOUND] = MADE("found"),
};
const struct table mapping_spool_count =
	TABLE_OF("spool_count", mapping_spool_count_columns, TABLE_SPOOL_COUNT, 3, false);

static const struct column mapping_spool_problem_columns[] = {
	[SPOOL_PROBLEM_SPOOL_FILE] = MADE("spool_file"),
	[SPOOL_PROBLEM_POSITION] = MADE("position"),
	[SPOOL_PROBLEM_FACT] = MADE("fact"),
	[SPOOL_PROBLEM_FIRST_SEQ] = MADE("first_seq"),
	[SPOOL_PROBLEM_LAST_SEQ] = MADE("last_seq"),
	[SPOOL_PROBLEM_MISSING] = MADE("missing"),
	[SPOOL_PROBLEM_REASON] = MADE("reason"),
};
const struct table mapping_spool_problem =
	TABLE_OF("spool_problem", mapping_spool_problem_columns, TABLE_SPOOL_PROBLEM, 2, false);

static const struct column mapping_quarantine_columns[] = {
	[QUARANTINE_SPOOL_FILE] = MADE("spool_file"),
	[QUARANTINE_FILE] = MADE("file"),
	[QUARANTINE_LINE] = MADE("line"),
	[QUARANTINE_FIELD] = MADE("field"),
	[QUARANTINE_REASON] = MADE("reason"),
	[QUARANTINE_SIZE] = MADE("size"),
	[QUARANTINE_TEXT] = MADE("text"),
	[QUARANTINE_TIME] = MADE("time_us"),
};
const struct table mapping_quarantine =
	TABLE_OF("quarantine", mapping_quarantine_columns, TABLE_QUARANTINE, 0, true);
