/* SPDX-License-Identifier: BSD-2-Clause */
/* The columns of runs, and how each kind of value is shown. */
#include "cli/columns.h"
#include "cli/number.h"
#include "cli/when.h"
#include "common/record.h"
#include "common/text.h"
#include <errno.h>
#include <strings.h>

#define SIZE_TEXT 16

static char *make_incomplete(const cJSON *run)
{
	const cJSON *list = record_get(run, "incomplete");

	return cJSON_GetArraySize(list) ? words_join(list, record_get(run, "incomplete_b64"))
					: NULL;
}

static char *make_array(const cJSON *run)
{
	_cleanup_free_ char *id = NULL, *task = NULL;
	char *text;
	size_t len;

	if (record_get_text(run, "job.array_id", &id, &len) < 0)
		return NULL;
	if (record_get_text(run, "job.array_task", &task, &len) < 0)
		return TAKE_PTR(id);
	return asprintf(&text, "%s_%s", id, task) < 0 ? NULL : text;
}

static char *make_kind(const cJSON *run)
{
	char kind[16];

	return record_kind(run, kind, sizeof(kind)) ? strdup(kind) : NULL;
}

#define TEXT   .kind = COLUMN_TEXT
#define NUMBER .kind = COLUMN_NUMBER
#define RIGHT  .is_right = true

/* The order is CSV's, and that of the default table. */
const struct column columns[] = {
	{"start",
	 "start of the run",
	 COLUMN_TIME,
	 true,
	 "start",
	 NULL,
	 NULL,
	 {"START", .nominal = 19}},
	{"end", "its end", COLUMN_TIME, .path = "end", .table = {"END", .nominal = 19}},
	{"user", "user by name", TEXT, true, "user", NULL, NULL, {"USER", .min = 4, .nominal = 8}},
	{"uid", "real user id", NUMBER, .path = "uid", .table = {"UID", RIGHT}},
	{"euid", "effective user id", NUMBER, .path = "euid", .table = {"EUID", RIGHT}},
	{"gid", "real group id", NUMBER, .path = "gid", .table = {"GID", RIGHT}},
	{"login_uid", "user id of the login", NUMBER, .path = "login_uid",
	 .table = {"LOGIN", RIGHT}},
	{"job", "job, with its step", TEXT, true, .make = run_make_job,
	 .table = {"JOB", .min = 4, .nominal = 10}},
	{"job_id", "job without its step", TEXT, .path = "job.id", .table = {"JOBID", .min = 4}},
	{"step", "step of the job", TEXT, .path = "job.step", .table = {"STEP", .min = 4}},
	{"task", "task of the step", TEXT, .path = "job.task", .table = {"TASK", .min = 4}},
	{"array", "array job and its task", TEXT, .make = make_array, .table = {"ARRAY", .min = 4}},
	{"rank", "rank that its launcher gave it", NUMBER, .path = "mpi.rank",
	 .table = {"RANK", RIGHT}},
	{"size", "number of ranks of its program", NUMBER, .path = "mpi.size",
	 .table = {"SIZE", RIGHT}},
	{"manager", "resource manager of the job", TEXT, .path = "job.manager",
	 .table = {"MANAGER", .min = 4}},
	{"container", "id of the container", TEXT, .path = "container.id",
	 .table = {"CONTAINER", .min = 8}},
	{"runtime", "what made the container: podman, charliecloud, apptainer, ...", TEXT,
	 .path = "container.runtime", .table = {"RUNTIME", .min = 6}},
	{"image", "image of the container, where its runtime tells it", TEXT,
	 .path = "container.image", .table = {"IMAGE", .is_cut_left = true, .min = 8}},
	{"mount_ns", "mount namespace in which paths are meant: host or other", TEXT,
	 .path = "namespaces.mount", .table = {"MOUNTNS", .min = 5}},
	{"user_ns", "user namespace: host or other", TEXT, .path = "namespaces.user",
	 .table = {"USERNS", .min = 5}},
	{"host",
	 "node",
	 TEXT,
	 true,
	 "host",
	 NULL,
	 NULL,
	 {"HOST", .min = 6, .nominal = 8, .drop = 2}},
	{"cluster", "cluster", TEXT, .path = "cluster", .table = {"CLUSTER", .min = 4}},
	{"elapsed",
	 "wall time; of a group the sum, of ranks min/median/max, of a running one (>) so far",
	 COLUMN_ELAPSED,
	 true,
	 "elapsed_s",
	 "elapsed_s.sum",
	 NULL,
	 {"ELAPSED", RIGHT, .nominal = 7, .drop = 1}},
	{"runs", "runs that the line stands for: members of a group, ranks", TEXT, true,
	 .make = run_make_runs, .table = {"RUNS", RIGHT, .drop = 4}},
	{"exit",
	 "exit code, signal, exec (another program followed), running, node lost or unknown", TEXT,
	 true, .make = run_make_exit, .table = {"EXIT", .min = 7, .nominal = 7}},
	{"user_s", "CPU seconds of the program", COLUMN_ELAPSED, .path = "usage.user_s",
	 .group_path = "usage.user_s.sum", .table = {"USERCPU", RIGHT}},
	{"system_s", "CPU seconds of the kernel for it", COLUMN_ELAPSED, .path = "usage.system_s",
	 .group_path = "usage.system_s.sum", .table = {"SYSCPU", RIGHT}},
	{"max_rss", "peak memory", COLUMN_SIZE, .path = "usage.max_rss",
	 .group_path = "usage.max_rss.max", .table = {"MAXRSS", RIGHT}},
	{"read_bytes", "read from storage", COLUMN_SIZE, .path = "usage.read_bytes",
	 .group_path = "usage.read_bytes.sum", .table = {"READ", RIGHT}},
	{"write_bytes", "written to storage", COLUMN_SIZE, .path = "usage.write_bytes",
	 .group_path = "usage.write_bytes.sum", .table = {"WRITTEN", RIGHT}},
	{"minor_faults", "page faults without reading", NUMBER, .path = "usage.minor_faults",
	 .group_path = "usage.minor_faults.sum", .table = {"MINFLT", RIGHT}},
	{"major_faults", "page faults with reading", NUMBER, .path = "usage.major_faults",
	 .group_path = "usage.major_faults.sum", .table = {"MAJFLT", RIGHT}},
	{"forks", "copies folded into the run", NUMBER, .path = "usage.forks",
	 .group_path = "usage.forks.sum", .table = {"FORKS", RIGHT}},
	{"pid", "process id", NUMBER, .path = "pid", .table = {"PID", RIGHT}},
	{"ppid", "parent's process id", NUMBER, .path = "ppid", .table = {"PPID", RIGHT}},
	{"program",
	 "path of the program",
	 TEXT,
	 true,
	 "exe.path",
	 NULL,
	 NULL,
	 {"PROGRAM", .is_cut_left = true, .min = 12, .nominal = 32}},
	{"software", "what the program is called in reports", TEXT, .path = "exe.software",
	 .table = {"SOFTWARE", .min = 8}},
	{"module", "module that the program belongs to", TEXT, .path = "exe.module",
	 .table = {"MODULE", .min = 8}},
	{"build_id", "the program's build-id", TEXT, .path = "exe.build_id",
	 .table = {"BUILD-ID", .min = 12}},
	{"watermark", "the program's watermark", TEXT, .path = "exe.watermark",
	 .table = {"WATERMARK", .min = 12}},
	{"watermark_state", "stamped, unstamped, none or unknown", TEXT,
	 .path = "exe.watermark_state", .table = {"STAMP"}},
	{"script", "script that the program ran", TEXT, .path = "script.path",
	 .table = {"SCRIPT", .is_cut_left = true, .min = 16}},
	{"cwd", "directory it was started in", TEXT, .path = "cwd",
	 .table = {"CWD", .is_cut_left = true, .min = 16}},
	{"arguments", "argument vector", TEXT, .make = run_make_arguments,
	 .table = {"ARGUMENTS", .min = 16}},
	{"origin", "exec, fork or scan", TEXT, .path = "origin", .table = {"ORIGIN"}},
	{"source", "who saw it", TEXT, .path = "source", .table = {"SOURCE"}},
	{"kind", "run, start of one whose end has not come, or group", TEXT, .make = make_kind,
	 .table = {"KIND"}},
	{"incomplete", "what is missing, and why", TEXT, .make = make_incomplete,
	 .table = {"INCOMPLETE", .min = 12}},
	{"parent", "run id of the parent", TEXT, .path = "parent_run_id", .table = {"PARENT"}},
	{"run_id",
	 "id of the run or group, for show",
	 TEXT,
	 true,
	 "run_id",
	 "group_id",
	 NULL,
	 {"RUN", .drop = 3, .nominal = 36}},
};
const size_t columns_count = ARRAY_SIZE(columns);

void column_list_default(struct column_list *ret, bool all)
{
	*ret = (struct column_list){0};
	for (size_t i = 0; i < columns_count; i++)
		if (all || columns[i].in_table)
			ret->items[ret->count++] = &columns[i];
}

static const struct column *find_column(const char *name, size_t len)
{
	for (size_t i = 0; i < columns_count; i++)
		if (strlen(columns[i].name) == len && !strncasecmp(columns[i].name, name, len))
			return &columns[i];
	return NULL;
}

int column_list_parse(const char *text, struct column_list *ret, const char **ret_wrong,
		      size_t *ret_wrong_len)
{
	struct column_list list = {0};

	if (*text == '+') {
		list = *ret;
		text++;
	}
	for (;;) {
		size_t len = strcspn(text, ",");
		const struct column *column = find_column(text, len);

		if (!column || list.count == TABLE_COLUMNS_MAX) {
			*ret_wrong = text;
			*ret_wrong_len = len;
			return -EINVAL;
		}
		list.items[list.count++] = column;
		text += len;
		if (!*text++)
			break;
	}
	*ret = list;
	return 0;
}

static char *format_number(double value)
{
	char text[32];

	snprintf(text, sizeof(text), "%.15g", value);
	return strdup(text);
}

static char *format_size(double bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
	char text[SIZE_TEXT];
	size_t unit = 0;

	while (bytes >= 1024 && unit + 1 < ARRAY_SIZE(units)) {
		bytes /= 1024;
		unit++;
	}
	snprintf(text, sizeof(text), unit && bytes < 9.95 ? "%.1f%s" : "%.0f%s", bytes,
		 units[unit]);
	return strdup(text);
}

static int get_number(const struct column *column, const cJSON *run, double *ret)
{
	int r = record_get_number(run, column->path, ret);

	return r < 0 && column->group_path ? record_get_number(run, column->group_path, ret) : r;
}

/* A run that is open has run so long at least. */
static char *elapsed_so_far(const struct column *column, const cJSON *run)
{
	char elapsed[ELAPSED_SIZE], *text;
	double value;

	if (strcmp(column->path, "elapsed_s") != 0 || run_open_seconds(run, &value) < 0)
		return NULL;
	return asprintf(&text, ">%s", when_format_elapsed(value, elapsed)) < 0 ? NULL : text;
}

/* Of ranks: the shortest, the median and the longest, unless they look alike. */
static char *elapsed_of_ranks(const cJSON *run)
{
	char low[ELAPSED_SIZE], middle[ELAPSED_SIZE], high[ELAPSED_SIZE], *text;
	double min, median, max;

	if (record_get_number(run, "elapsed_s.median", &median) < 0 ||
	    record_get_number(run, "elapsed_s.min", &min) < 0 ||
	    record_get_number(run, "elapsed_s.max", &max) < 0)
		return NULL;
	when_format_elapsed(min, low);
	when_format_elapsed(max, high);
	if (!strcmp(low, high))
		return strdup(low);
	return asprintf(&text, "%s/%s/%s", low, when_format_elapsed(median, middle), high) < 0
		       ? NULL
		       : text;
}

static char *number_for_table(const struct column *column, const cJSON *run)
{
	char elapsed[ELAPSED_SIZE];
	double value;

	if (column->kind == COLUMN_ELAPSED && !strcmp(column->path, "elapsed_s")) {
		char *text = elapsed_of_ranks(run);

		if (text)
			return text;
	}
	if (get_number(column, run, &value) < 0)
		return elapsed_so_far(column, run);
	switch (column->kind) {
	case COLUMN_ELAPSED:
		return strdup(when_format_elapsed(value, elapsed));
	case COLUMN_SIZE:
		return format_size(value);
	case COLUMN_COUNT:
		return number_format_count(value);
	case COLUMN_HOURS:
		return number_format_hours(value);
	case COLUMN_PERCENT:
		return number_format_percent(value);
	default:
		return format_number(value);
	}
}

static char *exact_text(const struct column *column, const cJSON *run)
{
	char *text;
	size_t len;

	if (column->make)
		return column->make(run);
	if (!record_get_text(run, column->path, &text, &len))
		return text;
	return column->group_path && !record_get_text(run, column->group_path, &text, &len) ? text
											    : NULL;
}

char *column_for_table(const struct column *column, const cJSON *run)
{
	_cleanup_free_ char *text = NULL;
	char when[WHEN_SIZE];
	uint64_t ns;

	if (column->kind == COLUMN_TIME)
		return record_get_time(run, column->path, &ns) < 0 ? NULL
								   : strdup(when_format(ns, when));
	if (column->kind != COLUMN_TEXT)
		return number_for_table(column, run);
	text = exact_text(column, run);
	return text ? text_for_terminal(bytes_of(text)) : NULL;
}

char *column_for_csv(const struct column *column, const cJSON *run)
{
	_cleanup_free_ char *text = NULL;
	char when[RECORD_TIME_SIZE];
	double value;
	uint64_t ns;

	if (column->kind == COLUMN_TIME)
		return record_get_time(run, column->path, &ns) < 0
			       ? NULL
			       : strdup(record_time_format(ns, when));
	if (column->kind != COLUMN_TEXT)
		return get_number(column, run, &value) < 0 ? NULL : format_number(value);
	text = exact_text(column, run);
	return text ? text_for_csv(bytes_of(text)) : NULL;
}
