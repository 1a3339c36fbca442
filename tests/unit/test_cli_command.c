/* SPDX-License-Identifier: BSD-2-Clause */
/* Command lines: the tables of all commands, what is taken, what is refused and how. */
#include "tests/unit/unit.h"

#include "cli/command.h"
#include "cli/output.h"

#include <errno.h>
#include <unistd.h>

struct args {
	bool flag;
	const char *text;
	uint64_t count;
	int signal;
	enum output_format format;
};

static int nothing(const struct command *command, int argc, char **argv)
{
	(void)command;
	(void)argc;
	(void)argv;
	return 0;
}

static const struct option_spec options[] = {
	{"failed", NULL, &option_flag, offsetof(struct args, flag), "A flag."},
	{"user", "NAME", &option_text, offsetof(struct args, text), "A text."},
	{"limit", "N", &option_count, offsetof(struct args, count), "A number."},
	{"signal", "NAME", &option_signal, offsetof(struct args, signal), "A signal."},
	OPTION_FORMAT(struct args, "table|json|csv", option_format),
};

static const struct command command = {
	.name = "try",
	.operands = "WHAT",
	.max_operands = 1,
	.summary = "Tries.",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.run = nothing,
};

static const struct command *const all[] = {&command_find, &command_show, &command_tail,
					    &command_status, &command_doctor};

/* Splits line at blanks and parses it; standard error goes to said. */
static bool parse(const char *line, struct args *args, char *said, size_t size, char *operand,
		  int *ret_status)
{
	char words[256], *argv[16], *rest = words;
	FILE *file = tmpfile();
	int argc = 0, first, saved = dup(STDERR_FILENO);
	ssize_t len;
	bool ok;

	assert_non_null(file);
	snprintf(words, sizeof(words), "try %s", line);
	while ((argv[argc] = strsep(&rest, " ")))
		argc += *argv[argc] != '\0';
	fflush(stderr);
	dup2(fileno(file), STDERR_FILENO);
	ok = command_parse(&command, argc, argv, args, &first, ret_status);
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	len = pread(fileno(file), said, size - 1, 0);
	said[len > 0 ? len : 0] = '\0';
	fclose(file);
	if (ok)
		strcpy(operand, first < argc ? argv[first] : "");
	return ok;
}

static void taken(void **state)
{
	static const struct {
		const char *line;
		struct args args;
		const char *operand;
	} cases[] = {
		{"", {0}, ""},
		{"--failed", {.flag = true}, ""},
		{"--user alice", {.text = "alice"}, ""},
		{"--user=alice", {.text = "alice"}, ""},
		{"--user --failed", {.text = "--failed"}, ""},
		{"--us alice", {.text = "alice"}, ""},
		{"--limit 0", {.count = 0}, ""},
		{"--limit 997", {.count = 997}, ""},
		{"--limit 9223372036854775807", {.count = INT64_MAX}, ""},
		{"--signal KILL", {.signal = 9}, ""},
		{"--signal SIGKILL", {.signal = 9}, ""},
		{"--signal sigterm", {.signal = 15}, ""},
		{"--signal 9", {.signal = 9}, ""},
		{"--format json", {.format = OUTPUT_JSON}, ""},
		{"--format csv --format table", {.format = OUTPUT_TABLE}, ""},
		{"it --failed", {.flag = true}, "it"},
		{"--failed it", {.flag = true}, "it"},
		{"-- --failed", {0}, "--failed"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char said[512], operand[64];
		struct args args = {0};
		int status;

		if (!parse(cases[i].line, &args, said, sizeof(said), operand, &status))
			fail_msg("\"%s\": %s", cases[i].line, said);
		assert_int_equal(args.flag, cases[i].args.flag);
		assert_int_equal(args.count, cases[i].args.count);
		assert_int_equal(args.signal, cases[i].args.signal);
		assert_int_equal(args.format, cases[i].args.format);
		assert_int_equal(!args.text, !cases[i].args.text);
		assert_string_equal(operand, cases[i].operand);
		assert_string_equal(said, "");
	}
}

static void refused(void **state)
{
	static const struct {
		const char *line, *said;
	} cases[] = {
		{"--usr x", "there is no option --usr; the nearest is --user"},
		{"--usr=x", "there is no option --usr; the nearest is --user"},
		{"--falied", "there is no option --falied; the nearest is --failed"},
		{"--quux", "there is no option --quux "},
		{"--f", "--f is the beginning of several: --failed, --format"},
		{"-x", "there is no option -x; all are long ones"},
		{"-user x", "there is no option -u; all are long ones"},
		{"--failed=yes", "--failed takes no argument"},
		{"--help=yes", "--help takes no argument"},
		{"--user", "--user needs an argument"},
		{"--user=", "--user takes a text that isn't empty, not \"\""},
		{"--limit -1", "--limit takes a whole number, not \"-1\""},
		{"--limit +1", "--limit takes a whole number"},
		{"--limit 1k", "--limit takes a whole number"},
		{"--limit 9223372036854775808", "--limit takes a whole number"},
		{"--limit 99999999999999999999", "--limit takes a whole number"},
		{"--signal NOPE", "--signal takes a signal"},
		{"--signal 0", "--signal takes a signal"},
		{"--signal 65", "--signal takes a signal"},
		{"--format xml", "--format takes table, json or csv, not \"xml\""},
		{"one two", "takes one WHAT"},
		{"--usr\x1b[31m", "--usr\\e[31m"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char said[512], operand[64];
		struct args args = {0};
		int status = 0;

		if (parse(cases[i].line, &args, said, sizeof(said), operand, &status))
			fail_msg("\"%s\" is not refused", cases[i].line);
		assert_int_equal(status, EXIT_USAGE);
		if (!strstr(said, cases[i].said))
			fail_msg("\"%s\": %s", cases[i].line, said);
		assert_non_null(strstr(said, "(see runmark try --help)\n"));
		assert_null(strchr(said, '\x1b'));
	}
}

static void help_names_every_option(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		_cleanup_free_ char *text = NULL;
		size_t size;
		FILE *out = open_memstream(&text, &size);

		assert_true(all[i]->n_options <= COMMAND_OPTIONS_MAX);
		command_help(all[i], out);
		fclose(out);
		for (size_t j = 0; j < all[i]->n_options; j++) {
			const struct option_spec *spec = &all[i]->options[j];
			char name[64];

			snprintf(name, sizeof(name), "  --%s%s%s", spec->name,
				 spec->argument ? " " : "\n", spec->argument ? spec->argument : "");
			if (!spec->argument)
				name[strlen(name) - 1] = '\0';
			assert_non_null(strstr(text, name));
			/* A flag has no argument, all else one. */
			assert_int_equal(!spec->argument, spec->type == &option_flag);
		}
		for (const char *line = text, *end; *line; line = end + 1) {
			end = strchr(line, '\n');
			assert_true(end - line <= 100);
		}
	}
}

static void lists_of_columns(void **state)
{
	struct column_list list;
	const char *wrong;
	size_t len;

	(void)state;
	column_list_default(&list, true);
	assert_int_equal(list.count, columns_count);
	column_list_default(&list, false);
	assert_in_range(list.count, 5, 12);
	size_t usual = list.count;
	assert_int_equal(column_list_parse("+pid,ppid", &list, &wrong, &len), 0);
	assert_int_equal(list.count, usual + 2);
	assert_string_equal(list.items[usual]->name, "pid");
	assert_int_equal(column_list_parse("run_id,USER", &list, &wrong, &len), 0);
	assert_int_equal(list.count, 2);
	assert_string_equal(list.items[1]->name, "user");
	assert_int_equal(column_list_parse("run_id,usr", &list, &wrong, &len), -EINVAL);
	assert_int_equal(len, 3);
	assert_memory_equal(wrong, "usr", 3);
	assert_int_equal(list.count, 2);
	assert_int_equal(column_list_parse("run_id,", &list, &wrong, &len), -EINVAL);
	assert_int_equal(column_list_parse("", &list, &wrong, &len), -EINVAL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(taken),
		cmocka_unit_test(refused),
		cmocka_unit_test(help_names_every_option),
		cmocka_unit_test(lists_of_columns),
	};

	return cmocka_run_group_tests_name("cli_command", tests, NULL, NULL);
}
