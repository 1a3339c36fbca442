/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/PID/stat: as the kernel makes it, whatever the program calls itself; cut at every byte. */
#include "tests/unit/unit.h"

#include "common/proc_stat.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

/* Fields 4 to 52, of which flags and threads vary. */
#define REST(flags, threads)                                                                       \
	" 13 17 17 0 -1 " #flags " 101 103 107 109 113 127 131 137 20 -5 " #threads " 0 "          \
	"1234567890123 139 149 18446744073709551615 0 0 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 0 0 0 " \
	"4096 4100 4200 5000 9\n"
#define SLEEPS REST(4194304, 3)

static void names_and_states(void **state)
{
	static const struct {
		const char *text, *comm;
		char state;
		bool is_zombie, is_exiting;
	} cases[] = {
		{"19 (sh) S" SLEEPS, "sh", 'S', false, false},
		{"19 () R" SLEEPS, "", 'R', false, false},
		{"19 () R 1 () R" SLEEPS, ") R 1 (", 'R', false, false},
		{"19 ()) Z 2) D" SLEEPS, ")) Z 2", 'D', false, false},
		{"19 ((((() S" SLEEPS, "((((", 'S', false, false},
		{"19 (a b\n\t\\) S" SLEEPS, "a b\n\t\\", 'S', false, false},
		{"19 (\xff\x01%n%s) S" SLEEPS, "\xff\x01%n%s", 'S', false, false},
		{"19 (kworker/u16:3-events_unbound) I" SLEEPS, "kworker/u16:3-e", 'I', false,
		 false},
		{"19 (sh) S" REST(4194308, 3), "sh", 'S', false, true},
		{"19 (sh) Z" REST(4194308, 1), "sh", 'Z', true, true},
		{"19 (sh) X" REST(4194308, 1), "sh", 'X', true, true},
	};
	struct proc_stat stat;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(proc_stat_parse(cases[i].text, &stat), 0);
		assert_string_equal(stat.comm, cases[i].comm);
		assert_int_equal(stat.state, cases[i].state);
		assert_int_equal(stat.is_zombie, cases[i].is_zombie);
		assert_int_equal(stat.is_exiting, cases[i].is_exiting);
		assert_int_equal(stat.pid, 19);
		assert_int_equal(stat.ppid, 13);
	}
}

static void every_field(void **state)
{
	struct proc_stat stat;

	(void)state;
	assert_int_equal(proc_stat_parse("4194303 (sh) S" SLEEPS, &stat), 0);
	assert_int_equal(stat.pid, 4194303);
	assert_int_equal(stat.minor_faults, 101);
	assert_int_equal(stat.major_faults, 107);
	assert_int_equal(stat.user_ticks, 113);
	assert_int_equal(stat.system_ticks, 127);
	assert_int_equal(stat.threads, 3);
	assert_true(stat.start_ticks == 1234567890123);
	assert_int_equal(stat.argv_start, 4096);
	assert_int_equal(stat.argv_end, 4100);
	assert_int_equal(stat.env_start, 4200);
	assert_int_equal(stat.env_end, 5000);
	assert_int_equal(stat.wait_status, 9);
}

static void what_is_none(void **state)
{
	static const char *const texts[] = {
		"",
		")",
		"19",
		"19 (",
		"19 (sh",
		"19 (sh)",
		"19 )sh( S" SLEEPS,
		" (sh) S" SLEEPS,
		"x (sh) S" SLEEPS,
		"-19 (sh) S" SLEEPS,
		"2147483648 (sh) S" SLEEPS,
		"18446744073709551616 (sh) S" SLEEPS,
		"19(sh) S" SLEEPS,
		"19 (sh)S" SLEEPS,
		"19 (sh) 5" SLEEPS,
		"19 (sh) S S" SLEEPS,
		"19 (sh) S -1" SLEEPS,
		"19 (sh) S 2147483648" SLEEPS,
		"19 (sh) S 1  2" SLEEPS,
		"19 (sh) S 1\n2" SLEEPS,
		"19 (sh) S 1 - 2" SLEEPS,
		"19 (sh) S 1 +2" SLEEPS,
		"19 (sh) S 1 0x2" SLEEPS,
		"19 (sh) S 1 18446744073709551616" SLEEPS,
		"19 (sh) S 1 -18446744073709551616" SLEEPS,
	};
	struct proc_stat stat = {.pid = 7, .wait_status = 11};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (proc_stat_parse(texts[i], &stat) != -EBADMSG)
			fail_msg("taken: %s", texts[i]);
	assert_int_equal(stat.pid, 7);
	assert_int_equal(stat.wait_status, 11);
}

/* Somebody waited for it while the kernel wrote, who had taken its state before. */
static void half_of_it(void **state)
{
	static const char text[] =
		"19 (sh) X 0 0 0 0 -1 4194308 0 0 0 0 0 0 0 0 20 0 0 0 1234567890 "
		"0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0\n";
	struct proc_stat stat = {.pid = 7};

	(void)state;
	assert_int_equal(proc_stat_parse(text, &stat), -ESRCH);
	assert_int_equal(stat.pid, 7);
}

/* Up to its last field's only digit. */
static void cut_anywhere(void **state)
{
	char text[] = "19 (s) R 1 (h) S" SLEEPS;
	struct proc_stat stat;

	(void)state;
	for (size_t len = sizeof(text) - 2; len--;) {
		text[len] = '\0';
		assert_int_equal(proc_stat_parse(text, &stat), -EBADMSG);
	}
}

/* Of a real process, which ends. */
static void the_kernels_own(void **state)
{
	static const char name[] = ") R 1 (";
	struct proc_stat stat;
	char path[32], byte;
	siginfo_t info;
	int fds[2];
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, name);
		if (write(fds[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(fds[0], &byte, 1), 1);
	close(fds[0]);
	close(fds[1]);
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	assert_int_equal(proc_stat_read(AT_FDCWD, path, &stat), 0);
	assert_string_equal(stat.comm, name);
	assert_int_equal(stat.pid, pid);
	assert_int_equal(stat.ppid, getpid());
	assert_int_equal(stat.threads, 1);
	assert_true(stat.start_ticks && stat.argv_start < stat.argv_end);
	assert_false(stat.is_exiting);
	kill(pid, SIGTERM);
	assert_int_equal(waitid(P_PID, pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(proc_stat_read(AT_FDCWD, path, &stat), 0);
	assert_true(stat.is_zombie && stat.is_exiting);
	assert_string_equal(stat.comm, name);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(proc_stat_read(AT_FDCWD, path, &stat), -ESRCH);
	assert_int_equal(proc_stat_read(AT_FDCWD, "/proc/self/comm", &stat), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_states), cmocka_unit_test(every_field),
		cmocka_unit_test(what_is_none),	    cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(the_kernels_own),  cmocka_unit_test(half_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
