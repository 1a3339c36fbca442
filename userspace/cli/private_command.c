/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command: a child in our process group, so that the terminal's signals and job control mean
 * it as they would without us. What only we are sent is handed on; what the terminal sends has
 * reached it already.
 */
#include "cli/private.h"
#include "common/log.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#define EXIT_NOT_FOUND	127
#define EXIT_NOT_RUN	126
#define EXIT_SIGNAL	128
#define REAP_PAUSE_NS	(20 * NS_PER_MS) /* the daemon reads a zombie's status, if it is there */
#define LD_PRELOAD_NAME "LD_PRELOAD"

static const int handed_on[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM};

void private_signals_take(struct private_signals *ret)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN}, normal = {.sa_handler = SIG_DFL}, action;

	sigemptyset(&ret->taken);
	sigaddset(&ret->taken, SIGCHLD);
	for (size_t i = 0; i < ARRAY_SIZE(handed_on); i++)
		/* one that is ignored, by nohup(1) or for a background job, stays so */
		if (!sigaction(handed_on[i], NULL, &action) && action.sa_handler != SIG_IGN)
			sigaddset(&ret->taken, handed_on[i]);
	sigprocmask(SIG_BLOCK, &ret->taken, &ret->before);
	sigaction(SIGCHLD, &normal, &ret->child);
	sigaction(SIGPIPE, &ignore, &ret->pipe);
	sigaction(SIGXFSZ, &ignore, &ret->size);
}

void private_signals_restore(const struct private_signals *signals)
{
	sigaction(SIGCHLD, &signals->child, NULL);
	sigaction(SIGPIPE, &signals->pipe, NULL);
	sigaction(SIGXFSZ, &signals->size, NULL);
	sigprocmask(SIG_SETMASK, &signals->before, NULL);
}

/* The module behind what is preloaded already; once, where one is. */
static int set_preload(const char *library)
{
	const char *before = getenv(LD_PRELOAD_NAME);
	_cleanup_free_ char *both = NULL;

	if (!before || !*before)
		return setenv(LD_PRELOAD_NAME, library, true);
	if (strstr(before, "/librunmark.so"))
		return 0;
	if (asprintf(&both, "%s:%s", before, library) < 0) {
		both = NULL;
		return -1;
	}
	return setenv(LD_PRELOAD_NAME, both, true);
}

static int set_environment(const char *library, const struct private_folder *folder)
{
	_cleanup_free_ char *socket = private_folder_at(folder, PRIVATE_SOCKET);
	_cleanup_free_ char *files = private_folder_at(folder, PRIVATE_FILES);

	if (!socket || !files || setenv("RUNMARK_SOCKET", socket, true) ||
	    setenv("RUNMARK_SPOOL", files, true) || set_preload(library))
		return -ENOMEM;
	return 0;
}

/* The exit status where it can't be run. */
static int run(char **argv, const struct private_signals *signals, int *ret_error)
{
	private_signals_restore(signals);
	execvp(argv[0], argv);
	*ret_error = errno;
	return errno == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_RUN;
}

/* In the child. If we are gone before it begins, it does not begin. */
__attribute__((noreturn)) static void become(char **argv, int start_fd, int error_fd,
					     const struct private_signals *signals)
{
	char byte;
	int error, status;

	if (read(start_fd, &byte, 1) != 1)
		_exit(EXIT_NOT_RUN);
	status = run(argv, signals, &error);
	(void)!write(error_fd, &error, sizeof(error));
	_exit(status);
}

int private_command_become(char **argv, const struct private_signals *signals, int *ret_error)
{
	(void)prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0); /* an exec keeps it */
	return run(argv, signals, ret_error);
}

/* Negative errno, as it was before. */
static int pipes_close(const int first[2], const int second[2])
{
	int r = -errno;

	for (int i = 0; i < 2; i++) {
		close(first[i]);
		if (second)
			close(second[i]);
	}
	return r;
}

int private_command_fork(char **argv, const char *library, const struct private_folder *folder,
			 const struct private_signals *signals, struct private_command *ret)
{
	int start[2], error[2];

	*ret = (struct private_command){.start_fd = -1, .error_fd = -1};
	/* whom its descendants leave behind comes to us, and not to init, where none would count it
	 */
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	if (pipe2(start, O_CLOEXEC))
		return -errno;
	if (pipe2(error, O_CLOEXEC))
		return pipes_close(start, NULL);
	ret->pid = fork();
	if (ret->pid < 0)
		return pipes_close(start, error);
	if (!ret->pid) {
		close(start[1]);
		if (library && set_environment(library, folder) < 0)
			log_warn(-ENOMEM, "what runs will not be recorded");
		become(argv, start[0], error[1], signals);
	}
	close(start[0]);
	close(error[1]);
	ret->start_fd = start[1];
	ret->error_fd = error[0];
	return 0;
}

/* Of those that came to us. The command itself is left, and who is behind it waits. */
static bool reap_others(const struct private_command *command, struct private_daemon *daemon,
			const struct private_folder *folder, const struct private_signals *signals)
{
	const struct timespec pause = {.tv_nsec = REAP_PAUSE_NS};
	bool has_paused = false;
	siginfo_t info = {0};

	while (!waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) && info.si_pid) {
		if (info.si_pid == command->pid)
			return true;
		if (!has_paused)
			nanosleep(&pause, NULL);
		has_paused = true;
		waitid(P_PID, (id_t)info.si_pid, NULL, WEXITED | WNOHANG);
		if (info.si_pid == daemon->pid)
			private_daemon_is_gone(daemon, &info, folder, signals);
		info.si_pid = 0;
	}
	return !waitid(P_PID, (id_t)command->pid, &info, WEXITED | WNOHANG | WNOWAIT) &&
	       info.si_pid == command->pid;
}

/* Whoever presses ^C means the whole process group, and the kernel sends it to each. */
static bool is_for_us_alone(const siginfo_t *info)
{
	return info->si_code <= 0;
}

void private_command_wait(struct private_command *command, struct private_daemon *daemon,
			  const struct private_folder *folder,
			  const struct private_signals *signals)
{
	int error = 0;

	(void)!write(command->start_fd, "", 1);
	cleanup_close(&command->start_fd);
	if (read(command->error_fd, &error, sizeof(error)) != sizeof(error))
		error = 0;
	cleanup_close(&command->error_fd);
	command->error_fd = command->start_fd = -1;
	command->error = error;
	while (!reap_others(command, daemon, folder, signals)) {
		siginfo_t info;
		int number = sigwaitinfo(&signals->taken, &info);

		if (number <= 0 || number == SIGCHLD)
			continue;
		if (is_for_us_alone(&info))
			kill(command->pid, number);
	}
}

void private_command_reap(struct private_command *command)
{
	int status;

	if (waitpid(command->pid, &status, 0) != command->pid)
		command->status = EXIT_NOT_RUN;
	else
		command->status =
			WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_SIGNAL + WTERMSIG(status);
}
