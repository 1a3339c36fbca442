/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Command lines by table: getopt_long(3) walks, the table says what there is. Help and every
 * sentence about wrong usage come from the same table, so that they can't disagree with it.
 */
#include "cli/command.h"
#include "common/nearest.h"
#include "common/text.h"
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>

#define OPTION_HELP_VALUE                                                                          \
	0x100 /* above any letter; an option's own value is this + 1 + its index */
#define HELP_COLUMN 24

static void say(const struct command *command, const char *text)
{
	_cleanup_free_ char *safe = text_for_terminal(bytes_of(text));

	fprintf(stderr, "runmark %s: %s (see runmark %s --help)\n", command->name,
		safe ? safe : "wrong usage", command->name);
}

int command_wrong(const struct command *command, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	va_end(arguments);
	say(command, text ? text : "wrong usage");
	return EXIT_USAGE;
}

static void print_option(const char *name, const char *argument, const char *help, FILE *out)
{
	int width = fprintf(out, "  --%s%s%s", name, argument ? " " : "", argument ? argument : "");
	const char *end;

	if (width >= HELP_COLUMN) {
		fputc('\n', out);
		width = 0;
	}
	for (const char *line = help;; line = end + 1, width = 0) {
		end = strchrnul(line, '\n');
		fprintf(out, "%*s%.*s\n", HELP_COLUMN - width, "", (int)(end - line), line);
		if (!*end)
			break;
	}
}

void command_help(const struct command *command, FILE *out)
{
	fprintf(out, "usage: runmark %s [OPTION...]%s%s\n\n%s\n\n", command->name,
		command->operands ? " " : "", command->operands ? command->operands : "",
		command->summary);
	for (size_t i = 0; i < command->n_options; i++) {
		const struct option_spec *spec = &command->options[i];

		print_option(spec->name, spec->argument, spec->help, out);
	}
	print_option("help", NULL, "Print this.", out);
	if (command->list)
		command->list(out);
	if (command->details)
		fprintf(out, "\n%s\n", command->details);
}

/* "--s" where there are --since and --scope: getopt_long(3) takes a beginning that is of one only.
 */
static int ambiguous_option(const struct command *command, const char *name,
			    const char *const *names, size_t count)
{
	char list[512];
	size_t len = 0, found = 0;

	*list = '\0';
	for (size_t i = 0; i < count; i++) {
		if (strncmp(names[i], name, strlen(name)) ||
		    len + strlen(names[i]) + 8 > sizeof(list))
			continue;
		len += (size_t)sprintf(list + len, "%s--%s", found++ ? ", " : "", names[i]);
	}
	return found < 2
		       ? 0
		       : command_wrong(command, "--%s is the beginning of several: %s", name, list);
}

static int wrong_option(const struct command *command, const char *word)
{
	const char *names[COMMAND_OPTIONS_MAX + 1] = {"help"};
	size_t count = 1;
	const char *nearest;
	_cleanup_free_ char *name = NULL;

	if (optopt > OPTION_HELP_VALUE)
		return command_wrong(command, "--%s takes no argument",
				     command->options[optopt - OPTION_HELP_VALUE - 1].name);
	if (optopt == OPTION_HELP_VALUE)
		return command_wrong(command, "--help takes no argument");
	if (optopt)
		return command_wrong(command, "there is no option -%c; all are long ones", optopt);
	name = strndup(word + 2, strcspn(word + 2, "="));
	if (!name)
		return command_wrong(command, "there is no option %s", word);
	for (size_t i = 0; i < command->n_options; i++)
		names[count++] = command->options[i].name;
	if (ambiguous_option(command, name, names, count))
		return EXIT_USAGE;
	nearest = nearest_word(name, names, count);
	if (!nearest)
		return command_wrong(command, "there is no option --%s", name);
	return command_wrong(command, "there is no option --%s; the nearest is --%s", name,
			     nearest);
}

static int set_option(const struct command *command, const struct option_spec *spec, void *args,
		      const char *text)
{
	int r = spec->type->parse(text, (char *)args + spec->offset);

	if (r < 0)
		return command_wrong(command, "--%s takes %s, not \"%s\"", spec->name,
				     spec->type->accepts, text);
	return 0;
}

static int check_operands(const struct command *command, int count)
{
	if ((size_t)count < command->min_operands)
		return command_wrong(command, "%s is missing", command->operands);
	if ((size_t)count > command->max_operands && !command->operands)
		return command_wrong(command, "takes options only");
	if ((size_t)count > command->max_operands)
		return command_wrong(command, "takes one %s", command->operands);
	return 0;
}

/* getopt's view of the table. */
static void fill_long_options(const struct command *command, struct option *out)
{
	for (size_t i = 0; i < command->n_options; i++)
		out[i] = (struct option){command->options[i].name,
					 command->options[i].argument ? required_argument
								      : no_argument,
					 NULL, OPTION_HELP_VALUE + 1 + (int)i};
	out[command->n_options] = (struct option){"help", no_argument, NULL, OPTION_HELP_VALUE};
	out[command->n_options + 1] = (struct option){0};
}

bool command_parse(const struct command *command, int argc, char **argv, void *args,
		   int *ret_operands, int *ret_status)
{
	struct option long_options[COMMAND_OPTIONS_MAX + 2];
	const char *order = command->runs_another ? "+:" : ":";
	int value, status = 0;

	fill_long_options(command, long_options);
	opterr = 0;
	optind = 0; /* glibc: start afresh */
	while (!status && (value = getopt_long(argc, argv, order, long_options, NULL)) != -1) {
		if (value == OPTION_HELP_VALUE) {
			command_help(command, stdout);
			*ret_status = EXIT_FOUND;
			return false;
		}
		if (value == ':')
			status = command_wrong(command, "%s needs an argument", argv[optind - 1]);
		else if (value == '?')
			status = wrong_option(command, argv[optind - 1]);
		else
			status = set_option(command,
					    &command->options[value - OPTION_HELP_VALUE - 1], args,
					    optarg);
	}
	if (!status)
		status = check_operands(command, argc - optind);
	if (status) {
		*ret_status = status;
		return false;
	}
	*ret_operands = optind;
	return true;
}
