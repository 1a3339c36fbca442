/* SPDX-License-Identifier: BSD-2-Clause */
/* runmark: asks the site's database and this node's daemon. Commands are a table. */
#include "cli/command.h"
#include "cli/output.h"
#include "common/log.h"
#include "common/nearest.h"
#include "common/text.h"
#include "common/version.h"
#include <langinfo.h>
#include <locale.h>

static const struct command *const commands[] = {
	&command_find, &command_show,	&command_job,	 &command_report,
	&command_tail, &command_status, &command_doctor, &command_run,
};

static void print_usage(FILE *out)
{
	fputs("usage: runmark COMMAND [OPTION...]\n\n", out);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-8s %s\n", commands[i]->name, commands[i]->summary);
	fprintf(out, "  %-8s %s\n", "help", "Print the help of a command.");
	fputs("\n  --help     Print this.\n  --version  Print the version.\n", out);
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

static int wrong_command(const char *name)
{
	const char *names[ARRAY_SIZE(commands) + 1] = {"help"}, *nearest;
	_cleanup_free_ char *safe = text_for_terminal(bytes_of(name));

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		names[i + 1] = commands[i]->name;
	nearest = nearest_word(name, names, ARRAY_SIZE(names));
	fprintf(stderr, "runmark: there is no command \"%s\"%s%s (see runmark --help)\n",
		safe ? safe : "?", nearest ? "; the nearest is " : "", nearest ? nearest : "");
	return EXIT_USAGE;
}

static int help(const char *name)
{
	const struct command *command;

	if (!name) {
		print_usage(stdout);
		return output_leave(EXIT_FOUND);
	}
	command = find_command(name);
	if (!command)
		return wrong_command(name);
	command_help(command, stdout);
	return output_leave(EXIT_FOUND);
}

/* Widths and globs go by characters; records are UTF-8 whatever the user's locale. */
static void set_locale(void)
{
	if (!setlocale(LC_CTYPE, "") || strcmp(nl_langinfo(CODESET), "UTF-8"))
		setlocale(LC_CTYPE, "C.UTF-8");
}

int main(int argc, char **argv)
{
	const struct command *command;

	log_init("runmark");
	set_locale();
	if (argc < 2) {
		print_usage(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "help"))
		return help(argc > 2 && *argv[1] == 'h' ? argv[2] : NULL);
	if (!strcmp(argv[1], "--version")) {
		puts("runmark " RUNMARK_VERSION);
		return output_leave(EXIT_FOUND);
	}
	if (*argv[1] == '-') {
		fputs("runmark: options stand behind the command (see runmark --help)\n", stderr);
		return EXIT_USAGE;
	}
	command = find_command(argv[1]);
	if (!command)
		return wrong_command(argv[1]);
	return command->run(command, argc - 1, argv + 1);
}
