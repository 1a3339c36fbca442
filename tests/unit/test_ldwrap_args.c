/* SPDX-License-Identifier: BSD-2-Clause */
/* The link line: options, inputs, response files, and what makes a link a plain one. */
#include "tests/unit/unit.h"

#include "ldwrap/ldargs.h"
#include "ldwrap/options.h"
#include "ldwrap/response.h"

#include <errno.h>

#define LINE_MAX_TOKENS 64

struct line {
	char text[2048];
	const char *tokens[LINE_MAX_TOKENS];
	size_t count;
};

/* Blanks separate; _ stands for an empty argument. */
static void split(const char *text, struct line *line)
{
	line->count = 0;
	snprintf(line->text, sizeof(line->text), "%s", text);
	for (char *token = strtok(line->text, " "); token; token = strtok(NULL, " "))
		line->tokens[line->count++] = strcmp(token, "_") ? token : "";
}

/* The line that gcc 12 passes for a hello.c. */
#define GCC_LINE                                                                                   \
	"-plugin /usr/lib/gcc/x86_64-linux-gnu/12/liblto_plugin.so "                               \
	"-plugin-opt=/usr/lib/gcc/x86_64-linux-gnu/12/lto-wrapper "                                \
	"-plugin-opt=-fresolution=/tmp/ccA.res -plugin-opt=-pass-through=-lgcc --build-id "        \
	"--eh-frame-hdr -m elf_x86_64 --hash-style=gnu --as-needed "                               \
	"-dynamic-linker /lib64/ld-linux-x86-64.so.2 -pie -o h Scrt1.o crti.o -L/usr/lib "         \
	"h.o -lgcc --push-state --as-needed -lgcc_s --pop-state -lc crtn.o"
#define CLANG_LINE                                                                                 \
	"-z relro --hash-style=gnu --build-id --eh-frame-hdr -m elf_x86_64 -pie "                  \
	"-dynamic-linker /lib64/ld-linux-x86-64.so.2 -o h Scrt1.o -L/usr/lib h.o -lgcc "           \
	"--as-needed -lgcc_s --no-as-needed -lc crtn.o"

static void test_lines_that_can_be_augmented(void **state)
{
	static const struct {
		const char *line, *output, *emulation, *dependency_file, *first;
		size_t inputs;
		bool is_shared, is_pie;
	} cases[] = {
		{GCC_LINE, "h", "elf_x86_64", NULL, "Scrt1.o", 7, false, true},
		{CLANG_LINE, "h", "elf_x86_64", NULL, "Scrt1.o", 6, false, true},
		{"a.o", "a.out", NULL, NULL, "a.o", 1, false, false},
		{"-oout a.o", "out", NULL, NULL, "a.o", 1, false, false},
		{"--output=x/y a.o", "x/y", NULL, NULL, "a.o", 1, false, false},
		{"--output out a.o", "out", NULL, NULL, "a.o", 1, false, false},
		{"-o one a.o -o two", "two", NULL, NULL, "a.o", 1, false, false},
		{"-shared -soname libx.so.1 a.o -o libx.so", "libx.so", NULL, NULL, "a.o", 1, true,
		 false},
		{"-melf_i386 a.o", "a.out", "elf_i386", NULL, "a.o", 1, false, false},
		{"--start-group a.o b.a --end-group", "a.out", NULL, NULL, "a.o", 2, false, false},
		{"-( a.o b.a -)", "a.out", NULL, NULL, "a.o", 2, false, false},
		{"--start-lib b.o --end-lib a.o", "a.out", NULL, NULL, "b.o", 2, false, false},
		{"a.o --dependency-file d", "a.out", NULL, "d", "a.o", 1, false, false},
		{"a.o --dependency-file=d", "a.out", NULL, "d", "a.o", 1, false, false},
		{"a.o -Map=m --gc-sections -s -z now -zrelro", "a.out", NULL, NULL, "a.o", 1, false,
		 false},
		{"-v a.o", "a.out", NULL, NULL, "a.o", 1, false, false},
		{"-rpath /x --rpath=/y -R/z a.o", "a.out", NULL, NULL, "a.o", 1, false, false},
		{"-O1 --sort-common -z cet-report=error a.o", "a.out", NULL, NULL, "a.o", 1, false,
		 false},
		{"src/proc/a.o home/dev/std.o", "a.out", NULL, NULL, "src/proc/a.o", 2, false,
		 false},
		{"-b elf a.o", "a.out", NULL, NULL, "a.o", 1, false, false},
		{"-lTverbose -Lr a.o", "a.out", NULL, NULL, "a.o", 2, false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ldargs args;
		struct line line;

		split(cases[i].line, &line);
		ldargs_parse(line.tokens, line.count, &args);
		if (args.why_plain)
			fail_msg("%s: %s", cases[i].line, args.why_plain);
		assert_string_equal(args.output, cases[i].output);
		assert_true(!args.emulation == !cases[i].emulation);
		if (args.emulation)
			assert_string_equal(args.emulation, cases[i].emulation);
		assert_true(!args.dependency_file == !cases[i].dependency_file);
		if (args.dependency_file)
			assert_string_equal(args.dependency_file, cases[i].dependency_file);
		assert_string_equal(args.first_input, cases[i].first);
		assert_int_equal(args.input_count, cases[i].inputs);
		assert_int_equal(args.is_shared, cases[i].is_shared);
		assert_int_equal(args.is_pie, cases[i].is_pie);
	}
}

static void test_lines_that_are_plain(void **state)
{
	static const char *const lines[] = {
		"-r a.o",
		"-i a.o",
		"--relocatable a.o",
		"-relocatable a.o",
		"-Ur a.o",
		"a.o -T x.ld",
		"a.o -Tx.ld",
		"a.o --script x.ld",
		"a.o --script=x.ld",
		"-dT x.ld a.o",
		"a.o -Ttext 0x1000",
		"a.o -Ttext=0",
		"a.o -Ttext-segment=0",
		"a.o --Ttext=0",
		"a.o --section-start=.a=0",
		"a.o --oformat binary",
		"a.o --oformat=binary",
		"a.o -N",
		"a.o -n",
		"--omagic a.o",
		"-EB a.o",
		"a.o --orphan-handling=error",
		"a.o -t",
		"a.o --trace",
		"a.o -M",
		"a.o --print-map",
		"a.o -Map=-",
		"a.o -Map -",
		"a.o --verbose",
		"a.o --verbose=99",
		"a.o --cref",
		"a.o -y main",
		"a.o --stats",
		"a.o --print-gc-sections",
		"a.o --print-memory-usage",
		"--version",
		"-V",
		"--help",
		"-v",
		"_",
		"",
		"-lc",
		"-L/usr/lib",
		/* behind which our object would be a value */
		"a.o -o",
		"a.o -Map",
		"a.o --dependency-file",
		"a.o -z",
		"a.o -rpath",
		"a.o -L",
		"a.o -u",
		"a.o -",
		"a.o --",
		"a.o --no-such-option",
		"a.o -sx",
		"a.o --relocat",
		"a.o -Wl,x",
		"a.o --no-such-option x",
		"a.o -o _",
		"a.o _",
		"-b binary a.o",
		"a.o --format=binary",
		"a.o --start-lib b.o",
		"@none a.o",
		"a.o -o /dev/stdout",
		"a.o -o/dev/stderr",
		"a.o -Map=/dev/stdout",
		"/dev/fd/63 -o x",
		"/proc/self/fd/3",
		"--incremental a.o",
		"-G 8 a.o",
		"a.o --output /dev/tty",
		"-C /tmp a.o",
		"--as needed a.o",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct ldargs args;
		struct line line;

		split(lines[i], &line);
		ldargs_parse(line.tokens, line.count, &args);
		if (!args.why_plain)
			fail_msg("not plain: %s", lines[i]);
	}
}

/* An input is named by its kind and name. */
static bool join_inputs(void *arg, const char *name, bool is_library)
{
	strcat(arg, is_library ? "l:" : "f:");
	strcat(arg, name);
	strcat(arg, " ");
	return strcmp(name, "stop");
}

static void test_inputs_are_told_in_order(void **state)
{
	char joined[256] = "";
	struct line line;

	(void)state;
	split("-o x a.o -lm --library=z -l c -rpath /r b.a --library y stop z.o", &line);
	ldargs_each_input(line.tokens, line.count, join_inputs, joined);
	assert_string_equal(joined, "f:a.o l:m l:z l:c f:b.a l:y f:stop ");
}

/* Response files by name. */
static const struct file {
	const char *name, *text;
} files[] = {
	{"flat", "a.o  b.o\n\tc.o\n"},
	{"quoted", "'a b.o' \"c d.o\" e\\ f.o 'g'\"h\"i.o"},
	{"escaped", "\\'a.o \"b\\\"c.o\" x\\\\y.o"},
	{"empty", ""},
	{"blank", " \n "},
	{"nested", "x.o @flat @empty y.o"},
	{"loop", "a.o @loop"},
	{"literal", "@missing a.o"},
	{"open", "'a b"},
	{"last", "a.o \\"},
};

static int read_response(void *arg, const char *path, char **ret, size_t *ret_len)
{
	(void)arg;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (!strcmp(files[i].name, path)) {
			*ret = strdup(files[i].text);
			*ret_len = strlen(files[i].text);
			return 0;
		}
	return strcmp(path, "denied") ? -ENOENT : -EISDIR;
}

static void test_response_files(void **state)
{
	static const struct {
		const char *argument, *tokens; /* | between them; NULL: refused */
	} cases[] = {
		{"plain.o", "plain.o|"},
		{"@flat", "a.o|b.o|c.o|"},
		{"@quoted", "a b.o|c d.o|e f.o|ghi.o|"},
		{"@escaped", "'a.o|b\"c.o|x\\y.o|"},
		{"@empty", ""},
		{"@blank", ""},
		{"@nested", "x.o|a.o|b.o|c.o|y.o|"},
		{"@loop", NULL},
		{"@literal", "@missing|a.o|"},
		{"@missing", "@missing|"},
		{"@denied", NULL},
		{"@open", "a b|"},
		{"@last", "a.o||"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *argv[] = {"ld", (char *)cases[i].argument, "end", NULL};
		struct response response;
		char joined[512] = "", wanted[512];
		int r = response_expand(3, argv, read_response, NULL, &response);

		if (!cases[i].tokens) {
			assert_true(r < 0);
			response_done(&response);
			continue;
		}
		assert_int_equal(r, 0);
		for (size_t j = 0; j < response.count; j++) {
			strcat(joined, response.tokens[j]);
			strcat(joined, "|");
		}
		snprintf(wanted, sizeof(wanted), "%send|", cases[i].tokens);
		assert_string_equal(joined, wanted);
		response_done(&response);
	}
}

static void test_each_name_of_the_table_is_found(void **state)
{
	static const struct {
		const char *option;
		enum option_kind kind;
	} cases[] = {
		{"--as-needed", OPTION_FLAG},
		{"-as-needed", OPTION_FLAG},
		{"--init", OPTION_VALUE},
		{"--initx", OPTION_UNKNOWN},
		{"--ini", OPTION_UNKNOWN},
		{"--shared", OPTION_FLAG},
		{"--version-script", OPTION_VALUE},
		{"--version", OPTION_PLAIN},
		{"-no-plt-localentry", OPTION_FLAG},
		{"--run", OPTION_PLAIN},
		{"--Map", OPTION_VALUE},
		{"--map", OPTION_UNKNOWN},
		{"--build-id=sha1", OPTION_FLAG},
		{"--no power", OPTION_UNKNOWN},
		{"--", OPTION_UNKNOWN},
		{"-", OPTION_UNKNOWN},
		{"--=x", OPTION_UNKNOWN},
		{"-=", OPTION_UNKNOWN},
		{"-oformat", OPTION_VALUE},
		{"-Trodata-segment", OPTION_PLAIN},
		{"-library", OPTION_VALUE},
		{"--demangle=gnu-v3", OPTION_FLAG},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct option_match match;

		option_find(cases[i].option, &match);
		if (match.kind != cases[i].kind)
			fail_msg("%s: %d", cases[i].option, match.kind);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines_that_can_be_augmented),
		cmocka_unit_test(test_lines_that_are_plain),
		cmocka_unit_test(test_inputs_are_told_in_order),
		cmocka_unit_test(test_response_files),
		cmocka_unit_test(test_each_name_of_the_table_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
