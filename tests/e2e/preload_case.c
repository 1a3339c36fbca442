// SPDX-License-Identifier: BSD-2-Clause
/*
 * preload_case MODE [ARG...]: a program in a state that a preloaded library could spoil, or that
 * could spoil the library. What it prints and how it ends must be the same with and without it.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static void limit(int resource, rlim_t value)
{
	setrlimit(resource, &(struct rlimit){value, value});
}

/* Calls for which the filter gives `what`; all_but: for all others. */
static void filter(const int *calls, size_t count, unsigned int what, int all_but)
{
	struct sock_filter code[64] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))};
	unsigned short n = 1;

	for (size_t i = 0; i < count; i++) {
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i], 0, 1);
		code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
							 all_but ? SECCOMP_RET_ALLOW : what);
	}
	code[n++] =
		(struct sock_filter)BPF_STMT(BPF_RET | BPF_K, all_but ? what : SECCOMP_RET_ALLOW);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &(struct sock_fprog){n, code}))
		perror("seccomp");
}

static int again(char **argv)
{
	execv("/proc/self/exe", argv);
	return 111;
}

/* --- what is there at main's begin */

static void print_descriptors(void)
{
	for (int fd = 0; fd < 256; fd++) {
		char path[64], target[256];
		struct stat st;
		int flags = fcntl(fd, F_GETFD);

		if (flags < 0)
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		memset(target, 0, sizeof(target));
		if (readlink(path, target, sizeof(target) - 1) < 0)
			strcpy(target, "?");
		printf("fd %d %d %o %s\n", fd, flags, fstat(fd, &st) ? 0 : st.st_mode,
		       strncmp(target, "pipe:", 5) ? target : "pipe");
	}
}

static int state(int errno_at_begin)
{
	sigset_t mask;

	printf("errno %d\n", errno_at_begin);
	for (int number = 1; number < 65; number++) {
		struct sigaction action;

		if (!sigaction(number, NULL, &action))
			printf("signal %d %p %x\n", number, (void *)action.sa_handler,
			       action.sa_flags);
	}
	sigprocmask(SIG_BLOCK, NULL, &mask);
	for (int number = 1; number < 65; number++)
		if (sigismember(&mask, number) == 1)
			printf("blocked %d\n", number);
	for (char **entry = environ; *entry; entry++)
		if (strncmp(*entry, "LD_PRELOAD=", 11) && strncmp(*entry, "RUNMARK_", 8))
			printf("env %s\n", *entry);
	print_descriptors();
	printf("umask %o dumpable %d name %d\n", umask(0), prctl(PR_GET_DUMPABLE),
	       prctl(PR_GET_PDEATHSIG, &(int){0}));
	return 0;
}

/* --- processes and threads */

static int fork_copies(int raw)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	for (int i = 0; i < 5; i++) {
		pid_t pid = raw ? (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) : fork();
		int status;

		if (!pid)
			exit(20 + i);
		waitpid(pid, &status, 0);
		printf("copy %d\n", WEXITSTATUS(status));
	}
	puts("all");
	getchar(); /* till whoever watches has looked */
	return 6;
}

static int vfork_children(char *self)
{
	int status;
	pid_t pid = vfork();

	if (!pid)
		_exit(3);
	waitpid(pid, &status, 0);
	printf("vfork %d\n", WEXITSTATUS(status));
	pid = vfork();
	if (!pid) {
		execl(self, self, "say", "child", NULL);
		_exit(4);
	}
	waitpid(pid, &status, 0);
	printf("exec %d\n", WEXITSTATUS(status));
	return 5;
}

static void *spin(void *arg)
{
	for (;;)
		getppid();
	return arg;
}

static void *leave(void *arg)
{
	exit(arg ? 13 : 12);
}

static void *wait_and_return(void *arg)
{
	usleep(100000);
	puts("last thread");
	return arg;
}

static int threads(const char *how)
{
	pthread_t thread;

	if (!strcmp(how, "busy")) {
		for (int i = 0; i < 7; i++)
			pthread_create(&thread, NULL, spin, NULL);
		usleep(20000);
		return 11;
	}
	if (!strcmp(how, "other")) {
		pthread_create(&thread, NULL, leave, NULL);
		pthread_join(thread, NULL);
		return 1;
	}
	pthread_create(&thread, NULL, wait_and_return, NULL);
	pthread_exit(NULL);
}

static void *open_library(void *path)
{
	return dlopen(path, RTLD_NOW);
}

/* One stays, one is closed again. */
static int open_libraries(char *stays, char *goes)
{
	pthread_t thread;
	void *found, *other;

	getchar(); /* till whoever watches is ready */
	pthread_create(&thread, NULL, open_library, stays);
	pthread_join(thread, &found);
	other = dlopen(goes, RTLD_NOW);
	printf("%d %d %d\n", !!found, !!other, other ? dlclose(other) : -1);
	return 0;
}

/* --- calls that are forbidden */

static const int for_loading[] = {
	SYS_execve,	     SYS_brk,	 SYS_mmap,	 SYS_openat,	 SYS_read,
#ifdef SYS_newfstatat
	SYS_newfstatat,
#endif
	SYS_close,	     SYS_access, SYS_pread64,	 SYS_arch_prctl, SYS_set_tid_address,
	SYS_set_robust_list, SYS_rseq,	 SYS_mprotect,	 SYS_prlimit64,	 SYS_munmap,
	SYS_getrandom,	     SYS_write,	 SYS_exit_group,
};
static const int no_prctl[] = {SYS_prctl, SYS_socket, SYS_connect, SYS_sendmsg};
static const int to_end[] = {SYS_exit_group};
static const int to_write[] = {SYS_exit_group, SYS_write};
static const int opening[] = {SYS_openat, SYS_open};

static int forbid(const char *what, char **argv)
{
	if (!strcmp(what, "inherit-kill")) {
		filter(for_loading, COUNT(for_loading), SECCOMP_RET_KILL_PROCESS, 1);
		return again(argv);
	}
	if (!strcmp(what, "inherit-errno")) {
		filter(no_prctl, COUNT(no_prctl), SECCOMP_RET_ERRNO | EPERM, 0);
		return again(argv);
	}
	if (!strcmp(what, "openat"))
		filter(opening, COUNT(opening), SECCOMP_RET_KILL_PROCESS, 0);
	else if (!strcmp(what, "all"))
		filter(to_end, COUNT(to_end), SECCOMP_RET_KILL_PROCESS, 1);
	else if (!strcmp(what, "write"))
		filter(to_write, COUNT(to_write), SECCOMP_RET_KILL_PROCESS, 1);
	else
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
	if (!strcmp(what, "strict-exit"))
		syscall(SYS_exit, 14);
	return 15;
}

static void close_standard(void)
{
	for (int fd = 0; fd < 3; fd++)
		close(fd);
}

int main(int argc, char **argv)
{
	int errno_at_begin = errno;
	char *mode = argc > 1 ? argv[1] : "say";
	static char *say[] = {"say", "say", "again", NULL};

	if (!strcmp(mode, "state"))
		return state(errno_at_begin);
	if (!strcmp(mode, "fork"))
		return fork_copies(argc > 2);
	if (!strcmp(mode, "vfork"))
		return vfork_children(argv[0]);
	if (!strcmp(mode, "threads"))
		return threads(argv[2]);
	if (!strcmp(mode, "dlopen"))
		return open_libraries(argv[2], argv[3]);
	if (!strcmp(mode, "seccomp"))
		return forbid(argv[2], say);
	if (!strcmp(mode, "fsize")) {
		limit(RLIMIT_FSIZE, strtol(argv[2], NULL, 10));
		return again(say);
	}
	if (!strcmp(mode, "closed")) {
		close_standard();
		limit(RLIMIT_NOFILE, 1); /* the loader needs one */
		return again(say);
	}
	if (!strcmp(mode, "nofile")) {
		limit(RLIMIT_NOFILE, 0);
		return 9;
	}
	if (!strcmp(mode, "no-arguments")) {
		execve("/proc/self/exe", (char *[]){NULL}, environ);
		return 111;
	}
	if (!strcmp(mode, "wait")) {
		puts("waiting");
		fflush(stdout);
		getchar();
		return 0;
	}
	if (!strcmp(mode, "crash")) {
		getchar();
		abort();
	}
	printf("%s:", mode);
	for (int i = 2; i < argc; i++)
		printf(" %.64s", argv[i]);
	puts("");
	return 7;
}
