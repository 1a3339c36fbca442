/* SPDX-License-Identifier: BSD-2-Clause */
/* Dependency files as the four linkers write them, and the compiler texts and drivers of a link
 * record. */
#include "tests/unit/unit.h"

#include "ldwrap/depfile.h"
#include "ldwrap/driver.h"
#include "ldwrap/linker.h"

#include <errno.h>

static bool join_paths(void *arg, const char *path)
{
	strcat(arg, path);
	strcat(arg, "|");
	return strcmp(path, "stop");
}

static void test_inputs_of_each_linker(void **state)
{
	/* the same link of three objects with odd names by bfd and gold, lld, mold */
	static const struct {
		const char *text, *paths;
		size_t passed_over;
	} cases[] = {
		{"out put: \\\n  sp ace.o \\\n  dol$lar#.o \\\n  co:lon.o\n\nsp "
		 "ace.o:\n\ndol$lar#.o:\n\n"
		 "co:lon.o:\n\n",
		 "sp ace.o|dol$lar#.o|co:lon.o|", 0},
		{"out put: \\\n sp\\ ace.o \\\n dol$$lar\\#.o \\\n co:lon.o\n\nsp\\ ace.o:\n\n"
		 "dol$$lar\\#.o:\n\nco:lon.o:\n",
		 "sp ace.o|dol$lar#.o|co:lon.o|", 0},
		{"out put: sp ace.o dol$lar#.o co:lon.o\n\nsp ace.o:\n\ndol$lar#.o:\n\nco:lon.o:\n",
		 "sp ace.o|dol$lar#.o|co:lon.o|", 0},
		{"x: \\\n  new\nline.o\n\nnew\nline.o:\n\n", "new\nline.o|", 0},
		{"x: \\\n  back\\slash.o\n\nback\\slash.o:\n\n", "back\\slash.o|", 0},
		{"x:\n\n", "", 0},
		{"x: a.o", "", 0},
		{"x: a.o\n\na.o", "", 1},
		{"x: a.o\n\n:\n\nb.o:\n", "b.o|", 1},
		{"x: a\n\na:\n\nstop:\n\nb:\n", "a|stop|", 0},
		{"", "", 0},
		{"\n\n\n\n\n\n", "", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char joined[512] = "";
		size_t n = depfile_each(bytes_of(cases[i].text), join_paths, joined);

		assert_string_equal(joined, cases[i].paths);
		assert_int_equal(n, cases[i].passed_over);
	}
}

static void test_a_path_over_the_limit_is_passed_over(void **state)
{
	static char text[3 * DEPFILE_PATH_MAX];
	char joined[64] = "";
	size_t len = (size_t)snprintf(text, sizeof(text), "x: y\n\n");

	(void)state;
	memset(text + len, 'a', DEPFILE_PATH_MAX);
	strcpy(text + len + DEPFILE_PATH_MAX, ":\n\nb.o:\n");
	assert_int_equal(depfile_each(bytes_of(text), join_paths, joined), 1);
	assert_string_equal(joined, "b.o|");
}

static void test_drivers_by_name(void **state)
{
	static const struct {
		const char *name, *start;
	} cases[] = {
		{"gcc", "GCC: "},
		{"x86_64-linux-gnu-gcc-12", "GCC: "},
		{"g++-13", "GCC: "},
		{"gfortran", "GCC: "},
		{"c++", "GCC: "},
		{"aarch64-linux-gnu-g++", "GCC: "},
		{"clang", "clang version "},
		{"clang-14", "clang version "},
		{"clang++-14.0", "clang version "},
		{"rustc", "rustc version "},
		{"make", NULL},
		{"collect2", NULL},
		{"bash", NULL},
		{"ld", NULL},
		{"", NULL},
		{"-", NULL},
		{"12", NULL},
		{"-12", NULL},
		{"gcc-", NULL},
		{"mygcc", NULL},
		{"gcc g++", NULL},
		{"python3.11", NULL},
		{"a-name-that-is-longer-than-any-compiler-ever-had-gccx", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *start = driver_comment_start(cases[i].name);

		if (!start != !cases[i].start || (start && strcmp(start, cases[i].start)))
			fail_msg("%s: %s", cases[i].name, start ? start : "none");
	}
}

#define GCC   "GCC: (Debian 12.2.0-14+deb12u1) 12.2.0\0"
#define CLANG "Debian clang version 14.0.6\0"
#define LLD   "Linker: Debian LLD 14.0.6\0"
#define MOLD  "mold 1.10.1 (compatible with GNU ld)\0"
#define RUST  "rustc version 1.63.0\0"

static void test_compiler_of_a_comment(void **state)
{
	static const struct {
		struct bytes comment;
		const char *start, *name, *version, *linker;
	} cases[] = {
		{BYTES(GCC), "GCC: ", "GCC", "12.2.0", NULL},
		{BYTES(GCC), NULL, "GCC", "12.2.0", NULL},
		{BYTES(GCC CLANG), "clang version ", "clang", "14.0.6", NULL},
		{BYTES(GCC CLANG), "GCC: ", "GCC", "12.2.0", NULL},
		{BYTES(GCC CLANG), NULL, NULL, NULL, NULL},
		{BYTES(LLD CLANG), NULL, "clang", "14.0.6", "Debian LLD 14.0.6"},
		{BYTES(MOLD GCC), NULL, "GCC", "12.2.0", "mold 1.10.1 (compatible with GNU ld)"},
		{BYTES(RUST GCC), "rustc version ", "rustc", "1.63.0", NULL},
		{BYTES(GCC), "rustc version ", NULL, NULL, NULL},
		{BYTES("tcc\0"), NULL, "tcc", "", NULL},
		{BYTES(""), NULL, NULL, NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char linker[LINKER_VERSION_MAX];
		struct compiler compiler;

		assert_int_equal(compiler_from_comment(cases[i].comment, cases[i].start, &compiler),
				 cases[i].name != NULL);
		if (cases[i].name) {
			assert_string_equal(compiler.name, cases[i].name);
			assert_string_equal(compiler.version, cases[i].version);
		}
		assert_int_equal(linker_version_from_comment(cases[i].comment, linker),
				 cases[i].linker != NULL);
		if (cases[i].linker)
			assert_string_equal(linker, cases[i].linker);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inputs_of_each_linker),
		cmocka_unit_test(test_a_path_over_the_limit_is_passed_over),
		cmocka_unit_test(test_drivers_by_name),
		cmocka_unit_test(test_compiler_of_a_comment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
