/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A command of runmark (find, show, ...) and its options: one table for each command, from which
 * the command line is parsed, --help is printed and wrong words are answered with the nearest right
 * one.
 */
#pragma once

#include "common/database_url.h"

/* Exit status of every command; doctor's NOTHING means "works, with warnings". */
enum exit_status { EXIT_FOUND = 0, EXIT_NOTHING = 1, EXIT_USAGE = 2, EXIT_TROUBLE = 3 };

/* What kind of value an option takes. */
struct option_type {
	const char *
		accepts; /* "a whole number", for the sentence that refuses another; NULL: a flag */
	int (*parse)(const char *text, void *field); /* 0, or -EINVAL; text is NULL for a flag */
};

extern const struct option_type option_flag;   /* bool */
extern const struct option_type option_text;   /* const char *, borrowed from argv; not empty */
extern const struct option_type option_count;  /* uint64_t */
extern const struct option_type option_when;   /* uint64_t, Unix nanoseconds */
extern const struct option_type option_uuid;   /* const char *, checked to be a UUID */
extern const struct option_type option_source; /* const char *: bpf, preload, xalt */
extern const struct option_type option_signal; /* int, by name or number */

struct option_spec {
	const char *name;     /* long name, without dashes */
	const char *argument; /* as help calls it: "NAME"; NULL for a flag */
	const struct option_type *type;
	size_t offset;	  /* of the field in the command's own struct of options */
	const char *help; /* one sentence; \n starts another line */
};

struct command {
	const char *name;
	const char *operands; /* as help calls them; NULL: takes none */
	size_t min_operands, max_operands;
	bool runs_another;	 /* what follows the first operand is that command's own */
	const char *summary;	 /* one line of the list of commands */
	void (*list)(FILE *out); /* prints what the operand can be; may be NULL */
	const char *details;	 /* paragraphs below the options, may be NULL */
	const struct option_spec *options;
	size_t n_options;
	int (*run)(const struct command *command, int argc, char **argv);
};

#define COMMAND_OPTIONS_MAX 40

/*
 * Parses argv (argv[0] is the command's name) into the fields of args; reorders argv so that the
 * operands are the last, *ret_operands the index of the first. Says itself what is wrong. True: go
 * on. False: leave with *ret_status (help was printed, or usage was wrong).
 */
bool command_parse(const struct command *command, int argc, char **argv, void *args,
		   int *ret_operands, int *ret_status);

void command_help(const struct command *command, FILE *out);

/* Says "runmark COMMAND: text (see ...)" and returns EXIT_USAGE. */
int command_wrong(const struct command *command, const char *format, ...) PRINTF_LIKE(2, 3);

/* Options that several commands share. */
#define OPTION_FORMAT(args, words, type_)                                                          \
	{                                                                                          \
		.name = "format", .argument = words, .type = &type_,                               \
		.offset = offsetof(args, format), .help = "How to print (default: table)."         \
	}
#define OPTION_DB(args)                                                                            \
	{                                                                                          \
		.name = "db", .argument = "URL", .type = &option_text,                             \
		.offset = offsetof(args, db),                                                      \
		.help = "Database (default: $RUNMARK_DB, else " URL_DEFAULT ")."                   \
	}
#define OPTION_CONFIG(args)                                                                        \
	{                                                                                          \
		.name = "config", .argument = "FILE", .type = &option_text,                        \
		.offset = offsetof(args, config),                                                  \
		.help = "Configuration (default: $RUNMARK_CONF, else " CONFIG_DEFAULT_FILE ")."    \
	}

extern const struct command command_find, command_show, command_job, command_report, command_tail,
	command_status, command_doctor, command_run;
