/* SPDX-License-Identifier: BSD-2-Clause */
/* runmark job: the software of one job, and what its accounting says. */
#include "cli/job.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/own.h"
#include "cli/run_resolve.h"
#include "common/log.h"
#include "common/record.h"
#include "common/text.h"
#include <errno.h>

struct job_args {
	bool libs;		     /* the plain ones, too */
	uint64_t since_ns, until_ns; /* 0: any */
	const char *cluster, *db;
	enum output_format format;
};

struct answer {
	cJSON *jobs, *programs;
	struct job_sum sum;
};

static void answer_done(struct answer *answer)
{
	cJSON_Delete(answer->jobs);
	cJSON_Delete(answer->programs);
	job_sum_done(&answer->sum);
}

/* Those of the cluster; *ret_other: a job of another one than the first is among them. */
static int keep_cluster(struct store *store, const char *cluster, struct ids *jobs, bool *ret_other)
{
	_cleanup_query_ struct query *query = NULL;
	_cleanup_free_ char *first = NULL;
	int r = query_new(store, "SELECT cluster FROM job WHERE id = ?", &query);
	size_t kept = 0;

	*ret_other = false;
	for (size_t i = 0; r >= 0 && i < jobs->count; i++) {
		_cleanup_free_ char *name = NULL;

		query_reset(query);
		r = query_bind_int(query, 1, jobs->items[i]);
		if (r < 0 || (r = query_step(query)) <= 0)
			continue;
		name = strndup(query_bytes(query, 0).data, query_bytes(query, 0).len);
		if (!name)
			return -ENOMEM;
		if (cluster && strcmp(cluster, name) != 0)
			continue;
		jobs->items[kept++] = jobs->items[i];
		if (first && strcmp(first, name) != 0)
			*ret_other = true;
		if (!first)
			first = TAKE_PTR(name);
	}
	jobs->count = kept;
	return r < 0 ? r : 0;
}

/* Libraries that nobody asked for. */
static void drop_plain(cJSON *programs)
{
	cJSON *row;

	cJSON_ArrayForEach (row, programs) {
		cJSON *list = cJSON_GetObjectItemCaseSensitive(row, "libraries");
		cJSON *exact = cJSON_GetObjectItemCaseSensitive(row, "libraries_b64");

		for (int i = cJSON_GetArraySize(list) - 1; i >= 0; i--)
			if (job_is_plain_library(
				    bytes_of(cJSON_GetArrayItem(list, i)->valuestring))) {
				cJSON_DeleteItemFromArray(list, i);
				if (exact)
					cJSON_DeleteItemFromArray(exact, i);
			}
	}
}

static int ask(struct store *store, const char *name, const struct job_args *args,
	       struct answer *ret, bool *ret_other)
{
	struct run_filter filter = {.job = name};
	struct run_conditions conditions = {0};
	_cleanup_ids_ struct ids rows = {0};
	struct ids none = {0}, *jobs = &none;
	const struct job_part part = {
		.step = conditions.step,
		.since_us = (int64_t)(args->since_ns / 1000),
		.until_us = args->until_ns ? (int64_t)(args->until_ns / 1000) : INT64_MAX,
		.cluster = args->cluster,
	};
	int r = run_resolve(store, &filter, &conditions);

	if (r >= 0)
		jobs = &conditions.items[0].ids[RUN_JOB];
	if (r == -ENOENT)
		r = 0;
	if (r >= 0)
		r = keep_cluster(store, args->cluster, jobs, ret_other);
	if (r >= 0)
		r = job_programs(store, jobs, &part, &ret->programs, &ret->sum);
	if (r >= 0 && !args->libs)
		drop_plain(ret->programs);
	if (r >= 0)
		r = run_resolve_accounting(store, name, &rows);
	/* of several submissions, and of a step, nobody can say whose CPU time was recorded */
	if (r >= 0)
		r = job_accounting(
			store, &rows, &part,
			rows.count == 1 && !*conditions.step && ret->sum.runs ? ret->sum.cpu_s : -1,
			&ret->jobs);
	run_conditions_done(&conditions);
	return r;
}

static int print_rows(const cJSON *rows, const struct column *items, size_t count,
		      enum output_format format)
{
	struct column_list list = {.count = count};
	struct output output;
	const cJSON *row;
	int r;

	for (size_t i = 0; i < count; i++)
		list.items[i] = &items[i];
	r = output_init(&output, format, &list, TABLE_SAMPLE_ROWS, stdout);
	cJSON_ArrayForEach (row, rows)
		if (r >= 0)
			r = output_run(&output, row);
	if (r >= 0)
		r = output_end(&output);
	output_done(&output);
	return r;
}

static int print_table(const char *name, const struct answer *answer)
{
	int jobs = cJSON_GetArraySize(answer->jobs), r = 0;

	if (jobs <= 1) {
		job_print_heading(name, jobs ? answer->jobs->child : NULL, &answer->sum);
	} else {
		r = print_rows(answer->jobs, job_account_columns, job_account_columns_count,
			       OUTPUT_TABLE);
	}
	if (r < 0 || !cJSON_GetArraySize(answer->programs))
		return r;
	putchar('\n');
	return print_rows(answer->programs, job_columns, job_columns_count, OUTPUT_TABLE);
}

static int print_json(const char *name, const struct answer *answer)
{
	_cleanup_json_ cJSON *object = cJSON_CreateObject();

	if (!object || !cJSON_AddStringToObject(object, "job", name) ||
	    !cJSON_AddItemReferenceToObject(object, "jobs", answer->jobs) ||
	    !cJSON_AddItemReferenceToObject(object, "programs", answer->programs))
		return -ENOMEM;
	return output_json(object, stdout);
}

static int print_answer(const char *name, const struct answer *answer, enum output_format format)
{
	switch (format) {
	case OUTPUT_JSON:
		return print_json(name, answer);
	case OUTPUT_CSV:
		return print_rows(answer->programs, job_columns, job_columns_count, OUTPUT_CSV);
	default:
		return print_table(name, answer);
	}
}

static int answer_job(struct store *store, const struct command *command, const char *name,
		      const struct job_args *args)
{
	_cleanup_(answer_done) struct answer answer = {0};
	bool is_other = false;
	int r = ask(store, name, args, &answer, &is_other);

	if (r < 0) {
		log_err(r, "cannot read the database (%s)", store_error(store));
		return EXIT_TROUBLE;
	}
	if (is_other)
		return command_wrong(
			command, "several clusters have a job %s; say which by --cluster", name);
	if (!answer.sum.runs && !cJSON_GetArraySize(answer.jobs)) {
		log_warn(0, "nothing is known of job %s", name);
		own_note(store, args->format);
		return EXIT_NOTHING;
	}
	r = print_answer(name, &answer, args->format);
	if (r >= 0)
		own_note(store, args->format);
	if (r == -EIO && ferror(stdout))
		return output_leave(EXIT_FOUND);
	if (r < 0) {
		log_err(r, "cannot print");
		return EXIT_TROUBLE;
	}
	if (store_check(store) < 0) {
		log_err(0, "the database was written while it was read; ask again");
		return EXIT_TROUBLE;
	}
	return output_leave(EXIT_FOUND);
}

static int job_main(const struct command *command, int argc, char **argv)
{
	_cleanup_store_ struct store *store = NULL;
	_cleanup_free_ char *message = NULL;
	struct job_args args = {0};
	int first, status, r;

	if (!command_parse(command, argc, argv, &args, &first, &status))
		return status;
	if (!run_job_is_name(argv[first]))
		return command_wrong(command,
				     "takes a job, 123 or 123.0 or 120_3 or 123+1, not \"%s\"",
				     argv[first]);
	if (args.until_ns && args.since_ns >= args.until_ns)
		return command_wrong(command, "--since is not before --until");
	r = store_open(args.db, &store, &message);
	if (r < 0) {
		log_err(message ? 0 : r, "%s", message ? message : "cannot open the database");
		return EXIT_TROUBLE;
	}
	return answer_job(store, command, argv[first], &args);
}

static const struct option_spec job_options[] = {
	{"since", "TIME", &option_when, offsetof(struct job_args, since_ns),
	 "Runs that began then or later, and a job that had not ended (default:\nall)."},
	{"until", "TIME", &option_when, offsetof(struct job_args, until_ns),
	 "Runs that began before, and a job that was submitted before."},
	{"libs", NULL, &option_flag, offsetof(struct job_args, libs),
	 "All libraries, not only those that say something."},
	{"cluster", "NAME", &option_text, offsetof(struct job_args, cluster),
	 "Of this cluster, where several have a job of that id."},
	OPTION_FORMAT(struct job_args, "table|json|csv", option_format),
	OPTION_DB(struct job_args),
};

const struct command command_job = {
	.name = "job",
	.operands = "JOBID",
	.min_operands = 1,
	.max_operands = 1,
	.summary = "The software of a job: a line for each program.",
	.details = "JOBID: 123, 123.0 (a step), 120 (also a whole array), 120_3 (a task of it), "
		   "123+1 (a\ncomponent of a heterogeneous job).\n"
		   "Exit status: 0 found, 1 nothing found, 2 wrong usage, 3 failure.",
	.options = job_options,
	.n_options = ARRAY_SIZE(job_options),
	.run = job_main,
};
