/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What ran, as it is told when the command has ended: a line for each program, those that used most
 * CPU first. The rows have the form of runmark job's, and so its columns.
 */
#include "cli/private.h"

#include "cli/columns.h"
#include "cli/job.h"
#include "cli/private_runs.h"
#include "common/array.h"
#include "common/log.h"
#include "common/record.h"
#include "common/text.h"

#include <errno.h>
#include <search.h>

#define ROWS_MAX      23 /* of the table; the database has all */
#define LIBRARIES_MAX 997
#define LIBRARIES_ROW 6 /* named in a row */

static const char *const shown[] = {"runs",    "ends",	  "cpu_s",    "elapsed_max_s",
				    "max_rss", "program", "libraries"};

struct program {
	char *name; /* path, and script's */
	double runs, cpu_s, longest_s, max_rss;
	bool has_cpu, has_longest, has_rss;
	cJSON *ends, *libraries;
};

struct report {
	const struct private_runs *runs;
	const struct private_args *args;
	FILE *out;
	void *tree; /* of struct program, by name */
	struct program **programs;
	size_t count, size;
	double total, failed, cpu_s;
	const char *source; /* of the last run, in its record */
};

static int compare_name(const void *a, const void *b)
{
	return strcmp(((const struct program *)a)->name, ((const struct program *)b)->name);
}

/* Most CPU first. */
static int compare_use(const void *a, const void *b)
{
	const struct program *x = *(struct program *const *)a, *y = *(struct program *const *)b;

	if (x->cpu_s != y->cpu_s)
		return x->cpu_s > y->cpu_s ? -1 : 1;
	if (x->runs != y->runs)
		return x->runs > y->runs ? -1 : 1;
	return compare_name(x, y);
}

static void program_free(void *opaque)
{
	struct program *program = opaque;

	free(program->name);
	cJSON_Delete(program->ends);
	cJSON_Delete(program->libraries);
	free(program);
}

/* "/usr/bin/python3.11 /home/alice/sim.py": a person knows scripts by their own names. */
static char *make_name(const cJSON *run)
{
	_cleanup_free_ char *exe = NULL, *script = NULL;
	char *name;

	(void)record_get_text(run, "exe.path", &exe, NULL);
	(void)record_get_text(run, "script.path", &script, NULL);
	if (asprintf(&name, "%s%s%s", exe ?: "?", script ? " " : "", script ?: "") < 0)
		return NULL;
	return name;
}

/* Takes name over. */
static struct program *get_program(struct report *report, char *name)
{
	struct program key = {.name = name}, *made, **found;
	void *grown;

	found = tfind(&key, &report->tree, compare_name);
	if (found) {
		free(name);
		return *found;
	}
	made = calloc(1, sizeof(*made));
	grown = array_grow(report->programs, report->count, &report->size,
			   sizeof(*report->programs));
	if (grown)
		report->programs = grown;
	if (!made || !grown) {
		free(name);
		free(made);
		return NULL;
	}
	*made = (struct program){
		.name = name, .ends = cJSON_CreateObject(), .libraries = cJSON_CreateArray()};
	if (!made->ends || !made->libraries || !tsearch(made, &report->tree, compare_name)) {
		program_free(made);
		return NULL;
	}
	return report->programs[report->count++] = made;
}

static int add_end(struct report *report, struct program *program, const cJSON *run)
{
	_cleanup_free_ char *word = run_make_exit(run);
	cJSON *item;
	double code = 0, number = 0;

	if (!record_get_number(run, "exit.signal", &number) ||
	    (!record_get_number(run, "exit.code", &code) && code != 0))
		report->failed++;
	item = cJSON_GetObjectItemCaseSensitive(program->ends, word ?: "unknown");
	if (item)
		cJSON_SetNumberHelper(item, item->valuedouble + 1);
	else if (!cJSON_AddNumberToObject(program->ends, word ?: "unknown", 1))
		return -ENOMEM;
	return 0;
}

static bool has_library(const cJSON *libraries, const char *path)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, libraries)
		if (!strcmp(item->valuestring, path))
			return true;
	return false;
}

/* The runs of a program mostly have the same set, so looking through a short list is enough. */
static int add_libraries(struct report *report, struct program *program, const cJSON *run)
{
	const cJSON *set = private_runs_set(report->runs, record_get(run, "object_set")), *object;
	cJSON *added;

	cJSON_ArrayForEach (object, record_get(set, "objects")) {
		const char *path = cJSON_GetStringValue(record_get(object, "path"));

		if (!path || job_is_plain_library(bytes_of(path)) ||
		    has_library(program->libraries, path))
			continue;
		if (cJSON_GetArraySize(program->libraries) == LIBRARIES_MAX)
			return 0;
		added = cJSON_CreateString(path);
		if (!added || !cJSON_AddItemToArray(program->libraries, added)) {
			cJSON_Delete(added);
			return -ENOMEM;
		}
	}
	return 0;
}

static void add_numbers(struct report *report, struct program *program, const cJSON *run)
{
	double user = 0, system = 0, value;

	program->runs++;
	report->total++;
	if (!record_get_number(run, "usage.user_s", &user) &&
	    !record_get_number(run, "usage.system_s", &system)) {
		program->has_cpu = true;
		program->cpu_s += user + system;
		report->cpu_s += user + system;
	}
	if (!record_get_number(run, "elapsed_s", &value)) {
		program->has_longest = true;
		program->longest_s = MAX(program->longest_s, value);
	}
	if (!record_get_number(run, "usage.max_rss", &value)) {
		program->has_rss = true;
		program->max_rss = MAX(program->max_rss, value);
	}
}

static int add_run(void *arg, const cJSON *run)
{
	struct report *report = arg;
	char *name = make_name(run);
	struct program *program = name ? get_program(report, name) : NULL;
	int r;

	if (!program)
		return -ENOMEM;
	report->source = cJSON_GetStringValue(record_get(run, "source"));
	add_numbers(report, program, run);
	r = add_end(report, program, run);
	return r < 0 ? r : add_libraries(report, program, run);
}

static bool add_member(cJSON *copy, const cJSON *set, const char *name, bool or_null)
{
	cJSON *member = cJSON_Duplicate(record_get(set, name), true);

	if (!member)
		return !or_null || record_add_null(copy, name);
	if (cJSON_AddItemToObject(copy, name, member))
		return true;
	cJSON_Delete(member);
	return false;
}

/* As runmark find --format json prints it. */
static int print_run(void *arg, const cJSON *run)
{
	struct report *report = arg;
	_cleanup_json_ cJSON *copy = cJSON_Duplicate(run, true);
	const cJSON *objects = private_runs_set(report->runs, record_get(run, "object_set"));
	const cJSON *env = private_runs_set(report->runs, record_get(run, "env_set"));

	if (!copy || !add_member(copy, objects, "objects", true) ||
	    !add_member(copy, env, "env", true) || !add_member(copy, env, "env_b64", false))
		return -ENOMEM;
	return output_json(copy, report->out);
}

static bool add_number(cJSON *row, const char *name, bool is_known, double value)
{
	return is_known ? record_add_number(row, name, value) : record_add_null(row, name);
}

/* The first of them, and how many more there are. A language's own modules have other names. */
static cJSON *make_libraries(const struct program *program)
{
	cJSON *list = cJSON_CreateArray(), *text;
	const cJSON *item;
	char rest[16];
	int count = 0;

	cJSON_ArrayForEach (item, program->libraries) {
		const char *slash = strrchr(item->valuestring, '/');

		if (strncmp(slash ? slash + 1 : item->valuestring, "lib", 3) != 0 ||
		    ++count > LIBRARIES_ROW)
			continue;
		text = cJSON_CreateString(item->valuestring);
		if (!text || !cJSON_AddItemToArray(list, text)) {
			cJSON_Delete(text);
			cJSON_Delete(list);
			return NULL;
		}
	}
	snprintf(rest, sizeof(rest), "+%d", count - LIBRARIES_ROW);
	if (count > LIBRARIES_ROW && (text = cJSON_CreateString(rest)))
		cJSON_AddItemToArray(list, text);
	return list;
}

static bool add_item(cJSON *row, const char *name, cJSON *item)
{
	if (item && cJSON_AddItemToObject(row, name, item))
		return true;
	cJSON_Delete(item);
	return false;
}

static cJSON *make_row(const struct program *program)
{
	cJSON *row = cJSON_CreateObject();

	if (row && record_add_text(row, "program", bytes_of(program->name)) &&
	    record_add_number(row, "runs", program->runs) &&
	    cJSON_AddItemReferenceToObject(row, "ends", program->ends) &&
	    add_item(row, "libraries", make_libraries(program)) &&
	    add_number(row, "cpu_s", program->has_cpu, program->cpu_s) &&
	    add_number(row, "elapsed_max_s", program->has_longest, program->longest_s) &&
	    add_number(row, "max_rss", program->has_rss, program->max_rss))
		return row;
	cJSON_Delete(row);
	return NULL;
}

static void choose_columns(struct column_list *ret)
{
	ret->count = 0;
	for (size_t i = 0; i < ARRAY_SIZE(shown); i++)
		for (size_t j = 0; j < job_columns_count; j++)
			if (!strcmp(job_columns[j].name, shown[i]))
				ret->items[ret->count++] = &job_columns[j];
}

static int print_rows(struct report *report)
{
	struct column_list list;
	struct output output;
	int r;

	choose_columns(&list);
	qsort(report->programs, report->count, sizeof(*report->programs), compare_use);
	r = output_init(&output, OUTPUT_TABLE, &list, TABLE_SAMPLE_ROWS, report->out);
	for (size_t i = 0; r >= 0 && i < MIN(report->count, (size_t)ROWS_MAX); i++) {
		_cleanup_json_ cJSON *row = make_row(report->programs[i]);

		r = row ? output_run(&output, row) : -ENOMEM;
	}
	if (r >= 0)
		r = output_end(&output);
	output_done(&output);
	return r;
}

static int print_table(struct report *report, const char *url, uint64_t start_ns)
{
	char start[RECORD_TIME_SIZE];
	int r = 0;

	fprintf(report->out, "runmark: %.0f run%s of %zu program%s", report->total,
		report->total == 1 ? "" : "s", report->count, report->count == 1 ? "" : "s");
	if (report->failed)
		fprintf(report->out, ", %.0f failed", report->failed);
	if (report->source)
		fprintf(report->out, ", by %s",
			strcmp(report->source, "bpf") ? "the preload module" : "the kernel side");
	fputc('\n', report->out);
	if (report->count)
		r = print_rows(report);
	if (report->count > ROWS_MAX)
		fprintf(report->out, "runmark: programs that are not shown: %zu\n",
			report->count - ROWS_MAX);
	if (url) {
		fputs("runmark: more by: runmark find --db ", report->out);
		word_put(report->out, url);
		fprintf(report->out, " --since %.19sZ\n", record_time_format(start_ns, start));
	}
	return r < 0 ? r : fflush(report->out) ? -errno : 0;
}

static int print(struct report *report, struct private_runs *runs, const char *url,
		 uint64_t start_ns)
{
	int r;

	if (report->args->format == OUTPUT_JSON)
		return private_runs_each(runs, print_run, report);
	r = private_runs_each(runs, add_run, report);
	return r < 0 ? r : print_table(report, url, start_ns);
}

int private_report(const struct private_folder *folder, const struct private_args *args,
		   const char *url, uint64_t start_ns)
{
	static const char *const folders[] = {PRIVATE_SPOOL, PRIVATE_FILES};
	struct private_runs *runs = private_runs_new();
	struct report report = {.runs = runs, .args = args, .out = stderr};
	_cleanup_fclose_ FILE *file = args->output ? fopen(args->output, "we") : NULL;
	int r = runs ? 0 : -ENOMEM;

	if (args->output && !file)
		r = log_err(-errno, "cannot write %s", args->output);
	if (file)
		report.out = file;
	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(folders); i++) {
		_cleanup_free_ char *path = private_folder_at(folder, folders[i]);

		r = path ? private_runs_read(runs, path) : -ENOMEM;
	}
	if (r >= 0)
		r = print(&report, runs, url, start_ns);
	if (r >= 0 && file && fflush(file))
		r = -errno;
	if (r < 0)
		log_err(r, "cannot tell what ran");
	tdestroy(report.tree, program_free);
	free(report.programs);
	private_runs_free(runs);
	return r;
}
