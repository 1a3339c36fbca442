/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * runmark find: the runs that fit, oldest first, so that the newest stands where a terminal's
 * reader looks. What isn't said is limited and stated: the last week, and for a table so many of
 * the newest.
 */
#include "cli/command.h"
#include "cli/fold.h"
#include "cli/output.h"
#include "cli/record_batch.h"
#include "cli/run_filter.h"
#include "cli/when.h"
#include "common/log.h"
#include "common/note.h"
#include "common/record.h"
#include "common/text.h"
#include <errno.h>
#include <inttypes.h>
#include <time.h>
#include <uuid/uuid.h>

#define DEFAULT_DAYS  7
#define DEFAULT_LIMIT 1000 /* of a table */
#define NO_LIMIT      UINT64_MAX

struct find_args {
	struct run_filter filter;
	const char *watermark, *build_id;
	uint64_t since_ns, until_ns, limit;
	bool ranks; /* each a line */
	const char *columns, *db;
	enum output_format format;
};

struct find {
	struct store *store;
	struct records *records;
	struct output output;
	struct fold *fold; /* of a table, unless each rank is asked for */
	uint64_t unreadable, found;
	bool is_own;
	double runs; /* printed, members of groups included */
};

static int put_run(void *arg, const cJSON *run)
{
	struct find *find = arg;

	find->runs += run_count_of(run);
	return output_run(&find->output, run);
}

/* As record_batch.h says. */
static int take_run(void *arg, cJSON *record)
{
	struct find *find = arg;
	_cleanup_json_ cJSON *run = record;

	if (!run) {
		find->unreadable++;
		return 0;
	}
	find->found++;
	if (find->fold)
		return fold_add(find->fold, TAKE_PTR(run));
	return put_run(find, run);
}

/* What people have to know of an answer, beside it. */
static void print_footer(const struct find *find, const struct find_args *args)
{
	char since[WHEN_SIZE];
	uint64_t count = find->output.count;
	bool is_cut = args->filter.limit && find->found >= args->filter.limit;

	if (find->output.format != OUTPUT_TABLE && !isatty(STDERR_FILENO))
		return;
	output_flush();
	if (is_cut)
		fputs("the newest ", stderr);
	if (!count)
		fputs("no run", stderr);
	else if (is_cut && find->runs == 1)
		fputs("run", stderr);
	else
		fprintf(stderr, "%.0f run%s", find->runs, find->runs == 1 ? "" : "s");
	if (find->runs > (double)count)
		fprintf(stderr, " in %" PRIu64 " line%s", count, count == 1 ? "" : "s");
	when_format(args->filter.since_us * 1000, since);
	if (!args->since_ns)
		fprintf(stderr, " in %d days, since %s (--since looks further back)", DEFAULT_DAYS,
			since);
	else
		fprintf(stderr, " since %s", since);
	if (find->is_own)
		fputs("; your own only", stderr);
	if (is_cut)
		fputs("; --limit 0 shows all", stderr);
	if (find->output.table && table_dropped(find->output.table))
		fputs("; a wider terminal shows more columns", stderr);
	fputc('\n', stderr);
}

static int finish(struct find *find, const struct find_args *args, int r)
{
	if (r == -EIO && ferror(stdout))
		return output_leave(EXIT_FOUND);
	if (r >= 0)
		r = output_end(&find->output);
	if (r == -EIO && ferror(stdout))
		return output_leave(EXIT_FOUND);
	if (r < 0) {
		log_err(r, "cannot read the database (%s)", store_error(find->store));
		return EXIT_TROUBLE;
	}
	print_footer(find, args);
	if (find->unreadable)
		log_warn(0, "%" PRIu64 " runs are left out: what the database holds makes no sense",
			 find->unreadable);
	if (store_check(find->store) < 0) {
		log_err(0, "the database was written while it was read; ask again");
		return EXIT_TROUBLE;
	}
	if (find->unreadable)
		return output_leave(EXIT_TROUBLE);
	return output_leave(find->output.count ? EXIT_FOUND : EXIT_NOTHING);
}

static int find_runs(const struct find_args *args, const struct column_list *list)
{
	_cleanup_free_ char *message = NULL;
	struct find find = {0};
	struct record_batch batch = {
		.form = args->format == OUTPUT_JSON ? RECORD_SETS_TEXT : RECORD_SETS_NONE,
		.take = take_run,
		.arg = &find,
	};
	int r, status;

	r = store_open(args->db, &find.store, &message);
	if (r < 0) {
		log_err(message ? 0 : r, "%s", message ? message : "cannot open the database");
		return EXIT_TROUBLE;
	}
	find.is_own = store_is_own(find.store);
	r = output_init(&find.output, args->format, list, TABLE_SAMPLE_ROWS, stdout);
	if (r >= 0)
		r = records_new(find.store, &find.records);
	if (r >= 0 && args->format == OUTPUT_TABLE && !args->ranks)
		r = fold_new(put_run, &find, &find.fold);
	batch.records = find.records;
	if (r >= 0)
		r = run_search(find.store, &args->filter, record_batch_add, &batch);
	if (r == 0)
		r = record_batch_end(&batch);
	if (r >= 0 && find.fold)
		r = fold_end(find.fold);
	status = finish(&find, args, r);
	fold_free(find.fold);
	records_free(find.records);
	output_done(&find.output);
	store_close(find.store);
	return status;
}

/* The window, in microseconds: what was given, else the days before its end. */
static void set_window(struct find_args *args)
{
	uint64_t end = args->until_ns ? args->until_ns : (uint64_t)time(NULL) * NS_PER_S;
	uint64_t days = DEFAULT_DAYS * 86400 * NS_PER_S;
	uint64_t since = args->since_ns ? args->since_ns : end > days ? end - days : 0;

	/* Records have microseconds: a start within the first one counts. */
	args->filter.since_us = since / 1000;
	args->filter.until_us = args->until_ns / 1000;
}

/* A window that holds no time is a mistake. */
static bool is_window_wrong(const struct find_args *args)
{
	return args->since_ns && args->until_ns && args->since_ns >= args->until_ns;
}

static int find_main(const struct command *command, int argc, char **argv)
{
	struct find_args args = {.limit = NO_LIMIT};
	uint8_t build_id[NOTE_BUILD_ID_MAX];
	struct column_list list;
	uuid_t watermark;
	int first, status, len;

	if (!command_parse(command, argc, argv, &args, &first, &status))
		return status;
	if (args.columns && !strcmp(args.columns, "help")) {
		output_columns_help(stdout);
		return output_leave(EXIT_FOUND);
	}
	column_list_default(&list, args.format == OUTPUT_CSV);
	if (!output_columns(command, args.columns, &list))
		return EXIT_USAGE;
	if (args.watermark && !uuid_parse(args.watermark, watermark))
		args.filter.watermark = (struct bytes){(const char *)watermark, sizeof(watermark)};
	if (args.build_id) {
		len = text_from_hex(args.build_id, build_id, sizeof(build_id));
		if (len <= 0)
			return command_wrong(command, "--build-id takes hex digits, not \"%s\"",
					     args.build_id);
		args.filter.build_id = (struct bytes){(const char *)build_id, (size_t)len};
	}
	if (args.filter.job && !run_job_is_name(args.filter.job))
		return command_wrong(
			command, "--job takes a job, 123 or 123.0 or 120_3 or 123+1, not \"%s\"",
			args.filter.job);
	if (is_window_wrong(&args))
		return command_wrong(command, "--since is not before --until");
	set_window(&args);
	args.filter.limit = args.limit != NO_LIMIT	  ? args.limit
			    : args.format == OUTPUT_TABLE ? DEFAULT_LIMIT
							  : 0;
	return find_runs(&args, &list);
}

#define FILTER(member) offsetof(struct find_args, filter.member)

static const struct option_spec find_options[] = {
	{"user", "NAME", &option_text, FILTER(user), "Runs of this user, by name or number."},
	{"job", "ID", &option_text, FILTER(job),
	 "Runs of this job, step (123.0), array (120, 120_3) or component of\na heterogeneous job "
	 "(123+1)."},
	{"sluid", "ID", &option_text, FILTER(sluid), "Runs of the job with this Slurm unique id."},
	{"container", "ID", &option_text, FILTER(container),
	 "Runs in this container, by its id or the beginning of it; or in all\nof a runtime "
	 "(podman)."},
	{"exe", "PROGRAM", &option_text, FILTER(exe),
	 "Runs of this program: a path, a glob, or a bare name (a path's last\npart)."},
	{"lib", "LIBRARY", &option_text, FILTER(lib),
	 "Runs that mapped this library: a path, a glob, or a bare name, which\n"
	 "fits any version behind it (libm.so: libm.so.6)."},
	{"software", "NAME", &option_text, FILTER(software),
	 "Runs of programs that reports call so (GROMACS), or a glob:\nsee runmark-names(5)."},
	{"module", "NAME", &option_text, FILTER(module),
	 "Runs with a program or library of this module: gcc, gcc/12.2, or a\nglob."},
	{"watermark", "UUID", &option_uuid, offsetof(struct find_args, watermark),
	 "Runs with this watermark, of the program or of a library."},
	{"build-id", "HEX", &option_text, offsetof(struct find_args, build_id),
	 "Runs with this build-id, of the program or of a library."},
	{"host", "NAME", &option_text, FILTER(host), "Runs on this node; a name or a glob."},
	{"source", "NAME", &option_source, FILTER(source),
	 "Runs that were seen by the kernel side (bpf), by the preload module\n(preload), or came "
	 "from XALT (xalt)."},
	{"since", "TIME", &option_when, offsetof(struct find_args, since_ns),
	 "Runs that ran then or later (default: 7 days before --until)."},
	{"until", "TIME", &option_when, offsetof(struct find_args, until_ns),
	 "Runs that started before (default: now)."},
	{"running", NULL, &option_flag, FILTER(running),
	 "Runs that still run, as far as is known."},
	{"failed", NULL, &option_flag, FILTER(failed),
	 "Runs that ended with a signal or a code other than 0; groups in which\none did."},
	{"signal", "NAME", &option_signal, FILTER(signal), "Runs that this signal ended."},
	{"ranks", NULL, &option_flag, offsetof(struct find_args, ranks),
	 "Each rank of a parallel program as a line of its own, in a table, too."},
	{"limit", "N", &option_count, offsetof(struct find_args, limit),
	 "The newest N only; 0: all (default: 1000 for a table, else all)."},
	OPTION_COLUMNS(struct find_args),
	OPTION_FORMAT(struct find_args, "table|json|csv", option_format),
	OPTION_DB(struct find_args),
};

const struct command command_find = {
	.name = "find",
	.summary = "The runs that fit all options, oldest first.",
	.details = "TIME: 2026-11-21T09:52:21Z, \"2026-11-21 09:52\" (local), 2026-11-21, today, "
		   "yesterday,\n"
		   "or how long ago: 2h, 3d, \"1 week\". --columns help lists the columns.\n"
		   "Short equal runs of a job step may be recorded as a group: one line, with how "
		   "many (RUNS).\n"
		   "Exit status: 0 found, 1 nothing found, 2 wrong usage, 3 failure.",
	.options = find_options,
	.n_options = ARRAY_SIZE(find_options),
	.run = find_main,
};
