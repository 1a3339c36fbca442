/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * runmark tail: records of this node as the daemon makes them, until interrupted. As a table, every
 * kind of record becomes a line of the same columns; as JSON, runs get their sets filled in.
 */
#include "cli/command.h"
#include "cli/control.h"
#include "cli/output.h"
#include "cli/sets.h"
#include "common/config.h"
#include "common/log.h"
#include "common/record.h"
#include <errno.h>
#include <signal.h>

struct tail_args {
	enum output_format format;
	const char *columns, *config;
};

static volatile sig_atomic_t is_interrupted;

static void interrupt(int number)
{
	(void)number;
	is_interrupted = 1;
}

/* No SA_RESTART: poll() must return. */
static void catch_interrupts(void)
{
	struct sigaction action = {.sa_handler = interrupt};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

/* A link or node record under the names of a run's members, so that a run's columns can show it. */
static const struct {
	const char *kind, *from, *to;
} aliases[] = {
	{"link", "time", "start"},
	{"link", "link_id", "run_id"},
	{"node", "time", "start"},
	{"node", "event", "user"},
};

static int show_as_run(cJSON *record, const char *kind)
{
	const cJSON *path = record_get(record, "output");
	cJSON *exe;

	for (size_t i = 0; i < ARRAY_SIZE(aliases); i++) {
		const cJSON *member = record_get(record, aliases[i].from);
		cJSON *copy;

		if (strcmp(aliases[i].kind, kind) || !member)
			continue;
		copy = cJSON_Duplicate(member, true);
		if (!copy || !cJSON_AddItemToObject(record, aliases[i].to, copy)) {
			cJSON_Delete(copy);
			return -ENOMEM;
		}
	}
	if (!strcmp(kind, "link") && path) {
		exe = cJSON_Duplicate(path, true);
		if (!exe || !cJSON_AddItemToObject(record, "exe", exe)) {
			cJSON_Delete(exe);
			return -ENOMEM;
		}
	}
	return 0;
}

/* Takes the record. */
static int print_record(struct output *output, struct sets *sets, cJSON *taken)
{
	char kind[16];
	int r = 0;

	if (!record_kind(taken, kind, sizeof(kind)) || !strcmp(kind, "file") ||
	    sets_take(sets, taken)) {
		if (strcmp(kind, "set"))
			cJSON_Delete(taken);
		return 0;
	}

	_cleanup_json_ cJSON *record = taken;

	if (output->format == OUTPUT_JSON && (!strcmp(kind, "run") || !strcmp(kind, "start")))
		r = sets_fill(sets, record);
	else if (output->format == OUTPUT_TABLE)
		r = show_as_run(record, kind);
	if (r < 0)
		return r;
	r = output_run(output, record);
	if (!r && fflush(output->out))
		r = -EIO;
	return r;
}

static int follow(struct control *control, struct output *output, struct sets *sets)
{
	while (!is_interrupted) {
		cJSON *record;
		int r = control_read(control, -1, &record);

		if (r == -EINTR)
			continue;
		if (r == -EBADMSG) {
			log_warn(0, "the daemon sent a line that is no record; it is left out");
			continue;
		}
		if (r < 0) {
			log_err(0, "%s", control_explain(r == -ENODATA ? -ECONNRESET : r));
			return EXIT_TROUBLE;
		}
		if (!output->count && control_refused(record)) {
			cJSON_Delete(record);
			return EXIT_TROUBLE;
		}
		r = print_record(output, sets, record);
		if (r == -EIO)
			break;
		if (r < 0) {
			log_err(r, "cannot print a record");
			return EXIT_TROUBLE;
		}
	}
	return output_leave(EXIT_FOUND);
}

static int follow_socket(const char *socket, const struct tail_args *args,
			 const struct column_list *list)
{
	struct control control;
	struct output output;
	struct sets sets;
	int r;

	r = control_open(&control, socket, "tail");
	if (r < 0) {
		log_err(0, "cannot ask the daemon at %s: %s", socket, control_explain(r));
		return EXIT_TROUBLE;
	}
	if (sets_init(&sets, socket) < 0 ||
	    output_init(&output, args->format, list, 0, stdout) < 0) {
		log_err(-ENOMEM, "cannot start");
		return EXIT_TROUBLE; /* the process ends: nothing to release */
	}
	r = follow(&control, &output, &sets);
	output_done(&output);
	sets_done(&sets);
	control_close(&control);
	return r;
}

static int tail_main(const struct command *command, int argc, char **argv)
{
	static const char usual[] = "start,user,job,elapsed,runs,exit,program,run_id";
	struct tail_args args = {0};
	_cleanup_free_ char *socket = NULL;
	struct column_list list = {0};
	int first, status;

	if (!command_parse(command, argc, argv, &args, &first, &status))
		return status;
	if (!output_columns(command, usual, &list) || !output_columns(command, args.columns, &list))
		return EXIT_USAGE;
	socket = control_path(args.config);
	if (!socket)
		return EXIT_TROUBLE;
	catch_interrupts();
	return follow_socket(socket, &args, &list);
}

static const struct option_spec tail_options[] = {
	OPTION_FORMAT(struct tail_args, "table|json", option_format_pair),
	OPTION_COLUMNS(struct tail_args),
	OPTION_CONFIG(struct tail_args),
};

const struct command command_tail = {
	.name = "tail",
	.summary = "Records of this node as they are made, until interrupted (as root).",
	.options = tail_options,
	.n_options = ARRAY_SIZE(tail_options),
	.run = tail_main,
};
