// SPDX-License-Identifier: BSD-2-Clause
/* Reading of /proc: lines as the kernel makes them, also with hostile names; a process as it is. */
#include "tests/unit/unit.h"
#include "daemon/scan_read.h"

static void lines_of_maps(void **state)
{
	static const struct {
		const char *line, *path;
		uint64_t inode;
		uint32_t device;
		bool is_executable;
	} cases[] = {
		{"7f00-7f10 r-xp 00001000 fe:00 1234     /usr/lib/a b.so\n", "/usr/lib/a b.so",
		 1234, 0xfe << 20, true},
		{"7f00-7f10 r--p 00000000 08:11 7 /x (deleted)\n", "/x (deleted)", 7, 8 << 20 | 17,
		 false},
		{"7f00-7f10 rwxs 00000000 103:fffff 18446744073709551615 /\\012", "/\\012",
		 UINT64_MAX, 0x103u << 20 | 0xfffff, true},
		{"7f00-7f10 r-xp 00000000 00:00 0 [vdso]\n", NULL, 0, 0, false},
		{"7f00-7f10 rw-p 00000000 00:00 0 \n", NULL, 0, 0, false},
		{"7f00-7f10 r-xp 00000000 fe:00 5 anon_inode:x\n", NULL, 0, 0, false},
		{"rest of a line that was too long\n", NULL, 0, 0, false},
		{"7f00-7f10 r-xp 0 fe:00", NULL, 0, 0, false},
		{"", NULL, 0, 0, false},
	};
	struct scan_line line = {};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(scan_line_parse(cases[i].line, &line), !!cases[i].path);
		if (!cases[i].path)
			continue;
		assert_int_equal(line.path.len, strlen(cases[i].path));
		assert_memory_equal(line.path.data, cases[i].path, line.path.len);
		assert_true(line.inode == cases[i].inode);
		assert_int_equal(line.device, cases[i].device);
		assert_int_equal(line.is_executable, cases[i].is_executable);
	}
}

static void a_process_is_read_whole(void **state)
{
	struct scan_read *s = calloc(1, sizeof(*s));
	char exe[PATH_MAX_BYTES];
	ssize_t len = readlink("/proc/self/exe", exe, sizeof(exe));

	(void)state;
	s->pid = getpid();
	s->wanted = SCAN_ALL;
	scan_read(s);
	assert_int_equal(s->done, SCAN_ALL);
	assert_true(s->is_program && !s->is_deleted);
	assert_int_equal(s->ppid, getppid());
	assert_int_equal(s->uid, getuid());
	assert_int_equal(s->exe.len, len);
	assert_memory_equal(s->exe_data, exe, len);
	assert_int_not_equal(s->program.inode, 0);
	assert_true(s->maps_count > 1 && !s->has_more_maps);
	assert_true(s->argv.len && !s->argv.is_partial && !s->argv.is_cut);
	assert_false(s->env.is_partial);
	scan_read_done(s);
	memset(s, 0, sizeof(*s));
	s->pid = 0x7fffffff; /* there is none */
	s->wanted = SCAN_ALL;
	scan_read(s);
	assert_int_equal(s->done, SCAN_STATUS);
	assert_false(s->is_program);
	scan_read_done(s);
	free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_of_maps),
		cmocka_unit_test(a_process_is_read_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
