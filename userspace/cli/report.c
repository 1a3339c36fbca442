/* SPDX-License-Identifier: BSD-2-Clause */
/* runmark report: the table of reports, and what all have in common: window, formats, exit status.
 */
#include "cli/report.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/when.h"
#include "common/log.h"
#include "common/nearest.h"
#include <errno.h>
#include <inttypes.h>
#include <time.h>

#define DEFAULT_DAYS 7

static const struct report *const reports[] = {&report_coverage};

struct report_args {
	uint64_t since_ns, until_ns;
	const char *host, *by, *db;
	enum output_format format;
};

static int emit(void *arg, const cJSON *row)
{
	return output_run(arg, row);
}

static void print_footer(const struct output *output, const struct report_asked *asked,
			 const struct report_args *args)
{
	char since[WHEN_SIZE], until[WHEN_SIZE];

	if (output->format != OUTPUT_TABLE && !isatty(STDERR_FILENO))
		return;
	fflush(stdout);
	fprintf(stderr, "%s%s to %s%s\n", output->count ? "" : "nothing ",
		when_format((uint64_t)asked->since_us * 1000, since),
		when_format((uint64_t)asked->until_us * 1000, until),
		args->since_ns ? "" : " (--since looks further back)");
}

static int leave(struct output *output, const struct report_asked *asked,
		 const struct report_args *args, int r)
{
	if (r >= 0)
		r = output_end(output);
	if (r == -EIO && ferror(stdout))
		return output_leave(EXIT_FOUND);
	if (r < 0) {
		log_err(r, "cannot read the database (%s)", store_error(asked->store));
		return EXIT_TROUBLE;
	}
	print_footer(output, asked, args);
	if (store_check(asked->store) < 0) {
		log_err(0, "the database was written while it was read; ask again");
		return EXIT_TROUBLE;
	}
	return output_leave(output->count ? EXIT_FOUND : EXIT_NOTHING);
}

static int make(const struct report *report, struct report_asked *asked,
		const struct report_args *args)
{
	_cleanup_store_ struct store *store = NULL;
	_cleanup_free_ char *message = NULL;
	struct column_list list = {.count = asked->view->n_columns};
	struct output output;
	int r = store_open(args->db, &store, &message), status;

	if (r < 0) {
		log_err(message ? 0 : r, "%s", message ? message : "cannot open the database");
		return EXIT_TROUBLE;
	}
	asked->store = store;
	for (size_t i = 0; i < list.count; i++)
		list.items[i] = &asked->view->columns[i];
	r = output_init(&output, args->format, &list, TABLE_SAMPLE_ROWS, stdout);
	if (r >= 0)
		r = report->run(asked, emit, &output);
	status = leave(&output, asked, args, r);
	output_done(&output);
	return status;
}

static const struct report *find_report(const struct command *command, const char *name)
{
	const char *names[ARRAY_SIZE(reports)], *nearest;

	for (size_t i = 0; i < ARRAY_SIZE(reports); i++) {
		names[i] = reports[i]->name;
		if (!strcmp(names[i], name))
			return reports[i];
	}
	nearest = nearest_word(name, names, ARRAY_SIZE(names));
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

static int report_main(const struct command *command, int argc, char **argv)
{
	struct report_args args = {0};
	struct report_asked asked = {0};
	const struct report *report;
	struct timespec now;
	int first, status;

	if (!command_parse(command, argc, argv, &args, &first, &status))
		return status;
	report = find_report(command, argv[first]);
	asked.view = report ? find_view(command, report, args.by) : NULL;
	if (!asked.view)
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
	asked.host = args.host;
	return make(report, &asked, &args);
}

static void list_reports(FILE *out)
{
	fputs("\nreports, and what they are told by (--by):\n", out);
	for (size_t i = 0; i < ARRAY_SIZE(reports); i++) {
		fprintf(out, "  %-10s %s\n             by ", reports[i]->name, reports[i]->summary);
		for (size_t k = 0; k < reports[i]->n_views; k++)
			fprintf(out, "%s%s", k ? ", " : "", reports[i]->views[k].word);
		fputc('\n', out);
	}
}

static const struct option_spec report_options[] = {
	{"since", "TIME", &option_when, offsetof(struct report_args, since_ns),
	 "From then on (default: 7 days before --until)."},
	{"until", "TIME", &option_when, offsetof(struct report_args, until_ns),
	 "Up to then (default: now)."},
	{"host", "NAME", &option_text, offsetof(struct report_args, host),
	 "Of this node only; a name or a glob."},
	{"by", "WORD", &option_text, offsetof(struct report_args, by),
	 "What a line is of; see below (default: the report's first)."},
	OPTION_FORMAT(struct report_args, "table|json|csv", option_format),
	OPTION_DB(struct report_args),
};

const struct command command_report = {
	.name = "report",
	.operands = "NAME",
	.min_operands = 1,
	.max_operands = 1,
	.summary = "What the site's database says as a whole: coverage.",
	.list = list_reports,
	.details = "Exit status: 0 found, 1 nothing found, 2 wrong usage, 3 failure.",
	.options = report_options,
	.n_options = ARRAY_SIZE(report_options),
	.run = report_main,
};
