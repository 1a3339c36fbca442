/* SPDX-License-Identifier: BSD-2-Clause */
/* runmark report: what all reports have in common: options, window, formats, exit status. */
#include "cli/report.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/own.h"
#include "cli/report_footer.h"
#include "cli/when.h"
#include "common/log.h"
#include "common/nearest.h"
#include <errno.h>
#include <time.h>

#define DEFAULT_DAYS  7
#define DEFAULT_LIMIT 50 /* lines of a table */
#define NO_LIMIT      UINT64_MAX
#define REPORTS_MAX   16

struct report_args {
	struct report_filter filter;
	uint64_t since_ns, until_ns, limit;
	const char *by, *sort, *db;
	enum output_format format;
};

static int emit(void *arg, const cJSON *row)
{
	return output_run(arg, row);
}

static int print_footer(const struct output *output, const struct report_asked *asked,
			const struct report_args *args)
{
	char since[WHEN_SIZE], until[WHEN_SIZE];
	const char *more = args->since_ns ? "" : " (--since looks further back)";

	if (output->format != OUTPUT_TABLE && !isatty(STDERR_FILENO))
		return 0;
	if (!asked->view->columns)
		return report_footer(
			asked,
			&(struct report_footing){
				.is_default_window = !args->since_ns,
				.shown = output->count,
				.dropped = output->table ? table_dropped(output->table) : 0});
	output_flush();
	fprintf(stderr, "%s%s to %s%s\n", output->count ? "" : "nothing ",
		when_format((uint64_t)asked->since_us * 1000, since),
		when_format((uint64_t)asked->until_us * 1000, until), more);
	return 0;
}

static int leave(struct output *output, const struct report_asked *asked,
		 const struct report_args *args, int r)
{
	if (r >= 0)
		r = output_end(output);
	if (r >= 0)
		r = print_footer(output, asked, args);
	if (r >= 0)
		own_note(asked->store, output->format);
	if (r == -EIO && ferror(stdout))
		return output_leave(EXIT_FOUND);
	if (r < 0) {
		log_err(r, "cannot read the database (%s)", store_error(asked->store));
		return EXIT_TROUBLE;
	}
	if (store_check(asked->store) < 0) {
		log_err(0, "the database was written while it was read; ask again");
		return EXIT_TROUBLE;
	}
	return output_leave(output->count ? EXIT_FOUND : EXIT_NOTHING);
}

static void list_columns(const struct report_view *view, struct column_list *ret)
{
	*ret = (struct column_list){0};
	if (view->columns)
		for (size_t i = 0; i < view->n_columns; i++)
			ret->items[ret->count++] = &view->columns[i];
	else
		for (const enum report_column_id *id = view->list; *id != RC_END; id++)
			ret->items[ret->count++] = &report_columns[*id].column;
}

static int make(const struct report *report, struct report_asked *asked,
		const struct report_args *args)
{
	_cleanup_store_ struct store *store = NULL;
	_cleanup_free_ char *message = NULL;
	struct report_sum sum = {0};
	struct column_list list;
	struct output output;
	int r = store_open(args->db, &store, &message), status;

	if (r < 0) {
		log_err(message ? 0 : r, "%s", message ? message : "cannot open the database");
		return EXIT_TROUBLE;
	}
	asked->store = store;
	asked->sum = &sum;
	list_columns(asked->view, &list);
	r = output_init(&output, args->format, &list, TABLE_SAMPLE_ROWS, stdout);
	if (r >= 0)
		r = report->run(asked, emit, &output);
	status = leave(&output, asked, args, r);
	output_done(&output);
	return status;
}

/* ---- the command line */

static const struct report *find_report(const struct command *command, const char *name)
{
	const char *names[REPORTS_MAX], *nearest;

	for (size_t i = 0; i < reports_count; i++) {
		names[i] = reports[i]->name;
		if (!strcmp(names[i], name))
			return reports[i];
	}
	nearest = nearest_word(name, names, reports_count);
	command_wrong(command, "there is no report \"%s\"%s%s", name,
		      nearest ? "; the nearest is " : "", nearest ? nearest : "");
	return NULL;
}

static const struct report_view *find_view(const struct command *command,
					   const struct report *report, const char *word)
{
	char words[128] = "";
	size_t len = 0;

	if (!word)
		return &report->views[0];
	for (size_t i = 0; i < report->n_views; i++) {
		if (!strcmp(report->views[i].word, word))
			return &report->views[i];
		if (len < sizeof(words))
			len += (size_t)snprintf(words + len, sizeof(words) - len, "%s%s",
						i ? ", " : "", report->views[i].word);
	}
	command_wrong(command, "%s is told --by %s, not by \"%s\"", report->name, words, word);
	return NULL;
}

static bool find_sort(const struct command *command, const struct report_view *view,
		      const char *word, enum report_column_id *ret)
{
	const char *names[REPORT_LIST_MAX], *nearest;
	size_t count = 0;

	*ret = RC_END;
	if (!word)
		return true;
	for (const enum report_column_id *id = view->list; *id != RC_END; id++) {
		names[count] = report_columns[*id].column.name;
		if (!strcasecmp(names[count++], word)) {
			*ret = *id;
			return true;
		}
	}
	nearest = nearest_word(word, names, count);
	command_wrong(command, "--sort takes a column of the report, not \"%s\"%s%s", word,
		      nearest ? "; the nearest is " : "; --sort help lists them",
		      nearest ? nearest : "");
	return false;
}

/* "--sort help" */
static int help_columns(const struct report_view *view)
{
	for (const enum report_column_id *id = view->list; *id != RC_END; id++)
		printf("%-16s %s%s\n", report_columns[*id].column.name,
		       report_columns[*id].column.help, *id == view->sort ? " (usual)" : "");
	return output_leave(EXIT_FOUND);
}

/* What a report can't be narrowed by, or needs. */
static bool check(const struct command *command, const struct report *report,
		  const struct report_view *view, const struct report_args *args)
{
	const struct {
		const char *name;
		bool is_given;
	} options[] = {
		{"user", args->filter.user},
		{"cluster", args->filter.cluster},
		{"account", args->filter.account},
		{"queue", args->filter.queue},
		{"exe", args->filter.exe},
		{"software", args->filter.software},
		{"module", args->filter.module},
		{"lib", args->filter.lib},
		{"sort", args->sort},
		{"limit", args->limit != NO_LIMIT},
	};

	for (size_t i = 0; view->columns && i < ARRAY_SIZE(options); i++)
		if (options[i].is_given) {
			command_wrong(command, "%s is of nodes: it takes no --%s", report->name,
				      options[i].name);
			return false;
		}
	if (view->needs_lib && !args->filter.lib) {
		command_wrong(command, "%s --by %s needs --lib, to say of which", report->name,
			      view->word);
		return false;
	}
	return true;
}

static int report_main(const struct command *command, int argc, char **argv)
{
	struct report_args args = {.limit = NO_LIMIT};
	struct report_asked asked = {0};
	const struct report *report;
	struct timespec now;
	int first, status;

	if (!command_parse(command, argc, argv, &args, &first, &status))
		return status;
	report = find_report(command, argv[first]);
	asked.view = report ? find_view(command, report, args.by) : NULL;
	if (asked.view && !asked.view->columns && args.sort && !strcmp(args.sort, "help"))
		return help_columns(asked.view);
	if (!asked.view || !check(command, report, asked.view, &args) ||
	    !find_sort(command, asked.view, args.sort, &asked.sort))
		return EXIT_USAGE;
	clock_gettime(CLOCK_REALTIME, &now);
	asked.now_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
	asked.until_us =
		args.until_ns ? MIN((int64_t)(args.until_ns / 1000), asked.now_us) : asked.now_us;
	asked.since_us = args.since_ns ? (int64_t)(args.since_ns / 1000)
				       : asked.until_us - DEFAULT_DAYS * 86400 * INT64_C(1000000);
	if (asked.since_us >= asked.until_us)
		return command_wrong(command, "--since is not before --until%s",
				     args.until_ns ? "" : " (now)");
	asked.report = report->name;
	asked.filter = args.filter;
	asked.limit = args.limit != NO_LIMIT	    ? args.limit
		      : args.format == OUTPUT_TABLE ? DEFAULT_LIMIT
						    : 0;
	return make(report, &asked, &args);
}

static void list_reports(FILE *out)
{
	fputs("\nreports, and what they are told by (--by):\n", out);
	for (size_t i = 0; i < reports_count; i++) {
		fprintf(out, "  %-10s %s\n             by ", reports[i]->name, reports[i]->summary);
		for (size_t k = 0; k < reports[i]->n_views; k++)
			fprintf(out, "%s%s", k ? ", " : "", reports[i]->views[k].word);
		fputc('\n', out);
	}
}

#define FILTER(member) offsetof(struct report_args, filter.member)

static const struct option_spec report_options[] = {
	{"since", "TIME", &option_when, offsetof(struct report_args, since_ns),
	 "Runs that began then or later (default: 7 days before --until)."},
	{"until", "TIME", &option_when, offsetof(struct report_args, until_ns),
	 "Runs that began before (default: now)."},
	{"by", "WORD", &option_text, offsetof(struct report_args, by),
	 "What a line is of; see below (default: the report's first)."},
	{"sort", "COLUMN", &option_text, offsetof(struct report_args, sort),
	 "Lines in order of this column, by its name in CSV (default: the\ncostliest first); help "
	 "lists the columns."},
	{"limit", "N", &option_count, offsetof(struct report_args, limit),
	 "The first N lines only; 0: all (default: 50 for a table, else all)."},
	{"user", "NAME", &option_text, FILTER(user), "Runs of this user, by name or number."},
	{"account", "NAME", &option_text, FILTER(account),
	 "Runs in jobs of this account, as far as accounting was imported."},
	{"queue", "NAME", &option_text, FILTER(queue), "Runs in jobs of this queue, likewise."},
	{"host", "NAME", &option_text, FILTER(host), "Runs on this node; a name or a glob."},
	{"cluster", "NAME", &option_text, FILTER(cluster), "Runs on this cluster's nodes."},
	{"exe", "PROGRAM", &option_text, FILTER(exe),
	 "Runs of this program: a path, a glob, or a bare name, as for find."},
	{"software", "NAME", &option_text, FILTER(software),
	 "Runs of programs called so, as for find."},
	{"module", "NAME", &option_text, FILTER(module),
	 "Runs of this module's programs, or that mapped its libraries."},
	{"lib", "LIBRARY", &option_text, FILTER(lib),
	 "Runs that mapped this library, likewise; libraries shows it alone."},
	OPTION_FORMAT(struct report_args, "table|json|csv", option_format),
	OPTION_DB(struct report_args),
};

const struct command command_report = {
	.name = "report",
	.operands = "NAME",
	.min_operands = 1,
	.max_operands = 1,
	.summary = "What the site's database says as a whole: software, users, jobs, ...",
	.list = list_reports,
	.details = "TIME as for find. A run belongs to the window in which it began, as a whole.\n"
		   "Exit status: 0 found, 1 nothing found, 2 wrong usage, 3 failure.",
	.options = report_options,
	.n_options = ARRAY_SIZE(report_options),
	.run = report_main,
};
