// SPDX-License-Identifier: BSD-2-Clause
/*
 * life WAY [ARG...]: a process that begins, changes or ends in that way, for node_life.t and
 * preload_life.t. Some ways only prepare it, and another one follows: "life close exit 3". Who does
 * something that only it can know says so: "pid NAME NUMBER" and the like on standard output.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#if __has_include(<linux/seccomp.h>)
#include <linux/filter.h>
#include <linux/seccomp.h>
#endif

static char **rest; /* the arguments behind the way's name */

static int live(char **words);

static int number(const char *text)
{
	return text ? atoi(text) : 0;
}

static void say(const char *what, const char *name, long value)
{
	char line[128];
	int len = snprintf(line, sizeof(line), "%s %s %ld\n", what, name, value);

	(void)!write(1, line, len);
}

static long used_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void burn_ms(long ms)
{
	long begin = used_us();

	while (used_us() - begin < ms * 1000)
		;
}

static void become(char **argv)
{
	execv(argv[0], argv);
	_exit(126);
}

/* --- ends */

static int end_exit(void)
{
	return number(rest[0]);
}

static int end_underscore_exit(void)
{
	_exit(number(rest[0]));
}

static void *idle(void *arg)
{
	pause();
	return arg;
}

static void *group_exit(void *arg)
{
	usleep(20000);
	syscall(SYS_exit_group, number(arg));
	return NULL;
}

static int end_exit_group(void) /* by a thread, while the leader and another wait */
{
	pthread_t t;

	pthread_create(&t, NULL, idle, NULL);
	pthread_create(&t, NULL, group_exit, rest[0]);
	pthread_join(t, NULL);
	return 99;
}

static void *exit_later(void *arg)
{
	usleep(50000);
	exit(number(arg));
}

static int end_leader_first(void)
{
	pthread_t t;

	pthread_create(&t, NULL, exit_later, rest[0]);
	syscall(SYS_exit, 0);
	return 99;
}

static int end_signal(void) /* NUMBER core|nocore */
{
	struct rlimit limit = {0, 0};

	getrlimit(RLIMIT_CORE, &limit);
	limit.rlim_cur = strcmp(rest[1], "core") ? 0 : limit.rlim_max;
	setrlimit(RLIMIT_CORE, &limit);
	signal(number(rest[0]), SIG_DFL);
	kill(getpid(), number(rest[0]));
	pause();
	return 99;
}

static int end_quick_exit(void)
{
	quick_exit(number(rest[0]));
}

static int end_abort(void)
{
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	abort();
}

static int end_crash(void)
{
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	*(volatile int *)(uintptr_t)number(rest[0]) = 1;
	return 99;
}

static int end_broken_pipe(void)
{
	int ends[2];

	(void)!pipe(ends);
	close(ends[0]);
	signal(SIGPIPE, SIG_DFL);
	(void)!write(ends[1], "x", 1);
	return 99;
}

static int end_beside_threads(void) /* CODE; they run on while it exits */
{
	pthread_t t;

	for (int i = 0; i < 3; i++)
		pthread_create(&t, NULL, idle, NULL);
	return number(rest[0]);
}

static int end_pthread_exit(void) /* CODE: of the thread that calls exit() */
{
	pthread_t t;

	pthread_create(&t, NULL, exit_later, rest[0]);
	pthread_exit(NULL);
}

static int end_out_of_memory(void)
{
	size_t size = 1 << 20;

	for (int i = 0; i < 4096; i++) {
		char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				    -1, 0);

		if (memory != MAP_FAILED)
			memset(memory, 1, size);
	}
	return 99;
}

static int end_sleep(void) /* until killed, or standard input ends */
{
	char c;

	say("ready", "pid", getpid());
	while (read(0, &c, 1) > 0)
		;
	return number(rest[0]);
}

/* --- copies */

static int copies(void) /* COUNT, each burns 20 ms */
{
	for (int i = 0; i < number(rest[0]); i++)
		if (!fork()) {
			burn_ms(20);
			_exit(i);
		}
	while (wait(NULL) > 0)
		;
	return 5;
}

static int copy_outlives(void)
{
	if (!fork()) {
		usleep(100000);
		_exit(3);
	}
	return 4;
}

/* copies of copies; each ends after the one it was copied from */
static int copies_outlive(void)
{
	for (int depth = 1; depth <= 3; depth++) {
		pid_t pid = fork();

		if (pid) {
			say("pid", (const char *[]){"", "child", "grandchild", "last"}[depth], pid);
			usleep((depth - 1) * 60000);
			_exit(10 + depth - 1);
		}
	}
	usleep(250000);
	_exit(13);
}

/* also how a daemon leaves: the copy that forked the one that stays ends first */
static int double_fork(void)
{
	pid_t pid = fork();

	if (pid) {
		say("pid", "child", pid);
		waitpid(pid, NULL, 0);
		return 0;
	}
	setsid();
	pid = fork();
	if (pid) {
		say("pid", "daemon", pid);
		_exit(0);
	}
	usleep(100000);
	if (rest[0])
		become(rest);
	_exit(6);
}

static int child_of_vfork(void)
{
	pid_t pid = vfork();

	if (!pid)
		become(rest);
	waitpid(pid, NULL, 0);
	return 0;
}

static int copy_cannot_exec(void)
{
	if (!fork()) {
		execl("/nonexistent/program", "x", NULL);
		execl("/etc/passwd", "x", NULL);
		_exit(127);
	}
	wait(NULL);
	return 0;
}

/* --- execs */

static int exec_next(void) /* burns 30 ms before */
{
	burn_ms(30);
	become(rest);
	return 99;
}

static void *exec_by_thread(void *arg)
{
	burn_ms(30);
	become(rest);
	return arg;
}

static int exec_thread(void)
{
	pthread_t t;

	pthread_create(&t, NULL, exec_by_thread, NULL);
	pause();
	return 99;
}

static int exec_memfd(void)
{
	int in = open(rest[0], O_RDONLY), out = memfd_create("life", MFD_CLOEXEC);
	char buffer[65536];
	ssize_t n;

	while ((n = read(in, buffer, sizeof(buffer))) > 0)
		(void)!write(out, buffer, n);
	fexecve(out, rest, environ);
	return 126;
}

static int exec_without_arguments(void)
{
	syscall(SYS_execve, rest[0], NULL, environ);
	return 126;
}

/* the tracer is not the parent */
static int exec_traced(void)
{
	int go[2], status;
	pid_t target, tracer;
	char c;

	(void)!pipe(go);
	target = fork();
	if (!target) {
		close(go[1]);
		(void)!read(go[0], &c, 1);
		become(rest);
	}
	tracer = fork();
	if (!tracer) {
		if (ptrace(PTRACE_SEIZE, target, NULL, (void *)PTRACE_O_TRACEEXEC))
			say("error", "ptrace", errno);
		close(go[0]);
		close(go[1]);
		while (waitpid(target, &status, __WALL) == target && WIFSTOPPED(status))
			ptrace(PTRACE_CONT, target, NULL, NULL);
		_exit(0);
	}
	close(go[0]);
	close(go[1]);
	say("pid", "target", target);
	say("pid", "tracer", tracer);
	while (wait(&status) > 0)
		;
	return 0;
}

/* --- changes of itself */

static int rename_itself(void)
{
	char *end = rest[0] + strlen(rest[0]);

	prctl(PR_SET_NAME, "disguised");
	for (char *at = rest[0]; at < end; at++)
		*at = 'X';
	return 0;
}

static int say_ids(void)
{
	char exe[4096];
	ssize_t len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	say("id", "uid", getuid());
	say("id", "euid", geteuid());
	say("id", "gid", getgid());
	say("id", "pid", getpid());
	printf("exe - %.*s\n", (int)(len < 0 ? 0 : len), exe);
	return 0;
}

/* --- what prepares for the way that follows */

static int with_library(void) /* PATH */
{
	if (!dlopen(rest[0], RTLD_NOW))
		printf("error dlopen %s\n", dlerror());
	return live(rest + 1);
}

/* what /proc says of it: "object - PATH" for each executable mapping of a file, "peak - KB"; and
 * what a guest in it could leave behind: a descriptor, a thread, a signal's handler */
static int with_telling(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	FILE *maps = fopen("/proc/self/maps", "re"), *status = fopen("/proc/self/status", "re");
	char line[4352], *path;
	long peak;

	while (maps && fgets(line, sizeof(line), maps)) {
		path = strchr(line, '/');
		if (path && strstr(line, " r-xp "))
			printf("object - %s", path);
	}
	while (status && fgets(line, sizeof(line), status))
		if (sscanf(line, "VmHWM: %ld", &peak) == 1)
			printf("peak - %ld\n", peak);
		else if (strstr("Threads SigPnd SigBlk SigIgn SigCgt", strtok(line, ":\n") ?: "?"))
			printf("status %s %s", line, line + strlen(line) + 1);
	say("free", "descriptor", fd);
	close(fd);
	fflush(stdout);
	if (maps)
		fclose(maps);
	if (status)
		fclose(status);
	return live(rest);
}

static int with_time(void) /* MILLISECONDS, for others to look at it */
{
	usleep(number(rest[0]) * 1000);
	return live(rest + 1);
}

static int without_environment(void)
{
	clearenv();
	return live(rest);
}

static int without_descriptors(void)
{
	syscall(SYS_close_range, 0, ~0U, 0);
	return live(rest);
}

static int with_limits(void) /* FSIZE NOFILE */
{
	setrlimit(RLIMIT_FSIZE, &(struct rlimit){number(rest[0]), number(rest[0])});
	setrlimit(RLIMIT_NOFILE, &(struct rlimit){number(rest[1]), number(rest[1])});
	return live(rest + 2);
}

static int without_call(void) /* NUMBER: of the system call that kills it from now on */
{
#ifdef SECCOMP_RET_KILL_PROCESS
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number(rest[0]), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER,
		  &(struct sock_fprog){sizeof(filter) / sizeof(*filter), filter}))
		say("error", "seccomp", errno);
#endif
	return live(rest + 1);
}

static const struct {
	const char *name;
	int (*way)(void);
} ways[] = {
	{"exit", end_exit},
	{"_exit", end_underscore_exit},
	{"exit_group", end_exit_group},
	{"leader-first", end_leader_first},
	{"signal", end_signal},
	{"quick_exit", end_quick_exit},
	{"abort", end_abort},
	{"crash", end_crash},
	{"broken-pipe", end_broken_pipe},
	{"beside-threads", end_beside_threads},
	{"pthread_exit", end_pthread_exit},
	{"out-of-memory", end_out_of_memory},
	{"sleep", end_sleep},
	{"copies", copies},
	{"copy-outlives", copy_outlives},
	{"copies-outlive", copies_outlive},
	{"double-fork", double_fork},
	{"vfork", child_of_vfork},
	{"cannot-exec", copy_cannot_exec},
	{"exec", exec_next},
	{"thread-exec", exec_thread},
	{"memfd", exec_memfd},
	{"no-arguments", exec_without_arguments},
	{"traced", exec_traced},
	{"rename", rename_itself},
	{"ids", say_ids},
	{"dlopen", with_library},
	{"tell", with_telling},
	{"linger", with_time},
	{"clearenv", without_environment},
	{"close", without_descriptors},
	{"limits", with_limits},
	{"forbid", without_call},
};

static int live(char **words)
{
	if (!words[0])
		return 0; /* by "no-arguments", or as an interpreter */
	rest = words + 1;
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
		if (!strcmp(ways[i].name, words[0]))
			return ways[i].way();
	return 2;
}

int main(int argc, char **argv)
{
	return argc ? live(argv + 1) : 0;
}
