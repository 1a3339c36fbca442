/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mapping. A column that is part of an entity's key is never null, since null equals nothing
 * and every run would make a new row: what is absent there is filled.
 */
#include "ingest/mapping_make.h"

#include <limits.h>

#define ID_MAX	  UINT32_MAX
#define PID_LIMIT INT32_MAX

/* A server may reserve for each row what its columns can hold, so they hold what there is. */
#define WORD_MAX       32 /* of a few that Runmark knows: bpf, cgroup, SIGKILL */
#define NAME_MAX_BYTES 64 /* a step, a variable */

#define TABLE(t, number_, key_count_, has_id_)                                                     \
	static const struct table t##_table =                                                      \
		TABLE_OF(#t, t##_columns, number_, key_count_, has_id_);                           \
	_Static_assert(ARRAY_SIZE(t##_columns) <= MAPPING_COLUMNS_MAX, #t)

/* Entities */

static const struct column host_columns[] = {
	FIELD("", "name", TEXT, REQUIRED),
	FIELD("/cluster", "cluster", TEXT, FILL),
};
TABLE(host, TABLE_HOST, 2, true);

static const struct column boot_columns[] = {
	FIELD("", "boot_id", UUID, REQUIRED),
	REFER("/host", "host", host, REQUIRED),
};
TABLE(boot, TABLE_BOOT, 2, true);

static const struct column instance_columns[] = {
	FIELD("", "instance", HEX, REQUIRED, .max = 8), REFER("/boot_id", "boot", boot, REQUIRED),
	TOLD("pruned_seq", NONE), /* by --prune */
};
TABLE(instance, TABLE_INSTANCE, 2, true);

static const struct column user_name_columns[] = {
	FIELD("", "name", TEXT, REQUIRED),
};
TABLE(user_name, TABLE_USER_NAME, 1, true);

static const struct column path_columns[] = {
	FIELD("", "path", BYTES, FILL, .max = PATH_MAX),
	FIELD("", "name", NAME, FILL, .max = PATH_MAX),
	TOLD("software", NONE),
	TOLD("module", NONE),
};
#define path_table mapping_path /* packages refer to it, too */
const struct table path_table = {.name = "path",
				 .columns = path_columns,
				 .count = ARRAY_SIZE(path_columns),
				 .key_count = 1,
				 .number = TABLE_PATH,
				 .has_id = true};

static const struct column cgroup_columns[] = {
	FIELD("", "path", BYTES, REQUIRED, .max = PATH_MAX),
};
TABLE(cgroup, TABLE_CGROUP, 1, true);

static const struct column container_columns[] = {
	FIELD("id", "container_id", TEXT, FILL),
	FIELD("runtime", "runtime", TEXT, FILL),
};
TABLE(container, TABLE_CONTAINER, 2, true);

static const struct column job_columns[] = {
	/* together no more than MariaDB takes in one key, 3072 bytes at 4 a character */
	FIELD("id", "job_id", TEXT, REQUIRED, .max = 128),
	FIELD("/cluster", "cluster", TEXT, FILL),
	FIELD("manager", "manager", TEXT, REQUIRED, .max = 64),
	FIELD("sluid", "sluid", TEXT, FILL, .max = 64),
	FIELD("array_id", "array_id", TEXT, FILL, .max = 128),
	FIELD("array_task", "array_task", TEXT, FILL, .max = 64),
};
TABLE(job, TABLE_JOB, 6, true);

static const struct column object_columns[] = {
	REFER("path", "path", path, REQUIRED),
	FIELD("build_id", "build_id", HEX, FILL),
	FIELD("watermark", "watermark", UUID, FILL),
};
TABLE(object, TABLE_OBJECT, 3, true);

static const struct column program_columns[] = {
	REFER("path", "path", path, FILL),
	FIELD("build_id", "build_id", HEX, FILL),
	FIELD("watermark", "watermark", UUID, FILL),
	FIELD("watermark_state", "watermark_state", TEXT, REQUIRED, .max = 64),
	FIELD("device", "device", TEXT, FILL, .max = 64),
	FIELD("inode", "inode", NUMBER, FILL),
	FIELD("fstype", "fstype", TEXT, FILL, .max = 64),
	FIELD("owner_uid", "owner_uid", NUMBER, FILL, .max = ID_MAX, .fill = -1),
	FIELD("size", "size", NUMBER, FILL, .fill = -1),
	FIELD("mtime", "mtime_us", TIME, FILL, .fill = -1),
};
TABLE(program, TABLE_PROGRAM, 10, true);

/* Sets: found by hash; members is null until the set itself has come. */

static const struct column object_set_columns[] = {
	FIELD("", "hash", HEX, REQUIRED, .max = 16),
	TOLD("members", NONE),
};
TABLE(object_set, TABLE_OBJECT_SET, 1, true);

static const struct column object_set_member_columns[] = {
	TOLD("object_set", SET),
	TOLD("position", POSITION),
	REFER("", "object", object, REQUIRED),
	FIELD("device", "device", TEXT),
	FIELD("inode", "inode", NUMBER),
};
TABLE(object_set_member, TABLE_OBJECT_SET_MEMBER, 2, false);

static const struct column env_name_columns[] = {
	FIELD("", "name", TEXT, REQUIRED),
};
TABLE(env_name, TABLE_ENV_NAME, 1, true);

#define env_set_columns object_set_columns
TABLE(env_set, TABLE_ENV_SET, 1, true);

/* An environment's names are fields themselves, so its rows are made by the loader (sets.c). */
static const struct column env_set_member_columns[] = {
	TOLD("env_set", SET),
	TOLD("name", NONE),
	TOLD("value", NONE),
};
TABLE(env_set_member, TABLE_ENV_SET_MEMBER, 2, false);

#define input_set_columns object_set_columns
TABLE(input_set, TABLE_INPUT_SET, 1, true);

static const struct column input_set_member_columns[] = {
	TOLD("input_set", SET),
	TOLD("position", POSITION),
	FIELD("kind", "kind", TEXT, REQUIRED),
	REFER("", "object", object, REQUIRED),
};
TABLE(input_set_member, TABLE_INPUT_SET_MEMBER, 2, false);

/* Records */

#define WHO_COLUMNS                                                                                \
	TOLD("spool_file", SPOOL_FILE), FIELD("seq", "seq", NUMBER, OWN),                          \
		REFER("host", "host", host, REQUIRED), REFER("boot_id", "boot", boot, OWN),        \
		REFER("user", "user", user_name), FIELD("uid", "uid", NUMBER, .max = ID_MAX),      \
		FIELD("gid", "gid", NUMBER, .max = ID_MAX), REFER("job", "job", job),              \
		FIELD("job.step", "step", TEXT, .max = NAME_MAX_BYTES),                            \
		FIELD("job.task", "task", TEXT, .max = NAME_MAX_BYTES),                            \
		FIELD("job.from", "job_from", TEXT, .max = WORD_MAX),                              \
		FIELD("job.step_from", "step_from", TEXT, .max = WORD_MAX),                        \
		FIELD("job.task_from", "task_from", TEXT, .max = WORD_MAX),                        \
		FIELD("job.array_from", "array_from", TEXT, .max = WORD_MAX),                      \
		FIELD("incomplete", "incomplete", JSON)

#define IMAGE_COLUMNS                                                                              \
	REFER("cgroup", "cgroup", cgroup),                                                         \
		FIELD("source", "source", TEXT, REQUIRED, .max = WORD_MAX),                        \
		FIELD("euid", "euid", NUMBER, .max = ID_MAX),                                      \
		REFER("exe", "program", program, REQUIRED),                                        \
		REFER("container", "container", container),                                        \
		FIELD("container.image", "container_image", BYTES),                                \
		FIELD("container.from", "container_from", TEXT, .max = WORD_MAX),                  \
		FIELD("namespaces.mount", "mount_namespace", TEXT, .max = WORD_MAX),               \
		FIELD("namespaces.user", "user_namespace", TEXT, .max = WORD_MAX),                 \
		FIELD("start", "start_us", TIME, REQUIRED), FIELD("start", "zone_minutes", ZONE),  \
		FIELD("end", "end_us", TIME), REFER("object_set", "object_set", object_set),       \
		REFER("env_set", "env_set", env_set)

static const struct column run_columns[] = {
	FIELD("run_id", "run_id", UUID, REQUIRED),
	TOLD("state", STATE),
	WHO_COLUMNS,
	IMAGE_COLUMNS,
	FIELD("origin", "origin", TEXT, REQUIRED, .max = WORD_MAX),
	FIELD("pid", "pid", NUMBER, OWN, .max = PID_LIMIT),
	FIELD("ppid", "ppid", NUMBER, .max = PID_LIMIT),
	FIELD("parent_run_id", "parent_run_id", UUID),
	FIELD("login_uid", "login_uid", NUMBER, .max = ID_MAX),
	FIELD("elapsed_s", "elapsed_us", SECONDS),
	FIELD("exit.code", "exit_code", NUMBER, .max = 255),
	FIELD("exit.signal", "exit_signal", NUMBER, .max = 127),
	FIELD("exit.name", "exit_name", TEXT, .max = WORD_MAX),
	FIELD("exit.core", "exit_core", BOOL),
	FIELD("exit.oom", "exit_oom", BOOL),
	FIELD("next_run_id", "next_run_id", UUID),
	FIELD("usage.user_s", "user_us", SECONDS),
	FIELD("usage.system_s", "system_us", SECONDS),
	FIELD("usage.max_rss", "max_rss", NUMBER),
	FIELD("usage.read_bytes", "read_bytes", NUMBER),
	FIELD("usage.write_bytes", "write_bytes", NUMBER),
	FIELD("usage.minor_faults", "minor_faults", NUMBER),
	FIELD("usage.major_faults", "major_faults", NUMBER),
	FIELD("usage.forks", "forks", NUMBER),
	FIELD("mpi.rank", "mpi_rank", NUMBER),
	FIELD("mpi.size", "mpi_size", NUMBER),
	FIELD("mpi.from", "mpi_from", TEXT, .max = NAME_MAX_BYTES),
	FIELD("cores", "cores", NUMBER),
};
TABLE(run, TABLE_RUN, 1, false);

static const struct column run_text_columns[] = {
	FIELD("run_id", "run_id", UUID, REQUIRED),  FIELD("argv", "argv", JSON_EXACT),
	FIELD("argv_b64", "argv_b64", JSON),	    FIELD("cwd", "cwd", BYTES),
	FIELD("exe.requested", "requested", BYTES), FIELD("script.path", "script", BYTES),
};
TABLE(run_text, TABLE_RUN_TEXT, 1, false);

static const struct column run_group_columns[] = {
	FIELD("group_id", "group_id", UUID, REQUIRED),
	WHO_COLUMNS,
	IMAGE_COLUMNS,
	FIELD("count", "runs", NUMBER, REQUIRED),
	FIELD("elapsed_s.sum", "elapsed_us", SECONDS),
	FIELD("elapsed_s.min", "elapsed_min_us", SECONDS),
	FIELD("elapsed_s.max", "elapsed_max_us", SECONDS),
	FIELD("exits", "exits", JSON_EXACT, REQUIRED),
	FIELD("usage.user_s.sum", "user_us", SECONDS),
	FIELD("usage.system_s.sum", "system_us", SECONDS),
	FIELD("usage.max_rss.max", "max_rss", NUMBER),
	FIELD("usage", "usage", JSON),
};
TABLE(run_group, TABLE_RUN_GROUP, 1, false);

static const struct column run_group_text_columns[] = {
	FIELD("group_id", "group_id", UUID, REQUIRED),
	FIELD("script.path", "script", BYTES),
};
TABLE(run_group_text, TABLE_RUN_GROUP_TEXT, 1, false);

static const struct column link_columns[] = {
	FIELD("link_id", "link_id", UUID, REQUIRED),
	FIELD("source", "source", TEXT, .max = WORD_MAX),
	WHO_COLUMNS,
	REFER("job.cgroup", "cgroup", cgroup),
	FIELD("watermark", "watermark", UUID),
	REFER("output.path", "output", path),
	FIELD("output.build_id", "build_id", HEX),
	FIELD("output.size", "size", NUMBER),
	FIELD("output.type", "type", TEXT),
	REFER("linker.path", "linker", path),
	FIELD("linker.version", "linker_version", TEXT, .max = 4096),
	REFER("driver.path", "driver", path),
	FIELD("compiler.name", "compiler_name", TEXT),
	FIELD("compiler.version", "compiler_version", TEXT),
	FIELD("compiler.text", "compiler_text", TEXT, .max = 4096),
	FIELD("compilers", "compilers", JSON),
	FIELD("language", "language", TEXT),
	FIELD("symbols.imported", "imported", NUMBER),
	FIELD("symbols.exported", "exported", NUMBER),
	TOLD("input_set", INPUT_SET),
	FIELD("pid", "pid", NUMBER, .max = PID_LIMIT),
	FIELD("modules", "modules", TEXT, .max = 65536),
	FIELD("time", "time_us", TIME, REQUIRED),
	FIELD("time", "zone_minutes", ZONE),
	FIELD("elapsed_s", "elapsed_us", SECONDS),
	FIELD("own_s", "own_us", SECONDS),
};
TABLE(link, TABLE_LINK, 1, false);

static const struct column link_text_columns[] = {
	FIELD("link_id", "link_id", UUID, REQUIRED),
	FIELD("link_line", "link_line", JSON_EXACT),
	FIELD("link_line_b64", "link_line_b64", JSON),
	FIELD("driver.argv", "driver_argv", JSON_EXACT),
	FIELD("driver.argv_b64", "driver_argv_b64", JSON),
	FIELD("symbols.imported_names", "imported_names", JSON),
	FIELD("symbols.exported_names", "exported_names", JSON),
	FIELD("cwd", "cwd", BYTES),
};
TABLE(link_text, TABLE_LINK_TEXT, 1, false);

static const struct column node_record_columns[] = {
	REFER("instance", "instance", instance, REQUIRED),
	FIELD("seq", "seq", NUMBER, REQUIRED),
	TOLD("spool_file", SPOOL_FILE),
	REFER("host", "host", host, REQUIRED),
	FIELD("event", "event", TEXT, REQUIRED),
	FIELD("time", "time_us", TIME, REQUIRED),
	FIELD("since", "since_us", TIME),
	FIELD("booted", "booted_us", TIME),
	FIELD("capture_began", "capture_began_us", TIME),
	FIELD("version", "version", TEXT),
	FIELD("kernel", "kernel", TEXT),
	FIELD("source", "source", TEXT, .max = WORD_MAX),
	FIELD("hooks", "hooks", JSON),
	FIELD("live", "live", NUMBER),
	FIELD("uptime_s", "uptime_us", SECONDS),
};
TABLE(node_record, TABLE_NODE_RECORD, 2, false);

const struct table *const mapping_tables[TABLE_COUNT] = {
	[TABLE_HOST] = &host_table,
	[TABLE_BOOT] = &boot_table,
	[TABLE_INSTANCE] = &instance_table,
	[TABLE_USER_NAME] = &user_name_table,
	[TABLE_PATH] = &path_table,
	[TABLE_CGROUP] = &cgroup_table,
	[TABLE_CONTAINER] = &container_table,
	[TABLE_JOB] = &job_table,
	[TABLE_OBJECT] = &object_table,
	[TABLE_PROGRAM] = &program_table,
	[TABLE_OBJECT_SET] = &object_set_table,
	[TABLE_OBJECT_SET_MEMBER] = &object_set_member_table,
	[TABLE_ENV_NAME] = &env_name_table,
	[TABLE_ENV_SET] = &env_set_table,
	[TABLE_ENV_SET_MEMBER] = &env_set_member_table,
	[TABLE_INPUT_SET] = &input_set_table,
	[TABLE_INPUT_SET_MEMBER] = &input_set_member_table,
	[TABLE_RUN] = &run_table,
	[TABLE_RUN_TEXT] = &run_text_table,
	[TABLE_RUN_GROUP] = &run_group_table,
	[TABLE_RUN_GROUP_TEXT] = &run_group_text_table,
	[TABLE_LINK] = &link_table,
	[TABLE_LINK_TEXT] = &link_text_table,
	[TABLE_NODE_RECORD] = &node_record_table,
	[TABLE_NODE_COUNT] = &mapping_node_count,
	[TABLE_SPOOL_FILE] = &mapping_spool_file,
	[TABLE_SPOOL_COUNT] = &mapping_spool_count,
	[TABLE_SPOOL_PROBLEM] = &mapping_spool_problem,
	[TABLE_QUARANTINE] = &mapping_quarantine,
	[TABLE_ACCOUNTING] = &mapping_accounting,
	[TABLE_RUN_XALT] = &mapping_run_xalt,
	[TABLE_LINK_XALT] = &mapping_link_xalt,
	[TABLE_PACKAGE] = &mapping_package,
	[TABLE_PSEUDONYM] = &mapping_pseudonym,
	[TABLE_PRUNE_STATE] = &mapping_prune_state,
	[TABLE_PRUNE_ORPHAN] = &mapping_prune_orphan,
};

const struct shape mapping_shapes[SHAPE_COUNT] = {
	[SHAPE_RUN] = {"run", &run_table, &run_text_table, 1},
	[SHAPE_START] = {"start", &run_table, &run_text_table, 0},
	[SHAPE_GROUP] = {"group", &run_group_table, &run_group_text_table, 0},
	[SHAPE_LINK] = {"link", &link_table, &link_text_table, 0},
	[SHAPE_NODE] = {"node", &node_record_table, NULL, 0},
	[SHAPE_OBJECT] = {NULL, &object_set_member_table, NULL, 0},
	[SHAPE_INPUT] = {NULL, &input_set_member_table, NULL, 0},
	[SHAPE_XALT_RUN] = {NULL, &run_table, &run_text_table, 0, &mapping_run_xalt, true},
	[SHAPE_XALT_LINK] = {NULL, &link_table, &link_text_table, 0, &mapping_link_xalt, true},
	[SHAPE_XALT_PACKAGE] = {NULL, &mapping_package, NULL, 0, NULL, true},
};

enum mapping_shape mapping_shape_of(const char *kind)
{
	enum mapping_shape shape = 0;

	while (shape < SHAPE_COUNT &&
	       (!mapping_shapes[shape].kind || strcmp(mapping_shapes[shape].kind, kind)))
		shape++;
	return shape;
}
