/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables of what is imported from XALT alone. Fields are those of the records that xalt_record.c
 * makes of XALT's own. */
#include "ingest/mapping.h"

#define FIELD(field_, name_, kind_, ...)                                                           \
	{                                                                                          \
		.field = field_, .name = name_, .kind = COLUMN_##kind_, __VA_ARGS__                \
	}
#define REQUIRED .flags = COLUMN_REQUIRED
#define FILL	 .flags = COLUMN_FILL
#define SHA1	 20 /* bytes */
#define TABLE(variable, name_, number_, key_count_, has_id_)                                       \
	const struct table variable = {.name = name_,                                              \
				       .columns = variable##_columns,                              \
				       .count = ARRAY_SIZE(variable##_columns),                    \
				       .key_count = key_count_,                                    \
				       .number = number_,                                          \
				       .has_id = has_id_}

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
TABLE(mapping_run_xalt, "run_xalt", TABLE_RUN_XALT, 1, false);

static const struct column mapping_link_xalt_columns[] = {
	FIELD("link_id", "link_id", UUID, REQUIRED),
	FIELD("xalt.hash_id", "hash_id", HEX, .max = SHA1),
};
TABLE(mapping_link_xalt, "link_xalt", TABLE_LINK_XALT, 1, false);

static const struct column mapping_package_columns[] = {
	FIELD("run_ref", "run_ref", UUID, REQUIRED),
	FIELD("program", "program", TEXT, REQUIRED, .max = 64),
	FIELD("name", "name", TEXT, REQUIRED),
	FIELD("version", "version", TEXT, FILL),
	{.field = "path", .name = "path", .kind = COLUMN_ENTITY, .entity = &mapping_path, FILL},
};
TABLE(mapping_package, "package", TABLE_PACKAGE, 5, true);
