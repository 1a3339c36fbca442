/* SPDX-License-Identifier: BSD-2-Clause */
/* What paths are called: patterns, rule files, and the layouts of EasyBuild and Spack. */
#include "tests/unit/unit.h"

#include "ingest/names_glob.h"
#include "ingest/names_layout.h"
#include "ingest/names_rules.h"

#include <errno.h>
#include <fnmatch.h>
#include <time.h>

#define HASH "abcdefghijklmnopqrstuvwxyz234567"

static char complaints_text[65536];

/* What was complained of stands in complaints_text then. */
static int read_rules(struct bytes text, struct names_rules **ret)
{
	struct names_complaints complaints = {
		.out = fmemopen(complaints_text, sizeof(complaints_text), "w")};
	int r = names_rules_read("f", text, &complaints, ret);

	assert_non_null(complaints.out);
	fclose(complaints.out);
	if (!complaints.count)
		*complaints_text = '\0';
	assert_int_equal(r, complaints.count ? -EINVAL : 0);
	return r;
}

static void patterns_take_what_they_should(void **state)
{
	static const struct {
		const char *glob, *text;
		bool takes;
	} cases[] = {
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"*", "/a/b", true},
		{"python3", "python3", true},
		{"python3", "python3.11", false},
		{"python3*", "python3.11", true},
		{"*/bin/*", "/opt/x/bin/y", true},
		{"*/bin/*", "/opt/x/binary", false},
		{"a*b*c", "axxbxxbxc", true},
		{"a*b*c", "axxbxxbx", false},
		{"a?c", "a/c", true},
		{"a?c", "ac", false},
		{"[0-9]x", "7x", true},
		{"[!0-9]x", "7x", false},
		{"[^0-9]x", "ax", true},
		{"[]a]", "]", true},
		{"[!]a]", "b", true},
		{"[a-]", "-", true},
		{"[\\]]", "]", true},
		{"[[:digit:][:upper:]]", "Q", true},
		{"[[:digit:][:upper:]]", "q", false},
		{"\\*", "*", true},
		{"\\*", "a", false},
		{"\xff*", "\xff\xfe", true},
		{"?", "\xc3\xa9", false}, /* bytes, not characters */
		{"??", "\xc3\xa9", true},
		{"**a**", "bab", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_null(names_glob_fault(bytes_of(cases[i].glob)));
		if (names_glob_takes(bytes_of(cases[i].glob), bytes_of(cases[i].text)) !=
		    cases[i].takes)
			fail_msg("%s: %s", cases[i].glob, cases[i].text);
	}
	assert_non_null(names_glob_fault(bytes_of("[a")));
	assert_non_null(names_glob_fault(bytes_of("a\\")));
	assert_non_null(names_glob_fault(bytes_of("[[:nothing:]]")));
	assert_non_null(names_glob_fault(bytes_of("[[.a.]]")));
}

/* Patterns and texts of few different bytes, so that many match: as fnmatch() says. */
static void patterns_are_as_fnmatch_has_them(void **state)
{
	static const char from[] = "ab*?[]!-\\/";
	unsigned int seed = 7, taken = 0, tried = 0;

	(void)state;
	for (int round = 0; round < 199999; round++) {
		char glob[8] = "", text[8] = "";

		for (int i = rand_r(&seed) % 7; i; i--)
			glob[i - 1] = from[rand_r(&seed) % (sizeof(from) - 1)];
		for (int i = rand_r(&seed) % 7; i; i--)
			text[i - 1] = "ab/]-"[rand_r(&seed) % 5];
		if (names_glob_fault(bytes_of(glob)))
			continue;
		tried++;
		bool takes = names_glob_takes(bytes_of(glob), bytes_of(text));

		taken += takes;
		if (takes != !fnmatch(glob, text, 0))
			fail_msg("'%s' and '%s': %d", glob, text, takes);
	}
	assert_true(tried > 99991 && taken > 997);
}

/* What would take fnmatch() longer than anybody waits. */
static void stars_cost_no_more_than_bytes(void **state)
{
	static char glob[1001], text[4096];
	clock_t begin = clock();

	(void)state;
	for (size_t i = 0; i < 500; i++)
		memcpy(glob + 2 * i, "*a", 2);
	glob[1000] = 'b';
	memset(text, 'a', sizeof(text));
	assert_false(names_glob_takes((struct bytes){glob, 1001}, (struct bytes){text, 4096}));
	assert_true(clock() - begin < CLOCKS_PER_SEC);
}

static void the_first_rule_that_takes_a_path_names_it(void **state)
{
	static const char text[] = "\xef\xbb\xbf# a comment\r\n"
				   "\n"
				   "  python[23]* python = Python\r\n"
				   "pw.x\tcp.x\t=\tQuantum ESPRESSO  \n"
				   "*/bin/special = By its path\n"
				   "special lib*.so = Special\n"
				   "p* = Something with p\n"
				   "/opt/exact/file = Exact\n"
				   "not-this* = -\n"
				   "x=y = Equals\n"
				   "*.exe = Any exe\n"
				   "?? = Two\n"
				   "last = Last";
	static const struct {
		const char *path, *name; /* NULL: no rule */
		unsigned int line;
	} cases[] = {
		{"/usr/bin/python3.11", "Python", 3},
		{"/home/u/venv/bin/python", "Python", 3},
		{"python2", "Python", 3},
		{"/usr/bin/python3.11/other", NULL, 0},
		{"/x/pw.x", "Quantum ESPRESSO", 4},
		{"/x/bin/special", "By its path", 5},
		{"/x/special", "Special", 6},
		{"/x/libz.so", "Special", 6},
		{"/x/perl", "Something with p", 7},
		{"/opt/exact/file", "Exact", 8},
		{"/opt/exact/file2", NULL, 0},
		{"/x/not-this-one", "", 9},
		{"/x/x=y", "Equals", 10},
		{"/x/a.exe", "Any exe", 11},
		{"/x/ab", "Two", 12},
		{"/x/last", "Last", 13},
		{"/x/p*", "Something with p", 7}, /* looks like a pattern */
		{"/x/python[23]*", "Something with p", 7},
		{"/x/", NULL, 0},
		{"/", NULL, 0},
	};
	struct names_rules *rules;
	struct names_rule found;

	(void)state;
	assert_int_equal(read_rules(bytes_of(text), &rules), 0);
	assert_int_equal(names_rules_count(rules), 14);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		bool is_found = names_rules_find(rules, bytes_of(cases[i].path), &found);

		if (is_found != (cases[i].name != NULL))
			fail_msg("%s: %d", cases[i].path, is_found);
		if (!is_found)
			continue;
		assert_int_equal(found.name.len, strlen(cases[i].name));
		assert_memory_equal(found.name.data, cases[i].name, found.name.len);
		assert_int_equal(found.line, cases[i].line);
	}
	names_rules_free(rules);
}

static void wrong_rules_are_told_with_their_lines(void **state)
{
	static const struct {
		const char *text, *why; /* a part of it */
	} cases[] = {
		{"python Python", "f:1: the line has no = with a blank on each side"},
		{"\n\na =", "f:3: the name is missing behind the =; - stands for none"},
		{"a = \n", "f:1: the name is missing"},
		{"= a", "f:1: the line has no ="},
		{"  = a", "f:1: the line has no ="},
		{"[a = b", "f:1: [a has a [ without its ]; a plain one is \\["},
		{"a\\ = b", "f:1: a\\ ends with a \\"},
		{"[[:x:]] = b", "f:1: [[:x:]] has a class in its [ ] that is not known"},
		{"bin/a = b", "f:1: bin/a is held against whole paths"},
		{"a b = c\nd b = e", "f:2: b stands in line 1 already, which decides; remove one"},
		{"a = \xff", "is not UTF-8"},
		{"a = b\x1b[0m", "has a control character"},
		{"a = 12345678901234567890123456789012345678901234567890123456789012345",
		 "is longer than 64 bytes"},
	};
	static char big[2 * NAMES_RULE_LINE_MAX];
	struct names_rules *rules;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(read_rules(bytes_of(cases[i].text), &rules), -EINVAL);
		if (!strstr(complaints_text, cases[i].why))
			fail_msg("%s: %s", cases[i].text, complaints_text);
	}
	assert_int_equal(read_rules((struct bytes){"a\0b = c", 7}, &rules), -EINVAL);
	assert_non_null(strstr(complaints_text, "NUL byte"));
	memset(big, 'a', sizeof(big));
	assert_int_equal(read_rules((struct bytes){big, sizeof(big)}, &rules), -EINVAL);
	assert_non_null(strstr(complaints_text, "longer than 4096 bytes"));
	memcpy(big + 1025, " = a", 5);
	assert_int_equal(read_rules(bytes_of(big), &rules), -EINVAL);
	assert_non_null(strstr(complaints_text, "longer than 1024 bytes"));
	assert_int_equal(read_rules(bytes_of(""), &rules), 0);
	names_rules_free(rules);
}

static char *many_rules(const char *format, int count)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	for (int i = 0; i < count; i++)
		fprintf(out, format, i);
	fclose(out);
	return text;
}

/* Nanoseconds for a path of which the last rule, if any, tells the name. */
static double cost_of(const struct names_rules *rules, const char *path)
{
	struct names_rule found;
	clock_t begin = clock();

	for (int i = 0; i < 997; i++)
		(void)names_rules_find(rules, bytes_of(path), &found);
	return (double)(clock() - begin) * 1e9 / CLOCKS_PER_SEC / 997;
}

static void rules_are_many_and_fast(void **state)
{
	static const struct {
		const char *format, *path;
		double ns_max; /* ten times what was seen with -O0 and a sanitizer */
	} cases[] = {
		{"name%04d = N\n", "/usr/bin/name4095", 20000},
		{"pre%04d* = N\n", "/usr/bin/pre40959", 500000},
		{"/opt/some/%04d/* = N\n", "/opt/some/4095/bin/x", 2000000},
		{"*mid%04d* = N\n", "/usr/lib/x-mid4095-y.so", 20000000},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = many_rules(cases[i].format, NAMES_PATTERNS_MAX);
		_cleanup_free_ char *more = many_rules(cases[i].format, NAMES_PATTERNS_MAX + 1);
		struct names_rules *rules;
		struct names_rule found;
		double ns;

		assert_int_equal(read_rules(bytes_of(more), &rules), -EINVAL);
		assert_non_null(strstr(complaints_text, "than the 4096 of a file"));
		assert_int_equal(read_rules(bytes_of(text), &rules), 0);
		assert_true(names_rules_find(rules, bytes_of(cases[i].path), &found));
		assert_int_equal(found.line, 4096);
		ns = cost_of(rules, cases[i].path);
		print_message("# %.0f ns a path of 4096 patterns as %s", ns, cases[i].format);
		assert_true(ns < cases[i].ns_max);
		names_rules_free(rules);
	}
}

static void layouts_tell_names_and_versions(void **state)
{
	static const struct {
		const char *path;
		enum names_layout layout;
		const char *name, *version;
	} cases[] = {
		{"/apps/software/GROMACS/2023.3-foss-2023a/bin/gmx", NAMES_LAYOUT_EASYBUILD,
		 "GROMACS", "2023.3-foss-2023a"},
		{"/cvmfs/software.eessi.io/versions/2023.06/software/linux/x86_64/amd/zen2/"
		 "software/OpenFOAM/v2206-foss-2022a/bin/icoFoam",
		 NAMES_LAYOUT_EASYBUILD, "OpenFOAM", "v2206-foss-2022a"},
		{"/e/software/LAMMPS/stable_29Aug2024-foss-2023b-kokkos/bin/lmp",
		 NAMES_LAYOUT_EASYBUILD, "LAMMPS", "stable_29Aug2024-foss-2023b-kokkos"},
		{"/e/software/R-bundle-Bioconductor/3.16-foss-2022b-R-4.2.2/l/x.so",
		 NAMES_LAYOUT_EASYBUILD, "R-bundle-Bioconductor", "3.16-foss-2022b-R-4.2.2"},
		{"/e/software/Python/3.11.3-GCCcore-12.3.0/lib/software/Foo/1.0/x",
		 NAMES_LAYOUT_EASYBUILD, "Python", "3.11.3-GCCcore-12.3.0"},
		/* the folder itself is no file of it, and others are no versions */
		{"/e/software/GROMACS/2023.3-foss-2023a", NAMES_LAYOUT_NONE, NULL, NULL},
		{"/e/software/linux/x86_64/x", NAMES_LAYOUT_NONE, NULL, NULL},
		{"/e/software/GROMACS/bin/gmx", NAMES_LAYOUT_NONE, NULL, NULL},
		{"/e/mysoftware/GROMACS/2023.3/bin/gmx", NAMES_LAYOUT_NONE, NULL, NULL},
		{"/e/software/GRO MACS/2023.3/bin/gmx", NAMES_LAYOUT_NONE, NULL, NULL},
		{"/e/software/\xff/2023.3/bin/gmx", NAMES_LAYOUT_NONE, NULL, NULL},
		{"/e/software/..//2023.3/bin/gmx", NAMES_LAYOUT_NONE, NULL, NULL},
		{"/s/opt/spack/linux-rocky9-zen3/gcc-12.2.0/gromacs-2023.3-" HASH "/bin/gmx",
		 NAMES_LAYOUT_SPACK, "gromacs", "2023.3"},
		{"/s/linux-zen3/py-numpy-1.24.2-" HASH "/l/x.so", NAMES_LAYOUT_SPACK, "py-numpy",
		 "1.24.2"},
		{"/s/font-bh-100dpi-1.0.3-" HASH "/x", NAMES_LAYOUT_SPACK, "font-bh-100dpi",
		 "1.0.3"},
		{"/s/thing-2016-11-17-" HASH "/x", NAMES_LAYOUT_SPACK, "thing", "2016-11-17"},
		{"/s/thing-1.0-rc1-" HASH "/x", NAMES_LAYOUT_SPACK, "thing", "1.0-rc1"},
		{"/s/gcc-runtime-develop-" HASH "/x", NAMES_LAYOUT_SPACK, "gcc-runtime", "develop"},
		{"/s/openjdk-11.0.17_8-" HASH "/x", NAMES_LAYOUT_SPACK, "openjdk", "11.0.17_8"},
		{"/s/gromacs-2023.3-" HASH, NAMES_LAYOUT_NONE, NULL, NULL},
		{"/s/gromacs-2023.3-" HASH "x/x", NAMES_LAYOUT_NONE, NULL, NULL},
		{"/s/gromacs-2023.3-ABCDEFGHIJKLMNOPQRSTUVWXYZ234567/x", NAMES_LAYOUT_NONE, NULL,
		 NULL},
		{"/s/gromacs-" HASH "/x", NAMES_LAYOUT_NONE, NULL, NULL},
		{"/s/-1-" HASH "/x", NAMES_LAYOUT_NONE, NULL, NULL},
		{"/s/a--" HASH "/x", NAMES_LAYOUT_NONE, NULL, NULL},
		{"/s/1-2-3-" HASH "/x", NAMES_LAYOUT_SPACK, "1", "2-3"},
		{"", NAMES_LAYOUT_NONE, NULL, NULL},
		{"software/A/1/x", NAMES_LAYOUT_NONE, NULL, NULL},
		{"/", NAMES_LAYOUT_NONE, NULL, NULL},
		{"/software/A/1/x", NAMES_LAYOUT_EASYBUILD, "A", "1"},
	};
	struct bytes name, version;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		enum names_layout layout =
			names_layout_of(bytes_of(cases[i].path), &name, &version);

		if (layout != cases[i].layout)
			fail_msg("%s: %d", cases[i].path, layout);
		if (!layout)
			continue;
		assert_int_equal(name.len, strlen(cases[i].name));
		assert_memory_equal(name.data, cases[i].name, name.len);
		if (version.len != strlen(cases[i].version) ||
		    memcmp(version.data, cases[i].version, version.len) != 0)
			fail_msg("%s: %.*s", cases[i].path, (int)version.len, version.data);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_take_what_they_should),
		cmocka_unit_test(patterns_are_as_fnmatch_has_them),
		cmocka_unit_test(stars_cost_no_more_than_bytes),
		cmocka_unit_test(the_first_rule_that_takes_a_path_names_it),
		cmocka_unit_test(wrong_rules_are_told_with_their_lines),
		cmocka_unit_test(rules_are_many_and_fast),
		cmocka_unit_test(layouts_tell_names_and_versions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
