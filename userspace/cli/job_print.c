/* SPDX-License-Identifier: BSD-2-Clause */
/* How runmark job looks: columns of programs and of jobs, and one job in full. */
#include "cli/job.h"
#include "cli/when.h"
#include "common/record.h"
#include "common/text.h"
#include <inttypes.h>

#define LABEL_WIDTH 11

static char *make_ends(const cJSON *row)
{
	const cJSON *end, *ends = record_get(row, "ends");
	char *text = NULL;
	size_t size = 0;
	FILE *out;

	if (cJSON_GetArraySize(ends) == 1 && ends->child->valuedouble == 1)
		return strdup(ends->child->string);
	out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	cJSON_ArrayForEach (end, ends)
		fprintf(out, "%s%s x%.0f", end == ends->child ? "" : ", ", end->string,
			end->valuedouble);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* Their names, up to the version: libmpi.so.40 is libmpi. Exact bytes: see text_for_terminal(). */
static char *make_libraries(const cJSON *row)
{
	const cJSON *item, *list = record_get(row, "libraries");
	char *text = NULL;
	size_t size = 0, count = 0;
	FILE *out = list ? open_memstream(&text, &size) : NULL;

	if (!out)
		return NULL;
	cJSON_ArrayForEach (item, list) {
		const char *path = item->valuestring, *slash = strrchr(path, '/');
		const char *name = slash ? slash + 1 : path, *end = strstr(name, ".so");

		fprintf(out, "%s%.*s", count++ ? " " : "",
			(int)(end && end != name ? (size_t)(end - name) : strlen(name)), name);
	}
	if (fclose(out) != 0 || !count) {
		free(text);
		return NULL;
	}
	return text;
}

const struct column job_columns[] = {
	{"program", "path of the program", COLUMN_TEXT, .path = "program",
	 .table = {"PROGRAM", .is_cut_left = true, .min = 12}},
	{"runs", "", COLUMN_NUMBER, .path = "runs", .table = {"RUNS", .is_right = true}},
	{"ranks", "", COLUMN_NUMBER, .path = "ranks",
	 .table = {"RANKS", .is_right = true, .drop = 2}},
	{"ends", "", COLUMN_TEXT, .make = make_ends, .table = {"ENDS", .min = 7}},
	{"cpu_s", "", COLUMN_ELAPSED, .path = "cpu_s", .table = {"CPU", .is_right = true}},
	{"elapsed_s", "", COLUMN_ELAPSED, .path = "elapsed_s",
	 .table = {"ELAPSED", .is_right = true, .drop = 1}},
	{"elapsed_max_s", "", COLUMN_ELAPSED, .path = "elapsed_max_s",
	 .table = {"LONGEST", .is_right = true, .drop = 4}},
	{"max_rss", "", COLUMN_SIZE, .path = "max_rss", .table = {"MAXRSS", .is_right = true}},
	{"libraries", "", COLUMN_TEXT, .make = make_libraries,
	 .table = {"LIBRARIES", .min = 16, .drop = 3}},
};
const size_t job_columns_count = ARRAY_SIZE(job_columns);

static char *make_job(const cJSON *job)
{
	_cleanup_free_ char *id = NULL, *array = NULL, *task = NULL;
	char *text;

	if (record_get_text(job, "job", &id, NULL) < 0)
		return NULL;
	if (record_get_text(job, "array_id", &array, NULL) < 0 ||
	    record_get_text(job, "array_task", &task, NULL) < 0)
		return TAKE_PTR(id);
	return asprintf(&text, "%s_%s", array, task) < 0 ? NULL : text;
}

static char *make_efficiency(const cJSON *job)
{
	double value;
	char *text;

	if (record_get_number(job, "efficiency", &value) < 0)
		return NULL;
	/* what is little is not nothing */
	if (value > 0 && value < 0.01)
		return strdup("<1%");
	return asprintf(&text, "%.0f%%", value * 100) < 0 ? NULL : text;
}

const struct column job_account_columns[] = {
	{"job", "", COLUMN_TEXT, .make = make_job, .table = {"JOB", .min = 4}},
	{"user", "", COLUMN_TEXT, .path = "user", .table = {"USER", .min = 4}},
	{"account", "", COLUMN_TEXT, .path = "account", .table = {"ACCOUNT", .min = 6, .drop = 2}},
	{"queue", "", COLUMN_TEXT, .path = "queue", .table = {"QUEUE", .min = 5, .drop = 1}},
	{"state", "", COLUMN_TEXT, .path = "state", .table = {"STATE", .min = 7}},
	{"start", "", COLUMN_TIME, .path = "start", .table = {"START"}},
	{"nodes", "", COLUMN_NUMBER, .path = "nodes", .table = {"NODES", .is_right = true}},
	{"cpus", "", COLUMN_NUMBER, .path = "used.cpus", .table = {"CPUS", .is_right = true}},
	{"elapsed_s", "", COLUMN_ELAPSED, .path = "used.elapsed_s",
	 .table = {"ELAPSED", .is_right = true}},
	{"cpu_s", "", COLUMN_ELAPSED, .path = "used.cpu_s", .table = {"CPU", .is_right = true}},
	{"efficiency", "", COLUMN_TEXT, .make = make_efficiency,
	 .table = {"EFF", .is_right = true}},
	{"max_rss", "", COLUMN_SIZE, .path = "used.max_rss", .table = {"MAXRSS", .is_right = true}},
};
const size_t job_account_columns_count = ARRAY_SIZE(job_account_columns);

static char *safe(const cJSON *job, const char *path)
{
	_cleanup_free_ char *text = NULL;
	size_t len;

	return record_get_text(job, path, &text, &len) < 0
		       ? NULL
		       : text_for_terminal((struct bytes){text, len});
}

/* The columns' way of showing a member. */
static char *shown(const cJSON *job, const char *path, enum column_kind kind)
{
	const struct column column = {.kind = kind, .path = path};

	return column_for_table(&column, job);
}

/* "4 CPUs, 8.0GiB, 1h00m": what is known of these. */
static void put_amounts(const cJSON *job, const char *label, const char *cpus, const char *memory,
			const char *time)
{
	_cleanup_free_ char *n = shown(job, cpus, COLUMN_NUMBER);
	_cleanup_free_ char *size = shown(job, memory, COLUMN_SIZE);
	_cleanup_free_ char *span = shown(job, time, COLUMN_ELAPSED);
	const char *between = " ";

	if (!n && !size && !span)
		return;
	printf("  %-*s", LABEL_WIDTH, label);
	if (n) {
		printf("%s%s CPU%s", between, n, strcmp(n, "1") ? "s" : "");
		between = ", ";
	}
	if (size) {
		printf("%s%s memory", between, size);
		between = ", ";
	}
	if (span)
		printf("%s%s", between, span);
	putchar('\n');
}

static void put_account(const cJSON *job)
{
	static const struct {
		const char *label, *path;
	} texts[] = {{"user", "user"}, {"account", "account"}, {"queue", "queue"},
		     {"qos", "qos"},   {"sluid", "sluid"},     {"cluster", "cluster"}};
	static const struct {
		const char *label, *path;
	} times[] = {{"submitted", "submit"}, {"started", "start"}, {"ended", "end"}};
	_cleanup_free_ char *nodes = shown(job, "nodes", COLUMN_NUMBER);
	_cleanup_free_ char *list = safe(job, "node_list");
	_cleanup_free_ char *efficiency = make_efficiency(job);
	_cleanup_free_ char *cpu = shown(job, "used.cpu_s", COLUMN_ELAPSED);
	const char *from = cJSON_GetStringValue(record_get(job, "efficiency_from"));

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_free_ char *text = safe(job, texts[i].path);

		if (text && *text)
			printf("  %-*s %s\n", LABEL_WIDTH, texts[i].label, text);
	}
	if (nodes)
		printf("  %-*s %s%s%s\n", LABEL_WIDTH, "nodes", nodes, list ? ": " : "",
		       list ? list : "");
	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		_cleanup_free_ char *text = shown(job, times[i].path, COLUMN_TIME);

		if (text)
			printf("  %-*s %s\n", LABEL_WIDTH, times[i].label, text);
	}
	put_amounts(job, "requested", "requested.cpus", "requested.memory", "requested.time_s");
	put_amounts(job, "used", "used.cpus", "used.max_rss", "used.elapsed_s");
	if (efficiency)
		printf("  %-*s %s of its CPUs' time%s\n", LABEL_WIDTH, "efficiency", efficiency,
		       from && !strcmp(from, "records") ? " (CPU time as recorded)" : "");
	(void)cpu;
}

void job_print_heading(const char *name, const cJSON *job, const struct job_sum *sum)
{
	_cleanup_free_ char *id = text_for_terminal(bytes_of(name));
	_cleanup_free_ char *state = job ? safe(job, "state") : NULL;
	char first[WHEN_SIZE], last[WHEN_SIZE], cpu[ELAPSED_SIZE];
	double code = 0, signal = 0;
	char *step = id ? strchr(id, '.') : NULL;

	if (step)
		*step++ = '\0';
	printf("job %s: %s", id ? id : "?", state ? state : "no accounting is known");
	if (job && !record_get_number(job, "exit.signal", &signal) && signal > 0)
		printf(", signal %.0f", signal);
	else if (job && !record_get_number(job, "exit.code", &code) && code > 0)
		printf(", exit code %.0f", code);
	putchar('\n');
	if (job)
		put_account(job);
	if (!sum->runs)
		return;
	printf("  %-*s %" PRIu64 " run%s%s%s on %zu node%s, %s to %s, CPU %s\n", LABEL_WIDTH,
	       "recorded", sum->runs, sum->runs == 1 ? "" : "s", step ? " of step " : "",
	       step ? step : "", sum->hosts.count, sum->hosts.count == 1 ? "" : "s",
	       when_format((uint64_t)sum->start_us * 1000, first),
	       sum->end_us ? when_format((uint64_t)sum->end_us * 1000, last) : "now",
	       when_format_elapsed(sum->cpu_s, cpu));
}
