/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A linker for tests: writes what it was called with to the files argv and environ, behaves as the
 * file mode in the current folder says, and becomes the real linker, if it comes that far.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

static void save(const char *path, char **texts)
{
	FILE *file = fopen(path, "w");

	for (; file && *texts; texts++)
		fwrite(*texts, 1, strlen(*texts) + 1, file);
	if (file)
		fclose(file);
}

static void leave(int signal)
{
	(void)signal;
	_exit(3);
}

static void be_killed_later(const char *mode)
{
	FILE *file = fopen("pid.new", "w");

	if (!strcmp(mode, "sleep and leave"))
		signal(SIGTERM, leave);
	fprintf(file, "%d\n", getpid());
	fclose(file);
	rename("pid.new", "pid");
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	int is_augmented = argc > 1 && strstr(argv[argc - 1], "placeholder") != NULL;
	char mode[64] = "";
	FILE *file = fopen("mode", "r");

	if (file) {
		if (!fgets(mode, sizeof(mode), file))
			mode[0] = '\0';
		fclose(file);
	}
	save("environ", environ);
	save("argv", argv);
	if (!strncmp(mode, "sleep", 5))
		be_killed_later(mode);
	if (!strcmp(mode, "fail with it") && is_augmented) {
		fprintf(stderr, "fake: what is this?\n");
		return 1;
	}
	if (!strcmp(mode, "crash with it") && is_augmented) {
		fprintf(stderr, "fake: before the crash\n");
		raise(SIGSEGV);
	}
	if (!strcmp(mode, "crash"))
		raise(SIGSEGV);
	if (!strcmp(mode, "old") && argc > 1 && !strncmp(argv[1], "--dependency-file", 17)) {
		fprintf(stderr, "%s: unrecognized option '%s'\n", argv[0], argv[1]);
		return 1;
	}
	if (!strcmp(mode, "mention"))
		fprintf(stderr, "warning: last is %s\n", argv[argc - 1]);
	if (!strcmp(mode, "stdout"))
		printf("to standard output\n");
	if (!strcmp(mode, "both"))
		for (int i = 0; i < 3; i++) {
			printf("to standard output\n");
			fflush(stdout);
			fprintf(stderr, "to standard error\n");
		}
	if (!strcmp(mode, "long") || !strcmp(mode, "longer"))
		for (int i = 0; i < (mode[4] ? 20 : 15) * 1024; i++)
			fprintf(stderr, "%1023d\n", i);
	fflush(stdout);
	execv("/usr/bin/ld.bfd", argv);
	return 126;
}
