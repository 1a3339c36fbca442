// SPDX-License-Identifier: BSD-2-Clause
/* soak SECONDS WORKERS PROGRAM: so many workers start PROGRAM "soak-WORKER-NUMBER", one after the
 * other, for so long. Prints how many each has started. */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static int work(int worker, double seconds, char *program)
{
	double end = now() + seconds;
	char name[64];
	char *argv[] = {program, name, NULL};
	long count = 0;
	int status;
	pid_t pid;

	for (; now() < end; count++) {
		snprintf(name, sizeof(name), "soak-%d-%ld", worker, count);
		if (posix_spawn(&pid, program, NULL, NULL, argv, environ) ||
		    waitpid(pid, &status, 0) != pid || status)
			return 1;
	}
	printf("%d %ld\n", worker, count);
	fflush(stdout);
	return 0;
}

int main(int argc, char **argv)
{
	int workers = argc > 3 ? atoi(argv[2]) : 0, status, failed = !workers;

	for (int i = 0; i < workers; i++)
		if (!fork())
			_exit(work(i, atof(argv[1]), argv[3]));
	while (wait(&status) > 0)
		failed |= status;
	return failed ? 1 : 0;
}
