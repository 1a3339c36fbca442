/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The private runmarkd. It has a session of its own, since a ^C is not for it, and dies with us:
 * killed, we leave nothing behind that runs.
 */
#include "cli/control.h"
#include "cli/private.h"
#include "common/beside.h"
#include "common/fs.h"
#include "common/log.h"
#include "common/text.h"

#include <errno.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#define START_MAX_NS	  (60 * NS_PER_S) /* a slow machine verifies the kernel side for long */
#define FLUSH_MAX_MS	  60000
#define STOP_MAX_NS	  (30 * NS_PER_S)
#define PAUSE_NS	  (5 * NS_PER_MS)
#define RESTARTS_MAX	  3
#define LOG_MAX		  65536
#define DESCRIPTOR_STDERR 2

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static void take_pause(void)
{
	nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
}

void private_child_close(int error_fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
	}
	dup2(error_fd >= 0 ? error_fd : null, DESCRIPTOR_STDERR);
#ifdef SYS_close_range
	(void)syscall(SYS_close_range, DESCRIPTOR_STDERR + 1, ~0U, 0);
#endif
}

__attribute__((noreturn)) static void become(const char *program, const char *config, int log_fd,
					     pid_t below, pid_t parent,
					     const struct private_signals *signals)
{
	char number[16];
	const char *argv[] = {program, "--foreground",		 "--announce",		"--config",
			      config,  below ? "--below" : NULL, below ? number : NULL, NULL};

	snprintf(number, sizeof(number), "%d", below);
	setsid();
	private_signals_restore(signals);
	private_child_close(log_fd);
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
	if (getppid() != parent)
		_exit(EXIT_TROUBLE);
	execv(program, (char *const *)argv);
	_exit(EXIT_TROUBLE);
}

/* The last line it said, without its name. */
static char *last_words(const struct private_daemon *daemon)
{
	_cleanup_free_ char *text = NULL;
	char *line;
	size_t len;

	if (fs_read_file(AT_FDCWD, daemon->log, LOG_MAX, &text, &len) < 0 || !len)
		return NULL;
	while (len && text[len - 1] == '\n')
		text[--len] = '\0';
	line = strrchr(text, '\n');
	line = line ? line + 1 : text;
	if (!strncmp(line, "runmarkd: ", strlen("runmarkd: ")))
		line += strlen("runmarkd: ");
	return strdup(line);
}

static int say_failed(const struct private_daemon *daemon, int error, const char *what)
{
	_cleanup_free_ char *words = last_words(daemon);

	return log_err(error, "%s%s%s", what, words ? ": " : "", words ?: "");
}

static bool has_ended(const struct private_daemon *daemon)
{
	siginfo_t info = {0};

	return !waitid(P_PID, (id_t)daemon->pid, &info, WEXITED | WNOHANG | WNOWAIT) &&
	       info.si_pid == daemon->pid;
}

static bool is_signal_waiting(const struct private_signals *signals)
{
	sigset_t waiting;

	if (sigpending(&waiting))
		return false;
	sigandset(&waiting, &waiting, &signals->taken);
	sigdelset(&waiting, SIGCHLD);
	return !sigisemptyset(&waiting);
}

/* It answers as soon as it tracks. */
static int wait_ready(const struct private_daemon *daemon, const struct private_signals *signals)
{
	uint64_t until = now_ns() + START_MAX_NS;

	while (now_ns() < until) {
		cJSON *status = NULL;
		int r = control_ask(daemon->control, "status", &status);

		cJSON_Delete(status);
		if (!r)
			return 0;
		if (has_ended(daemon))
			return -ECHILD;
		if (is_signal_waiting(signals))
			return -EINTR;
		take_pause();
	}
	return -ETIMEDOUT;
}

static int spawn(struct private_daemon *daemon, const struct private_folder *folder,
		 const struct private_signals *signals)
{
	_cleanup_free_ char *program = NULL, *config = private_folder_at(folder, PRIVATE_CONFIG);
	_cleanup_close_ int log_fd = -1;
	pid_t parent = getpid();
	int r = beside_find(BESIDE_DAEMON, &program);

	if (r < 0)
		return log_err(r, "cannot find runmarkd beside this program");
	if (!daemon->control)
		daemon->control = private_folder_at(folder, PRIVATE_CONTROL);
	if (!daemon->log)
		daemon->log = private_folder_at(folder, PRIVATE_LOG);
	if (!config || !daemon->control || !daemon->log)
		return log_err(-ENOMEM, "cannot start runmarkd");
	log_fd = open(daemon->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	daemon->pid = fork();
	if (!daemon->pid)
		become(program, config, log_fd, daemon->below, parent, signals);
	if (daemon->pid > 0)
		return 0;
	daemon->pid = 0;
	return log_err(-errno, "cannot start runmarkd");
}

int private_daemon_start(struct private_daemon *daemon, const struct private_folder *folder,
			 pid_t below, const struct private_signals *signals)
{
	int r;

	daemon->below = below;
	r = spawn(daemon, folder, signals);

	if (r < 0)
		return r;
	r = wait_ready(daemon, signals);
	if (!r)
		return 0;
	if (r != -EINTR)
		say_failed(daemon, 0,
			   r == -ECHILD ? "runmarkd did not start" : "runmarkd does not answer");
	private_daemon_stop(daemon);
	return r;
}

void private_daemon_is_gone(struct private_daemon *daemon, const siginfo_t *end,
			    const struct private_folder *folder,
			    const struct private_signals *signals)
{
	bool is_again = daemon->restarts++ < RESTARTS_MAX;
	const char *next = is_again	   ? "it is started again"
			   : daemon->below ? "what runs from now on is not recorded"
					   : "what runs from now on tells of itself in files alone";
	_cleanup_free_ char *words = NULL;

	daemon->pid = 0;
	if (end->si_code != CLD_EXITED) { /* it had no time for last words */
		log_warn(0,
			 "runmarkd was killed by signal %d (%s) before the command had ended; %s",
			 end->si_status, strsignal(end->si_status), next);
	} else {
		words = last_words(daemon);
		log_warn(0, "runmarkd has ended before the command (%s); %s",
			 words ?: "it did not say why", next);
	}
	if (is_again)
		(void)private_daemon_start(daemon, folder, daemon->below, signals);
}

bool private_daemon_flush(struct private_daemon *daemon)
{
	struct control control;
	cJSON *answer = NULL;
	int r;

	if (!daemon->pid)
		return false;
	r = control_open(&control, daemon->control, "flush");
	if (r < 0)
		return false;
	r = control_read(&control, FLUSH_MAX_MS, &answer);
	control_close(&control);
	cJSON_Delete(answer);
	return !r;
}

void private_daemon_stop(struct private_daemon *daemon)
{
	uint64_t until = now_ns() + STOP_MAX_NS;
	int status = 0;

	if (!daemon->pid)
		return;
	kill(daemon->pid, SIGTERM);
	while (!has_ended(daemon) && now_ns() < until)
		take_pause();
	if (!has_ended(daemon)) {
		log_warn(0, "runmarkd does not end, and is killed");
		kill(daemon->pid, SIGKILL);
	}
	waitpid(daemon->pid, &status, 0);
	daemon->pid = 0;
}

void private_daemon_done(struct private_daemon *daemon)
{
	free(daemon->control);
	free(daemon->log);
	*daemon = (struct private_daemon){0};
}
