/* SPDX-License-Identifier: BSD-2-Clause */
/* The search for the real linker: by name, past ourselves, round by round past those that may call
 * us again. */
#include "tests/unit/unit.h"

#include "ldwrap/linker.h"

#include "common/fs.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>

static char folder[] = "/tmp/runmark-linker-XXXXXX";

static void put(const char *path, const void *data, size_t len, mode_t mode)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0700);

	assert_true(fd >= 0);
	assert_int_equal(fs_write_all(fd, data, len), 0);
	assert_int_equal(fchmod(fd, mode), 0);
}

/* A file that starts like ELF and has words somewhere behind. */
static void put_elf(const char *path, const char *words, size_t at)
{
	_cleanup_free_ char *data = calloc(1, at + 256);

	memcpy(data, "\177ELF", 4);
	memcpy(data + at, words, strlen(words));
	put(path, data, at + 256, 0755);
}

static int set_up(void **state)
{
	static const char script[] = "#!/bin/sh\nexec ld \"$@\"\n";

	(void)state;
	if (!mkdtemp(folder) || chdir(folder) < 0)
		return -1;
	for (const char *name = "abcdefghi"; *name; name++) {
		char path[2] = {*name};

		if (mkdir(path, 0755) < 0)
			return -1;
	}
	put_elf("a/ld", LINKER_MARK, 1000);		    /* ourselves */
	put("b/ld", script, strlen(script), 0755);	    /* somebody's script */
	put("c/ld", script, strlen(script), 0755);	    /* another one */
	put_elf("d/ld", "GNU ld %s\n", 70000);		    /* a linker by its words */
	put_elf("e/x86-ld.bfd", "nothing", 100);	    /* by its name */
	put_elf("f/ld", "nothing", 100);		    /* an unknown program */
	put("g/ld", script, strlen(script), 0644);	    /* may not be run */
	put_elf("h/ld.gold", "(GNU Binutils) 2.41", 16380); /* across two reads */
	put_elf("i/ld", "GNU ld %s\n", 16380);
	return symlink("x86-ld.bfd", "e/ld") < 0 || mkdir("g/ld.bfd", 0755) < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "/bin/rm -rf %s", folder);
	return chdir("/") < 0 || system(command) ? -1 : 0;
}

/* "abd" as "a:b:d". */
static void set_path(const char *variable, const char *folders)
{
	char path[256] = "";

	for (size_t i = 0; folders[i]; i++)
		snprintf(path + strlen(path), sizeof(path) - strlen(path), "%s%s/%c", i ? ":" : "",
			 folder, folders[i]);
	setenv(variable, path, 1);
}

static int find(const char *name, const char *configured, bool is_by_path, struct linker_found *ret)
{
	struct linker linker = linker_by_name(name);

	return linker_find(&linker, configured, is_by_path ? name : NULL, NULL, ret);
}

static void test_search(void **state)
{
	static const struct {
		const char *compiler_path, *path, *rounds, *configured;
		const char *found; /* a letter: LETTER/ld */
		unsigned int next_round;
	} cases[] = {
		{"", "d", NULL, NULL, "d", 0},
		{"", "ad", NULL, NULL, "d", 0},
		{"", "aaaed", NULL, NULL, "e", 0},
		{"", "gd", NULL, NULL, "d", 0},
		{"d", "e", NULL, NULL, "d", 0},
		{"a", "ae", NULL, NULL, "e", 0},
		{"", "i", NULL, NULL, "i", 0},
		/* each round passes over one more of those that are no linker */
		{"", "abcd", NULL, NULL, "b", 1},
		{"", "abcd", "1", NULL, "c", 2},
		{"", "abcd", "2", NULL, "d", 0},
		{"", "afd", NULL, NULL, "f", 1},
		{"", "afd", "1", NULL, "d", 0},
		{"", "abcd", "77", NULL, "d", 0},
		{"", "abd", "x", NULL, "b", 1},
		{"", "abd", "-1", NULL, "d", 0},
		/* what the administrator names comes first, but for ourselves */
		{"", "d", NULL, "e/ld", "e", 0},
		{"", "d", NULL, "a/ld", "d", 0},
		{"", "d", NULL, "missing", "d", 0},
		{"", "d", NULL, "", "d", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct linker_found found;
		char wanted[64];

		set_path("COMPILER_PATH", cases[i].compiler_path);
		set_path("PATH", cases[i].path);
		if (cases[i].rounds)
			setenv(LINKER_ROUND_VARIABLE, cases[i].rounds, 1);
		else
			unsetenv(LINKER_ROUND_VARIABLE);
		assert_int_equal(find("/x/ld", cases[i].configured, true, &found), 0);
		snprintf(wanted, sizeof(wanted), "%s/%s/ld", folder, cases[i].found);
		if (cases[i].configured && !strcmp(cases[i].configured, "e/ld"))
			strcpy(wanted, "e/ld");
		assert_string_equal(found.path, wanted);
		assert_int_equal(found.rounds, cases[i].next_round);
		free(found.path);
		free(found.shown);
	}
	unsetenv(LINKER_ROUND_VARIABLE);
}

static void test_compiler_path_is_for_compilers(void **state)
{
	struct linker_found found;

	(void)state;
	set_path("COMPILER_PATH", "d");
	set_path("PATH", "e");
	assert_int_equal(find("ld", NULL, false, &found), 0);
	assert_non_null(strstr(found.path, "/e/ld"));
	free(found.path);
	free(found.shown);
}

static void test_another_linker_is_never_taken(void **state)
{
	struct linker_found found;

	(void)state;
	set_path("PATH", "bcdef");
	unsetenv("COMPILER_PATH");
	/* there is no other place for it than the system's */
	if (find("ld.gold", "e/ld", true, &found) == 0) {
		assert_string_equal(found.path, "/usr/bin/ld.gold");
		free(found.path);
		free(found.shown);
	}
	assert_string_equal(linker_by_name("/a/b/ld.lld").name, "ld.lld");
	assert_string_equal(linker_by_name("runmark-ld").name, "ld");
	assert_string_equal(linker_by_name("").name, "ld");
	assert_string_equal(linker_by_name(NULL).name, "ld");
	/* a cross linker is not ours to replace by a native one */
	assert_int_equal(find("aarch64-no-such-ld", "e/ld", false, &found), -ENOENT);
}

static void test_names(void **state)
{
	static const struct {
		const char *called, *name, *without_target;
		bool can_augment;
	} cases[] = {
		{"/x/aarch64-linux-gnu-ld", "aarch64-linux-gnu-ld", "ld", true},
		{"x86_64-linux-gnu-ld.bfd", "x86_64-linux-gnu-ld.bfd", "ld.bfd", true},
		{"i686-linux-gnu-ld.gold", "i686-linux-gnu-ld.gold", "ld.gold", true},
		{"/usr/lib/llvm-14/bin/ld.lld", "ld.lld", NULL, true},
		{"ld.lld-14", "ld.lld-14", NULL, true},
		{"ld64.lld", "ld64.lld", NULL, false},
		{"wasm-ld", "wasm-ld", "ld", true},
		{"lld-link", "lld-link", NULL, false},
		{"mold", "mold", NULL, false},
		{"fold", "fold", NULL, false},
		{"gold", "gold", NULL, false},
		{"-ld", "-ld", "ld", true},
		{"12", "12", NULL, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct linker linker = linker_by_name(cases[i].called);

		assert_string_equal(linker.name, cases[i].name);
		assert_int_equal(linker.can_augment, cases[i].can_augment);
		if (cases[i].without_target)
			assert_string_equal(linker.without_target, cases[i].without_target);
		else
			assert_null(linker.without_target);
	}
}

/* In a linker's place: the one that stood there, also behind links, and no other of its name. */
static void test_displaced(void **state)
{
	static const char *const called[] = {"j/ld", "j/link", "j/far", "j/twice"};
	struct linker_found found;

	(void)state;
	assert_int_equal(mkdir("j", 0755), 0);
	put_elf("j/ld", LINKER_MARK, 1000);
	put_elf("j/ld" LINKER_DISPLACED, "GNU ld %s\n", 100);
	assert_int_equal(symlink("ld", "j/link"), 0);
	assert_int_equal(symlink("../j/./link", "j/far"), 0);
	/* one wrapper's place taken by another */
	put_elf("j/twice", LINKER_MARK, 1000);
	assert_int_equal(symlink("far", "j/twice" LINKER_DISPLACED), 0);
	set_path("PATH", "d");
	unsetenv("COMPILER_PATH");
	for (size_t i = 0; i < ARRAY_SIZE(called); i++) {
		struct linker linker = linker_by_name("ld");

		assert_int_equal(linker_find(&linker, NULL, called[i], NULL, &found), 0);
		assert_non_null(strstr(found.path, "j/"));
		assert_non_null(strstr(found.path, "ld" LINKER_DISPLACED));
		assert_string_equal(found.shown, called[i]);
		assert_int_equal(found.rounds, 0);
		free(found.path);
		free(found.shown);
	}
	/* by its name from PATH, too */
	set_path("PATH", "ajd");
	assert_int_equal(find("ld", NULL, false, &found), 0);
	assert_non_null(strstr(found.path, "/j/ld" LINKER_DISPLACED));
	assert_non_null(strstr(found.shown, "/j/ld"));
	free(found.path);
	free(found.shown);
	/* links in a ring lead nowhere */
	assert_int_equal(symlink("ring", "j/ring"), 0);
	set_path("PATH", "d");
	assert_int_equal(find("j/ring", "", true, &found), -ENOENT);
}

/* clang, with us in its path, calls ld for any target. */
static void test_targets(void **state)
{
	static const struct {
		const char *const argv[6];
		const char *targets_start; /* NULL: none */
	} cases[] = {
		{{"ld", "-o", "x", "-m", "aarch64linux", NULL}, "aarch64-linux-gnu "},
		{{"ld", "-melf64lppc", "-o", "x", NULL}, "powerpc64le-"},
		{{"ld", "-m", "elf64_s390", "-m", "elf_x86_64", NULL}, NULL},
		{{"ld", "-o", "x", NULL}, NULL},
		{{"ld", "-m", NULL}, NULL},
	};
	struct linker linker = linker_by_name("/x/ld");
	struct linker_found found;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int argc = 0;
		const char *targets;

		while (cases[i].argv[argc])
			argc++;
		targets = linker_targets(argc, (char *const *)cases[i].argv);
		if (cases[i].targets_start)
			assert_ptr_equal(strstr(targets, cases[i].targets_start), targets);
		else
			assert_null(targets);
	}
	assert_int_equal(mkdir("k", 0755), 0);
	put_elf("k/two-ld", "GNU ld %s\n", 100);
	set_path("PATH", "dk");
	unsetenv("COLLECT_GCC");
	assert_int_equal(linker_find(&linker, NULL, "/x/ld", "one two", &found), 0);
	assert_non_null(strstr(found.path, "/k/two-ld"));
	free(found.path);
	free(found.shown);
	setenv("COLLECT_GCC", "gcc", 1);
	assert_int_equal(linker_find(&linker, NULL, "/x/ld", "one two", &found), 0);
	assert_non_null(strstr(found.path, "/d/ld"));
	free(found.path);
	free(found.shown);
	unsetenv("COLLECT_GCC");
}

static void test_odd_paths(void **state)
{
	static char path[PATH_MAX * 2 + 64];
	struct linker_found found;

	(void)state;
	memset(path, 'x', sizeof(path) - 64);
	snprintf(path + sizeof(path) - 64, 64, "::%s/d", folder);
	setenv("PATH", path, 1);
	assert_int_equal(find("ld", NULL, false, &found), 0);
	assert_non_null(strstr(found.path, "/d/ld"));
	free(found.path);
	free(found.shown);
	/* more folders than are looked into: the system's place is left */
	memset(path, ':', sizeof(path) - 1);
	setenv("PATH", path, 1);
	if (find("ld", NULL, false, &found) == 0) {
		assert_true(!strncmp(found.path, "/usr/bin/ld", 11));
		free(found.path);
		free(found.shown);
	}
}

static void test_version_is_in_the_file(void **state)
{
	struct linker_found found;
	char version[LINKER_VERSION_MAX];

	(void)state;
	set_path("PATH", "h");
	assert_int_equal(find("ld.gold", NULL, false, &found), 0);
	assert_true(linker_version(&found, version));
	assert_string_equal(version, "GNU gold (GNU Binutils) 2.41");
	free(found.path);
	free(found.shown);
	set_path("PATH", "d");
	assert_int_equal(find("ld", NULL, false, &found), 0);
	assert_false(linker_version(&found, version));
	free(found.path);
	free(found.shown);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_search),
		cmocka_unit_test(test_compiler_path_is_for_compilers),
		cmocka_unit_test(test_another_linker_is_never_taken),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_displaced),
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_odd_paths),
		cmocka_unit_test(test_version_is_in_the_file),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
