// SPDX-License-Identifier: BSD-2-Clause
/* spawn COUNT SEED PROGRAM: starts PROGRAM that often, with argv, exit codes and signals that
 * follow from the seed, and prints what waitpid saw of each: "PID STATUS INDEX", status being the
 * raw wait status. */
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

int main(int argc, char **argv)
{
	static const int signals[] = {SIGKILL, SIGTERM, SIGSEGV, SIGABRT, SIGPIPE, SIGUSR1};
	long count = argc > 3 ? atol(argv[1]) : 0;
	unsigned int seed = argc > 3 ? atoi(argv[2]) : 0;

	for (long i = 0; i < count; i++) {
		unsigned int n = rand_r(&seed);
		char index[32], what[32];
		char *child_argv[] = {argv[3], index, what, NULL};
		int status;
		pid_t pid;

		snprintf(index, sizeof(index), "index-%ld", i);
		if (n % 5 == 0)
			snprintf(what, sizeof(what), "signal %d", signals[n / 5 % 6]);
		else
			snprintf(what, sizeof(what), "exit %u", n / 5 % 256);
		if (posix_spawn(&pid, argv[3], NULL, NULL, child_argv, environ) ||
		    waitpid(pid, &status, 0) != pid)
			return 1;
		printf("%d %d %ld %s\n", pid, status, i, what);
	}
	return 0;
}
