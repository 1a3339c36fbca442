/* SPDX-License-Identifier: BSD-2-Clause */
/* What --exe and --lib mean: paths, globs, bare names. */
#include "tests/unit/unit.h"

#include "cli/pattern.h"

#include <errno.h>
#include <locale.h>
#include <limits.h>
#include <sys/stat.h>

static void matches(void **state)
{
	static const struct {
		const char *text, *path;
		bool is_library, matches;
	} cases[] = {
		/* bare names of programs */
		{"python3", "/usr/bin/python3", false, true},
		{"python3", "python3", false, true},
		{"python3", "/usr/bin/python3.11", false, false},
		{"python3", "/usr/bin/xpython3", false, false},
		{"python3", "/opt/python3/bin/ls", false, false},
		{"python3", "/usr/bin/python3 (deleted)", false, true},
		{"a.out", "/home/alice/a.out", false, true},
		{"a.out", "/home/alice/a_out", false, false},
		/* bare names of libraries */
		{"libm.so.6", "/usr/lib/libm.so.6", true, true},
		{"libm.so", "/usr/lib/libm.so.6", true, true},
		{"libm.so", "/usr/lib/libm.so", true, true},
		{"libm", "/usr/lib/libm.so.6", true, true},
		{"libm", "/usr/lib/libm.so", true, true},
		{"libm", "/usr/lib/libm", true, true},
		{"libopenblas.so", "/opt/lib/libopenblas.so.0.3.21", true, true},
		{"libopenblas.so.0", "/opt/lib/libopenblas.so.0.3", true, true},
		{"libopenblas.so.0", "/opt/lib/libopenblas.so.01", true, false},
		{"libm.so", "/usr/lib/libm.so.", true, false},
		{"libm.so", "/usr/lib/libm.so.6x", true, false},
		{"libm.so", "/usr/lib/libm.so.x", true, false},
		{"libm.so", "/usr/lib/libm.so.6.debug", true, false},
		{"libm.so", "/usr/lib/libmpi.so.6", true, false},
		{"libm", "/usr/lib/libmpi.so.40", true, false},
		{"libm.so", "/usr/lib/libm.so.6 (deleted)", true, true},
		{"libm.so", "/usr/lib/liblibm.so.6", true, false},
		/* globs */
		{"python3*", "/usr/bin/python3.11", false, true},
		{"python3*", "/usr/python3x/ls", false, false},
		{"/opt/*", "/opt/a/b/c", false, true},
		{"/opt/*", "/usr/opt/a", false, false},
		{"*/bin/l?", "/usr/bin/ls", false, true},
		{"*/bin/l?", "/usr/bin/lsx", false, false},
		{"*/bin/l?", "/usr/bin/ls (deleted)", false, true},
		{"lib[mc].so.*", "/usr/lib/libm.so.6", true, true},
		{"lib[mc].so.*", "/usr/lib/libd.so.6", true, false},
		/* a name that is itself a glob finds itself too */
		{"[", "/usr/bin/[", false, true},
		{"[", "/usr/bin/test", false, false},
		{"/usr/bin/[", "/usr/bin/[", false, true},
		/* paths */
		{"/nowhere/ls", "/nowhere/ls", false, true},
		{"/nowhere/ls", "/nowhere/ls (deleted)", false, true},
		{"/nowhere/ls", "/nowhere/lsx", false, false},
		{"/nowhere/ls", "/usr/nowhere/ls", false, false},
		{"/nowhere/ls", "", false, false},
		{"/nowhere/l\xffs", "/nowhere/l\xffs", false, true},
		{"l\xff*", "/nowhere/l\xffs", false, true},
		{"l\ns", "/bin/l\ns", false, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pattern pattern;

		assert_int_equal(pattern_init(&pattern, cases[i].text, cases[i].is_library), 0);
		if (pattern_matches(&pattern, bytes_of(cases[i].path)) != cases[i].matches)
			fail_msg("\"%s\" and \"%s\"", cases[i].text, cases[i].path);
		pattern_done(&pattern);
	}
}

static void path_follows_links(void **state)
{
	char dir[] = "/tmp/runmark-pattern-XXXXXX", here[PATH_MAX];
	struct pattern pattern;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_non_null(getcwd(here, sizeof(here)));
	assert_int_equal(chdir(dir), 0);
	assert_int_equal(close(creat("real", 0700)), 0);
	assert_int_equal(symlink("real", "name"), 0);
	assert_int_equal(pattern_init(&pattern, "./name", false), 0);
	for (int i = 0; i < 2; i++) {
		char path[64];

		snprintf(path, sizeof(path), "%s/%s", dir, i ? "real" : "name");
		assert_true(pattern_matches(&pattern, bytes_of(path)));
	}
	pattern_done(&pattern);
	unlink("name");
	unlink("real");
	assert_int_equal(chdir(here), 0);
	rmdir(dir);
}

static void empty_is_refused(void **state)
{
	struct pattern pattern;

	(void)state;
	assert_int_equal(pattern_init(&pattern, "", false), -EINVAL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(matches),
		cmocka_unit_test(path_follows_links),
		cmocka_unit_test(empty_is_refused),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests_name("cli_pattern", tests, NULL, NULL);
}
