/* SPDX-License-Identifier: BSD-2-Clause */
/* The columns that reports are made of: one table. */
#include "cli/report_measures.h"
#include "common/record.h"
#include "common/text.h"

/* ---- keys */

/* The cell's key of that dimension. */
static bool find_key(const struct report_lines *lines, const struct tally_cell *cell,
		     enum report_dim dim, uint32_t *ret)
{
	for (size_t i = 0; i < TALLY_KEYS; i++)
		if (lines->dims[i] == dim) {
			*ret = cell->keys[i];
			return true;
		}
	return false;
}

static void put_label(const struct report_lines *lines, uint32_t label, struct report_value *ret)
{
	ret->text = labels_get(&lines->tally.names->labels, label);
	if (ret->text.data)
		ret->kind = VALUE_TEXT;
}

#define LABEL_GETTER(name, dim)                                                                    \
	static void name(const struct report_lines *lines, const struct tally_cell *cell,          \
			 struct report_value *ret)                                                 \
	{                                                                                          \
		uint32_t key;                                                                      \
                                                                                                   \
		if (find_key(lines, cell, dim, &key) && key != DIM_NO_LINK)                        \
			put_label(lines, key, ret);                                                \
	}

LABEL_GETTER(get_account, DIM_ACCOUNT)
LABEL_GETTER(get_compiler, DIM_COMPILER)
LABEL_GETTER(get_compiler_version, DIM_COMPILER_VERSION)
LABEL_GETTER(get_compiled, DIM_COMPILED)
LABEL_GETTER(get_linker, DIM_LINKER)
LABEL_GETTER(get_linker_version, DIM_LINKER_VERSION)

static void get_path(const struct report_lines *lines, const struct tally_cell *cell,
		     struct report_value *ret)
{
	uint32_t key;

	if (find_key(lines, cell, DIM_PATH, &key))
		put_label(lines, lines->tally.names->paths[key].path, ret);
}

static void get_software(const struct report_lines *lines, const struct tally_cell *cell,
			 struct report_value *ret)
{
	uint32_t key;

	if (find_key(lines, cell, DIM_SOFTWARE, &key))
		put_label(lines, key, ret);
	else if (find_key(lines, cell, DIM_PATH, &key))
		put_label(lines, lines->tally.names->paths[key].software, ret);
}

static void get_module(const struct report_lines *lines, const struct tally_cell *cell,
		       struct report_value *ret)
{
	uint32_t key;

	if (find_key(lines, cell, DIM_MODULE, &key))
		put_label(lines, key, ret);
	else if (find_key(lines, cell, DIM_PATH, &key))
		put_label(lines, lines->tally.names->paths[key].module, ret);
}

static void get_build_id(const struct report_lines *lines, const struct tally_cell *cell,
			 struct report_value *ret)
{
	struct bytes build_id = {0};
	uint32_t key;

	if (find_key(lines, cell, DIM_BUILD_ID, &key))
		build_id = labels_get(&lines->tally.names->labels, key);
	if (!build_id.len || build_id.len > sizeof(ret->room) / 2)
		return;
	text_to_hex(build_id.data, build_id.len, ret->room);
	ret->text = bytes_of(ret->room);
	ret->kind = VALUE_TEXT;
}

static void get_user(const struct report_lines *lines, const struct tally_cell *cell,
		     struct report_value *ret)
{
	uint32_t key;

	if (find_key(lines, cell, DIM_USER, &key))
		put_label(lines, lines->tally.names->users[key].name, ret);
}

static void get_host(const struct report_lines *lines, const struct tally_cell *cell,
		     struct report_value *ret)
{
	uint32_t key;

	if (find_key(lines, cell, DIM_HOST, &key))
		put_label(lines, lines->tally.names->hosts[key].name, ret);
}

static const struct report_job *job_of(const struct report_lines *lines,
				       const struct tally_cell *cell)
{
	static const struct report_job none = {0};
	uint32_t key;

	return find_key(lines, cell, DIM_JOB, &key) && key != REPORT_NO_INDEX
		       ? &lines->tally.names->jobs[key]
		       : &none;
}

#define JOB_GETTER(name, member)                                                                   \
	static void name(const struct report_lines *lines, const struct tally_cell *cell,          \
			 struct report_value *ret)                                                 \
	{                                                                                          \
		put_label(lines, job_of(lines, cell)->member, ret);                                \
	}

JOB_GETTER(get_job, id)
JOB_GETTER(get_cluster, cluster)
JOB_GETTER(get_job_account, account)
JOB_GETTER(get_queue, queue)

static void get_job_user(const struct report_lines *lines, const struct tally_cell *cell,
			 struct report_value *ret)
{
	const struct report_job *job = job_of(lines, cell);

	put_label(lines, job->user ? job->user : job->run_user, ret);
}

static void put_rank(const char *text, uint32_t rank, struct report_value *ret)
{
	*ret = (struct report_value){.kind = VALUE_RANK, .number = rank, .text = bytes_of(text)};
}

static void get_built(const struct report_lines *lines, const struct tally_cell *cell,
		      struct report_value *ret)
{
	uint32_t key;

	if (find_key(lines, cell, DIM_BUILT, &key))
		put_rank(report_built_words[key], key, ret);
}

static void get_evidence(const struct report_lines *lines, const struct tally_cell *cell,
			 struct report_value *ret)
{
	uint32_t key;

	if (find_key(lines, cell, DIM_EVIDENCE, &key))
		put_rank(report_evidence_words[key], key, ret);
}

static void get_run_time(const struct report_lines *lines, const struct tally_cell *cell,
			 struct report_value *ret)
{
	uint32_t key;

	if (find_key(lines, cell, DIM_RUN_TIME, &key))
		put_rank(report_bins[key].name, key, ret);
}

static void get_end(const struct report_lines *lines, const struct tally_cell *cell,
		    struct report_value *ret)
{
	uint32_t key;

	if (!find_key(lines, cell, DIM_END, &key))
		return;
	ret->kind = VALUE_TEXT;
	ret->text = bytes_of(report_end_name(key, ret->room));
}

/* ---- the table */

static char *make_linked(const cJSON *row, const char *name)
{
	const cJSON *known = record_get(row, "link_known");
	char *text = NULL;
	size_t len;

	if (cJSON_IsFalse(known))
		return strdup("(no link known)");
	return record_get_text(row, name, &text, &len) < 0 ? NULL : text;
}

static char *make_compiler(const cJSON *row)
{
	return make_linked(row, "compiler");
}

static char *make_linker(const cJSON *row)
{
	return make_linked(row, "linker");
}

#define TEXT(name_, heading_, get_, help_, ...)                                                    \
	{                                                                                          \
		{.name = name_,                                                                    \
		 .help = help_,                                                                    \
		 .kind = COLUMN_TEXT,                                                              \
		 .path = name_,                                                                    \
		 .table = {.heading = heading_, __VA_ARGS__}},                                     \
			.get = get_                                                                \
	}
#define MADE(name_, heading_, get_, make_, help_)                                                  \
	{                                                                                          \
		{.name = name_,                                                                    \
		 .help = help_,                                                                    \
		 .kind = COLUMN_TEXT,                                                              \
		 .make = make_,                                                                    \
		 .table = {.heading = heading_, .min = 12}},                                       \
			.get = get_                                                                \
	}
#define NUMBER(name_, heading_, kind_, get_, help_, ...)                                           \
	{                                                                                          \
		{.name = name_,                                                                    \
		 .help = help_,                                                                    \
		 .kind = kind_,                                                                    \
		 .path = name_,                                                                    \
		 .table = {.heading = heading_, .is_right = true, __VA_ARGS__}},                   \
			.get = get_                                                                \
	}

const struct report_column report_columns[REPORT_COLUMNS] = {
	[RC_SOFTWARE] = TEXT("software", "SOFTWARE", get_software,
			     "by the site's rules, else the program's name", .min = 12),
	[RC_PROGRAM] = TEXT("program", "PROGRAM", get_path, "path of the program", .min = 16,
			    .is_cut_left = true),
	[RC_LIBRARY] = TEXT("library", "LIBRARY", get_path, "path of the library", .min = 16,
			    .is_cut_left = true),
	[RC_BUILD_ID] =
		TEXT("build_id", "BUILD-ID", get_build_id, "build-id of the library", .min = 12),
	[RC_MODULE] = TEXT("module", "MODULE", get_module, "name/version of the module it is in",
			   .min = 8, .drop = 4),
	[RC_USER] = TEXT("user", "USER", get_user, "who ran it; a uid if it has no name", .min = 8),
	[RC_JOB] = TEXT("job", "JOB", get_job, "job id; none: outside of jobs", .min = 8),
	[RC_CLUSTER] =
		TEXT("cluster", "CLUSTER", get_cluster, "the job's cluster", .min = 4, .drop = 6),
	[RC_JOB_USER] = TEXT("user", "USER", get_job_user,
			     "whose job it is, by accounting, else by its runs", .min = 8),
	[RC_JOB_ACCOUNT] = TEXT("account", "ACCOUNT", get_job_account,
				"the job's account, by accounting", .min = 8, .drop = 3),
	[RC_QUEUE] = TEXT("queue", "QUEUE", get_queue, "the job's queue, by accounting", .min = 6,
			  .drop = 5),
	[RC_ACCOUNT] = TEXT("account", "ACCOUNT", get_account,
			    "the jobs' account, by accounting; none: not known", .min = 8),
	[RC_HOST] = TEXT("host", "HOST", get_host, "the node", .min = 8),
	[RC_COMPILER] = MADE("compiler", "COMPILER", get_compiler, make_compiler,
			     "what compiled it, by its link record"),
	[RC_COMPILER_VERSION] = TEXT("compiler_version", "VERSION", get_compiler_version,
				     "the compiler's version", .min = 8),
	[RC_COMPILED] = MADE("compiler", "COMPILER", get_compiled, make_compiler,
			     "what compiled it, with its version, by its link record"),
	[RC_LINKER] = MADE("linker", "LINKER", get_linker, make_linker,
			   "what linked it, by its link record"),
	[RC_LINKER_VERSION] = TEXT("linker_version", "VERSION", get_linker_version,
				   "the linker's version", .min = 12),
	[RC_BUILT] = TEXT("built_by", "BUILT-BY", get_built,
			  "self: who runs it; other user, site, unknown"),
	[RC_EVIDENCE] = TEXT("evidence", "EVIDENCE", get_evidence,
			     "what tells: link record, module, the file's owner, path"),
	[RC_RUN_TIME] = {{.name = "run_time",
			  .help = "how long a run took",
			  .kind = COLUMN_TEXT,
			  .path = "run_time",
			  .table = {.heading = "RUN-TIME"}},
			 .get = get_run_time},
	[RC_ENDED] = TEXT("end", "END", get_end, "exit code or signal; ,oom: memory ran out"),
	[RC_RUNS] = NUMBER("runs", "RUNS", COLUMN_COUNT, report_get_runs,
			   "that began in the window, members of groups too"),
	[RC_FAILED] = NUMBER("failed", "FAILED", COLUMN_COUNT, report_get_failed,
			     "runs that ended with a signal or another code than 0", .drop = 1),
	[RC_FAILED_PERCENT] = NUMBER("failed_percent", "FAILED%", COLUMN_PERCENT,
				     report_get_failed_percent, "of the runs", .drop = 5),
	[RC_FAILED_HERE] =
		NUMBER("failed", "FAILED", COLUMN_COUNT, report_get_failed, "runs that ended so"),
	[RC_OF_RUNS] = NUMBER("runs", "RUNS", COLUMN_COUNT, report_get_of_runs,
			      "all runs of it, failed or not"),
	[RC_END_PERCENT] = NUMBER("failed_percent", "FAILED%", COLUMN_PERCENT,
				  report_get_end_percent, "of these runs ended so"),
	[RC_LINKS] = NUMBER("links", "LINKS", COLUMN_COUNT, report_get_links, "made in the window",
			    .drop = 4),
	[RC_PROGRAMS] = NUMBER("programs", "PROGRAMS", COLUMN_COUNT, report_get_programs,
			       "different paths", .drop = 3),
	[RC_USERS] = NUMBER("users", "USERS", COLUMN_COUNT, report_get_users, "different persons"),
	[RC_JOBS] =
		NUMBER("jobs", "JOBS", COLUMN_COUNT, report_get_jobs, "different jobs", .drop = 1),
	[RC_HOSTS] = NUMBER("hosts", "HOSTS", COLUMN_COUNT, report_get_hosts, "different nodes",
			    .drop = 3),
	[RC_CPU] = NUMBER("cpu_hours", "CPU-H", COLUMN_HOURS, report_get_cpu,
			  "CPU time, user and system", .drop = 2),
	[RC_CORE] = NUMBER("core_hours", "CORE-H", COLUMN_HOURS, report_get_core,
			   "elapsed time, times its processors where they are known"),
	[RC_NODE] = NUMBER("node_hours", "NODE-H", COLUMN_HOURS, report_get_node,
			   "time in which it ran on a node, in each job once", .drop = 2),
	[RC_SHARE] = NUMBER("core_percent", "CORE-H%", COLUMN_PERCENT, report_get_share,
			    "of the core hours of all that is reported", .drop = 5),
	[RC_FIRST] = {{.name = "first",
		       .help = "start of the first run",
		       .kind = COLUMN_TIME,
		       .path = "first",
		       .table = {.heading = "FIRST", .drop = 6}},
		      .get = report_get_first},
	[RC_LAST] = {{.name = "last",
		      .help = "start of the last run",
		      .kind = COLUMN_TIME,
		      .path = "last",
		      .table = {.heading = "LAST", .drop = 7}},
		     .get = report_get_last},
};

void report_column_get(enum report_column_id id, const struct report_lines *lines,
		       const struct tally_cell *cell, struct report_value *ret)
{
	ret->kind = VALUE_NONE;
	report_columns[id].get(lines, cell, ret);
}
