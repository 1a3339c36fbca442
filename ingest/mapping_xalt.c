/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables of what is imported from XALT alone. Fields are those of the records that xalt_record.c
 * makes of XALT's own. */
#include "ingest/mapping_make.h"

#define SHA1 20 /* bytes */

static const struct column mapping_run_xalt_columns[] = {
	FIELD("run_id", "run_id", UUID, REQUIRED),
	FIELD("xalt.run_uuid", "run_uuid", UUID, REQUIRED),
	FIELD("xalt.hash_id", "hash_id", HEX, .max = SHA1),
	FIELD("xalt.exec_type", "exec_type", TEXT),
	FIELD("xalt.tasks", "tasks", NUMBER),
	FIELD("xalt.nodes", "nodes", NUMBER),
	FIELD("xalt.threads", "threads", NUMBER),
	FIELD("xalt.gpus", "gpus", NUMBER),
	FIELD("xalt.probability", "probability", REAL),
	FIELD("xalt.submit_host", "submit_host", TEXT),
};
const struct table mapping_run_xalt =
	TABLE_OF("run_xalt", mapping_run_xalt_columns, TABLE_RUN_XALT, 1, false);

static const struct column mapping_link_xalt_columns[] = {
	FIELD("link_id", "link_id", UUID, REQUIRED),
	FIELD("xalt.hash_id", "hash_id", HEX, .max = SHA1),
};
const struct table mapping_link_xalt =
	TABLE_OF("link_xalt", mapping_link_xalt_columns, TABLE_LINK_XALT, 1, false);

static const struct column mapping_package_columns[] = {
	FIELD("run_ref", "run_ref", UUID, REQUIRED),
	FIELD("program", "program", TEXT, REQUIRED, .max = 64),
	FIELD("name", "name", TEXT, REQUIRED),
	FIELD("version", "version", TEXT, FILL),
	{.field = "path", .name = "path", .kind = COLUMN_ENTITY, .entity = &mapping_path, FILL},
};
const struct table mapping_package =
	TABLE_OF("package", mapping_package_columns, TABLE_PACKAGE, 5, true);
