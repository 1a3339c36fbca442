/* SPDX-License-Identifier: BSD-2-Clause */
#include "ingest/options.h"
#include "common/age.h"
#include "common/database_url.h"
#include "common/log.h"
#include "common/version.h"

#include <getopt.h>

enum option_id {
	OPTION_DB,
	OPTION_FOLLOW,
	OPTION_REMOVE,
	OPTION_ARCHIVE,
	OPTION_MIGRATE,
	OPTION_QUARANTINE,
	OPTION_EXPORT,
	OPTION_SACCT,
	OPTION_NAMES,
	OPTION_CHECK_NAMES,
	OPTION_EXPLAIN_NAME,
	OPTION_XALT,
	OPTION_PRUNE,
	OPTION_PSEUDONYMISE,
	OPTION_DELETE,
	OPTION_DESTROY_KEY,
	OPTION_HELP,
	OPTION_VERSION,
	OPTION_COUNT
};

static const struct {
	const char *name, *argument, *help;
} table[OPTION_COUNT] = {
	[OPTION_DB] = {"db", "URL", "database, default $RUNMARK_DB, else " URL_DEFAULT},
	[OPTION_FOLLOW] = {"follow", NULL, "load files as they appear, until SIGTERM"},
	[OPTION_REMOVE] = {"remove", NULL, "remove a file once it is in the database"},
	[OPTION_ARCHIVE] = {"archive", "DIR", "move it to DIR instead"},
	[OPTION_MIGRATE] = {"migrate", NULL, "only make the database, or bring it up to date"},
	[OPTION_QUARANTINE] = {"quarantine", NULL, "only list the lines that could not be loaded"},
	[OPTION_EXPORT] = {"export", "FILE",
			   "only write them to FILE, to be mended (-: standard output)"},
	[OPTION_SACCT] = {"sacct", "FILE",
			  "only import jobs from what sacct printed (-: standard input)"},
	[OPTION_NAMES] = {"names", NULL, "only find software and modules of all paths anew"},
	[OPTION_CHECK_NAMES] = {"check-names", NULL, "only check the rules and tables of names"},
	[OPTION_EXPLAIN_NAME] = {"explain-name", "PATH", "only show what a path would be called"},
	[OPTION_XALT] = {"xalt", NULL,
			 "import what XALT recorded: files, directories, logs (-: standard input)"},
	[OPTION_PRUNE] = {"prune", NULL,
			  "only pseudonymise and delete what is old, by runmark.conf(5) or these:"},
	[OPTION_PSEUDONYMISE] = {"pseudonymise-after", "AGE", "persons in older records: 180d, 2y"},
	[OPTION_DELETE] = {"delete-after", "AGE", "older records"},
	[OPTION_DESTROY_KEY] = {"destroy-key", NULL,
				"only destroy the pseudonyms' key, after a question"},
	[OPTION_HELP] = {"help", NULL, "show this"},
	[OPTION_VERSION] = {"version", NULL, "show the version"},
};

static void print_help(void)
{
	puts("usage: runmark-ingest [OPTION...] [SPOOL...]\n"
	     "Loads spool files, or all whole ones of directories, into a database, each exactly "
	     "once.\n"
	     "SPOOL: files and directories; default: the spool of runmark.conf(5).\n");
	for (size_t i = 0; i < OPTION_COUNT; i++)
		printf("  --%s%s%-*s  %s\n", table[i].name, table[i].argument ? " " : "",
		       (int)(24 - strlen(table[i].name) - !!table[i].argument),
		       table[i].argument ?: "", table[i].help);
	puts("\nExit status: 0 loaded, 1 nothing to load, 2 wrong usage, 3 failure.");
}

static enum options_next wrong(const char *what)
{
	log_err(0, "%s; see runmark-ingest --help", what);
	return OPTIONS_WRONG;
}

/* What --prune and --destroy-key don't go with. */
static enum options_next check_prune(struct options *options)
{
	bool has_age = options->pseudonymise_after || options->delete_after;

	if ((options->pseudonymise_after &&
	     age_parse(options->pseudonymise_after, &options->pseudonymise_days) < 0) ||
	    (options->delete_after && age_parse(options->delete_after, &options->delete_days) < 0))
		return wrong("an age is " AGE_FORM);

	if (has_age && !options->prune)
		return wrong("--pseudonymise-after and --delete-after go with --prune alone");
	if (!options->prune && !options->destroy_key)
		return OPTIONS_RUN;
	if ((options->prune && options->destroy_key) || options->sacct || options->migrate ||
	    options->quarantine || options->follow || options->remove || options->archive ||
	    options->names || options->check_names || options->explain_name || options->xalt ||
	    options->spool_count)
		return wrong(
			"--prune and --destroy-key load nothing: they take only --db and ages");
	return OPTIONS_RUN;
}

/* What doesn't go together. */
static enum options_next check(struct options *options)
{
	if (options->remove && options->archive)
		return wrong("--remove and --archive exclude each other");
	if (options->migrate && options->quarantine)
		return wrong("--migrate and --quarantine exclude each other");
	if (options->sacct && (options->migrate || options->quarantine || options->follow ||
			       options->remove || options->archive || options->spool_count))
		return wrong("--sacct imports jobs alone: it takes only --db");
	if (options->xalt && (options->migrate || options->quarantine || options->follow ||
			      options->remove || options->archive || options->sacct))
		return wrong("--xalt imports what XALT recorded alone: it takes only --db");
	if (options->xalt && !options->spool_count)
		return wrong("--xalt needs a file or directory of XALT's, or -");
	if ((options->migrate || options->quarantine) &&
	    (options->follow || options->remove || options->archive || options->spool_count))
		return wrong("--migrate and --quarantine load nothing: they take only --db");
	if (options->names + options->check_names + !!options->explain_name > 1)
		return wrong("--names, --check-names and --explain-name exclude each other");
	if ((options->names || options->check_names || options->explain_name) &&
	    (options->migrate || options->quarantine || options->sacct || options->follow ||
	     options->remove || options->archive || options->spool_count))
		return wrong("--names, --check-names and --explain-name load nothing: "
			     "they take only --db");
	return check_prune(options);
}

static void take(struct options *options, enum option_id id)
{
	switch (id) {
	case OPTION_DB:
		options->db = optarg;
		break;
	case OPTION_ARCHIVE:
		options->archive = optarg;
		break;
	case OPTION_EXPORT:
		options->export_to = optarg;
		options->quarantine = true;
		break;
	case OPTION_SACCT:
		options->sacct = optarg;
		break;
	case OPTION_NAMES:
		options->names = true;
		break;
	case OPTION_CHECK_NAMES:
		options->check_names = true;
		break;
	case OPTION_EXPLAIN_NAME:
		options->explain_name = optarg;
		break;
	case OPTION_XALT:
		options->xalt = true;
		break;
	case OPTION_PSEUDONYMISE:
		options->pseudonymise_after = optarg;
		break;
	case OPTION_DELETE:
		options->delete_after = optarg;
		break;
	case OPTION_PRUNE:
		options->prune = true;
		break;
	case OPTION_DESTROY_KEY:
		options->destroy_key = true;
		break;
	case OPTION_FOLLOW:
		options->follow = true;
		break;
	case OPTION_REMOVE:
		options->remove = true;
		break;
	case OPTION_MIGRATE:
		options->migrate = true;
		break;
	default:
		options->quarantine = true;
	}
}

enum options_next options_parse(int argc, char **argv, struct options *ret)
{
	struct option long_options[OPTION_COUNT + 1] = {};
	int id;

	for (size_t i = 0; i < OPTION_COUNT; i++)
		long_options[i] = (struct option){.name = table[i].name,
						  .has_arg = table[i].argument ? required_argument
									       : no_argument,
						  .val = (int)i};
	*ret = (struct options){.db = secure_getenv("RUNMARK_DB") ?: URL_DEFAULT};
	opterr = 0;
	optind = 1;
	while ((id = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
		if (id == '?' || id == ':') {
			log_err(0, "%s %s; see runmark-ingest --help", argv[optind - 1],
				id == '?' ? "is no option, or takes no value" : "needs a value");
			return OPTIONS_WRONG;
		}
		if (id == OPTION_HELP) {
			print_help();
			return OPTIONS_DONE;
		}
		if (id == OPTION_VERSION) {
			puts("runmark-ingest " RUNMARK_VERSION);
			return OPTIONS_DONE;
		}
		take(ret, (enum option_id)id);
	}
	ret->spool = argv + optind;
	ret->spool_count = (size_t)(argc - optind);
	return check(ret);
}
