// SPDX-License-Identifier: BSD-2-Clause
/* ending INDEX "exit N"|"signal N": ends that way. */
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int n = 0;

	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	if (argc > 2 && sscanf(argv[2], "signal %d", &n) == 1) {
		signal(n, SIG_DFL);
		kill(getpid(), n);
	}
	if (argc > 2 && sscanf(argv[2], "exit %d", &n) == 1)
		_exit(n);
	return 0;
}
