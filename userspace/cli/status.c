/* SPDX-License-Identifier: BSD-2-Clause */
/* runmark status: what the daemon of this node says of itself, once. */
#include "cli/command.h"
#include "cli/control.h"
#include "cli/output.h"
#include "cli/when.h"
#include "common/config.h"
#include "common/log.h"
#include "common/record.h"
#include "common/text.h"
#include <errno.h>

#define MIB (1024.0 * 1024.0)

/* A member's text fit for the terminal, or "?". The caller frees; NULL if out of memory. */
static char *shown(const cJSON *object, const char *path)
{
	_cleanup_free_ char *text = NULL;
	size_t len;

	if (record_get_text(object, path, &text, &len) < 0)
		return strdup("?");
	return text_for_terminal((struct bytes){text, len});
}

static double number(const cJSON *object, const char *path)
{
	double value = 0;

	record_get_number(object, path, &value);
	return value;
}

static void print_label(const char *label)
{
	printf("%-10s ", label);
}

static void print_head(const cJSON *status)
{
	_cleanup_free_ char *host = shown(status, "host"), *cluster = shown(status, "cluster"),
			    *version = shown(status, "version"), *source = shown(status, "source");
	char elapsed[ELAPSED_SIZE];

	print_label("daemon");
	printf("runmarkd %s on %s%s%s%s, pid %.0f, up %s, source %s\n", version ? version : "?",
	       host ? host : "?", cluster && *cluster ? " (" : "", cluster ? cluster : "",
	       cluster && *cluster ? ")" : "", number(status, "pid"),
	       when_format_elapsed(number(status, "uptime_s"), elapsed), source ? source : "?");
}

static void print_hooks(const cJSON *status)
{
	const cJSON *hook;
	const char *label = "hooks";

	cJSON_ArrayForEach (hook, record_get(status, "hooks")) {
		_cleanup_free_ char *fact = shown(hook, "fact"), *rung = shown(hook, "rung"),
				    *lost = NULL;

		if (cJSON_IsString(record_get(hook, "lost")))
			lost = shown(hook, "lost");
		print_label(label);
		printf("%-8s %s%s%s\n", fact ? fact : "?", rung ? rung : "?",
		       lost ? "; lost: " : "", lost ? lost : "");
		label = "";
	}
}

/* "name 12, name 3": all counters, or with nonzero those that count. */
static void print_counters(const cJSON *status, const char *member, bool nonzero)
{
	const cJSON *counter;
	bool is_first = true;

	print_label(member);
	cJSON_ArrayForEach (counter, record_get(status, member)) {
		_cleanup_free_ char *name = text_for_terminal(bytes_of(counter->string));

		if (!cJSON_IsNumber(counter) || (nonzero && counter->valuedouble == 0))
			continue;
		printf("%s%s %.0f", is_first ? "" : ", ", name ? name : "?", counter->valuedouble);
		is_first = false;
	}
	puts(is_first ? "none" : "");
}

static void print_room(const cJSON *status, const char *member)
{
	const cJSON *room = record_get(status, member);
	double size = number(room, "size"), used = number(room, "used");

	if (size <= 0)
		return;
	print_label(member);
	printf("%.1f of %.1f MiB used (%.0f%%)\n", used / MIB, size / MIB, used * 100 / size);
}

static void print_spool(const cJSON *status)
{
	const cJSON *spool = record_get(status, "spool");
	_cleanup_free_ char *path = shown(spool, "path"), *open_name = shown(spool, "open"),
			    *last_seq = shown(spool, "last_seq");

	if (!spool)
		return;
	print_label("spool");
	printf("%s: %.0f files, %.1f MiB; last record %s", path ? path : "?",
	       number(spool, "files"), number(spool, "bytes") / MIB, last_seq ? last_seq : "?");
	if (open_name && *open_name) /* none is open between two */
		printf(", in %s", open_name);
	putchar('\n');
}

static void print_errors(const cJSON *status)
{
	const cJSON *error;
	const char *label = "errors";

	cJSON_ArrayForEach (error, record_get(status, "errors")) {
		_cleanup_free_ char *text =
			text_for_terminal(bytes_of(cJSON_GetStringValue(error)));

		print_label(label);
		puts(text ? text : "?");
		label = "";
	}
	if (*label) {
		print_label(label);
		puts("none");
	}
}

static void print_status(const cJSON *status)
{
	print_head(status);
	print_hooks(status);
	print_counters(status, "events", false);
	print_counters(status, "messages", true);
	print_counters(status, "records", false);
	print_counters(status, "lost", true);
	print_counters(status, "cut", true);
	print_counters(status, "unrecorded", true);
	print_label("now");
	printf("%.0f runs live, %.0f queued\n", number(status, "live"), number(status, "queue"));
	print_room(status, "ring");
	print_room(status, "journal");
	print_spool(status);
	print_errors(status);
}

struct status_args {
	enum output_format format;
	const char *config;
};

static int status_main(const struct command *command, int argc, char **argv)
{
	struct status_args args = {0};
	_cleanup_free_ char *path = NULL;
	_cleanup_json_ cJSON *status = NULL;
	int first, exit_status, r;

	if (!command_parse(command, argc, argv, &args, &first, &exit_status))
		return exit_status;
	path = control_path(args.config);
	if (!path)
		return EXIT_TROUBLE;
	r = control_ask(path, "status", &status);
	if (r < 0) {
		log_err(0, "cannot ask the daemon at %s: %s", path, control_explain(r));
		return EXIT_TROUBLE;
	}
	if (control_refused(status))
		return EXIT_TROUBLE;
	if (args.format == OUTPUT_JSON)
		output_json(status, stdout);
	else
		print_status(status);
	return output_leave(EXIT_FOUND);
}

static const struct option_spec status_options[] = {
	OPTION_FORMAT(struct status_args, "table|json", option_format_pair),
	OPTION_CONFIG(struct status_args),
};

const struct command command_status = {
	.name = "status",
	.summary = "What the daemon of this node sees, writes and loses (as root).",
	.options = status_options,
	.n_options = ARRAY_SIZE(status_options),
	.run = status_main,
};
