/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vfork, since a copy of our page tables would cost more than the rest: the child only resets
 * signals, sets its files and becomes the linker. Messages go to memory files of a fixed size
 * (sealed: a write behind the end fails), so a linker that never stops talking can't take all
 * memory. The child's environment and its other files are ours, which are the caller's.
 */
#include "child.h"

#include "common/fs.h"

#include <errno.h>
#include <linux/kcmp.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* What may be sent to a linker to end it. */
static const int handed_on[] = {SIGHUP,	 SIGINT,  SIGQUIT,   SIGTERM, SIGUSR1,
				SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF};

static int memory_file(int fd_min, size_t size)
{
	_cleanup_close_ int fd = memfd_create("runmark-ld", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int moved;

	if (fd < 0)
		return -errno;
	if (size && (ftruncate(fd, (off_t)size) < 0 ||
		     fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK) < 0))
		return -errno;
	if (fd >= fd_min)
		return TAKE_FD(fd);
	moved = fcntl(fd, F_DUPFD_CLOEXEC, fd_min);
	return moved < 0 ? -errno : moved;
}

/* Standard output and error are one and the same open file, or one pipe: then what comes first
 * matters. (A terminal's doesn't come to us in its order.) */
static bool is_one_file(void)
{
	struct stat out, err;

	if (fstat(STDOUT_FILENO, &out) < 0 || fstat(STDERR_FILENO, &err) < 0 ||
	    out.st_dev != err.st_dev || out.st_ino != err.st_ino || isatty(STDOUT_FILENO))
		return false;
	return !S_ISREG(out.st_mode) ||
	       syscall(SYS_kcmp, getpid(), getpid(), KCMP_FILE, STDOUT_FILENO, STDERR_FILENO) == 0;
}

int child_init(struct child *child)
{
	struct rlimit limit;

	*child = (struct child){.captured = {-1, -1}, .inputs = -1};
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			return -errno;
	/* a file over the limit is a signal, not an error */
	if (getrlimit(RLIMIT_FSIZE, &limit) < 0 || limit.rlim_cur != RLIM_INFINITY)
		return -EFBIG;
	for (int i = 0; i < 2; i++) {
		child->captured[i] = memory_file(3, CHILD_CAPTURE_MAX);
		if (child->captured[i] < 0)
			return child->captured[i];
	}
	child->is_one_file = is_one_file();
	child->inputs = memory_file(CHILD_FD_MIN, 0);
	if (child->inputs < 0)
		return child->inputs;
	snprintf(child->inputs_option, sizeof(child->inputs_option),
		 "--dependency-file=/proc/self/fd/%d", child->inputs);
	return 0;
}

void child_done(struct child *child)
{
	for (int i = 0; i < 2; i++)
		cleanup_close(&child->captured[i]);
	cleanup_close(&child->inputs);
}

/* What was ignored or blocked stays so in the linker, and is then nothing to wait for. */
static void block_signals(struct child *child)
{
	struct sigaction action;

	sigprocmask(SIG_SETMASK, NULL, &child->mask_before);
	sigemptyset(&child->waiting);
	for (size_t i = 0; i < ARRAY_SIZE(handed_on); i++)
		if (!sigismember(&child->mask_before, handed_on[i]) &&
		    sigaction(handed_on[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
			sigaddset(&child->waiting, handed_on[i]);
	sigaddset(&child->waiting, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child->waiting, NULL);
	/* were it ignored, the child's status would be gone */
	sigaction(SIGCHLD, &(struct sigaction){.sa_handler = SIG_DFL}, &child->sigchld_before);
}

static void restore_signals(const struct child *child)
{
	sigaction(SIGCHLD, &child->sigchld_before, NULL);
	sigprocmask(SIG_SETMASK, &child->mask_before, NULL);
}

/* In the child, which shares our memory: no writes but to its own locals. */
static void __attribute__((noreturn))
become_linker(const struct child *child, pid_t parent, const char *path, char *const *argv,
	      char *const *environment)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == parent && dup2(child->captured[0], STDOUT_FILENO) >= 0 &&
	    dup2(child->captured[child->is_one_file ? 0 : 1], STDERR_FILENO) >= 0 &&
	    fcntl(child->inputs, F_SETFD, 0) >= 0) {
		sigaction(SIGCHLD, &child->sigchld_before, NULL);
		sigprocmask(SIG_SETMASK, &child->mask_before, NULL);
		execve(path, argv, environment);
	}
	_exit(127);
}

int child_start(struct child *child, const char *path, char *const *argv, char *const *environment)
{
	pid_t parent = getpid(), pid;

	for (int i = 0; i < 2; i++)
		if (lseek(child->captured[i], 0, SEEK_SET) < 0)
			return -errno;
	if (ftruncate(child->inputs, 0) < 0)
		return -errno;
	child->signal = 0;
	block_signals(child);
	pid = vfork();
	if (pid == 0)
		become_linker(child, parent, path, argv, environment);
	if (pid < 0) {
		int r = -errno;

		restore_signals(child);
		return r;
	}
	child->pid = pid;
	return 0;
}

int child_wait(struct child *child, enum child_end *ret, int *ret_status)
{
	int status = 0;
	pid_t pid;

	for (;;) {
		int signal;

		pid = waitpid(child->pid, &status, WNOHANG);
		if (pid)
			break;
		signal = sigwaitinfo(&child->waiting, NULL);
		if (signal > 0 && signal != SIGCHLD) {
			child->signal = signal;
			kill(child->pid, signal);
		}
	}
	if (pid < 0) {
		int r = -errno;

		/* whatever it is doing, the plain link must be the only one */
		child_abort(child);
		return r;
	}
	child->pid = 0;
	/* the position is shared with the child, so it is where the child stopped writing */
	for (int i = 0; i < 2; i++) {
		off_t len = lseek(child->captured[i], 0, SEEK_CUR);

		child->captured_len[i] = len < 0 ? CHILD_CAPTURE_MAX : (size_t)len;
	}
	/* one that the terminal sent to both of us may have killed the child before we looked */
	if (!child->signal) {
		siginfo_t info;
		int signal = sigtimedwait(&child->waiting, &info, &(struct timespec){0, 0});

		while (signal == SIGCHLD)
			signal = sigtimedwait(&child->waiting, &info, &(struct timespec){0, 0});
		child->signal = signal > 0 ? signal : 0;
	}
	restore_signals(child);
	if (child->signal && !(WIFEXITED(status) && !WEXITSTATUS(status)))
		*ret = CHILD_SIGNALLED;
	else
		*ret = WIFEXITED(status) && !WEXITSTATUS(status) ? CHILD_OK : CHILD_FAILED;
	*ret_status = status;
	return 0;
}

void child_abort(struct child *child)
{
	if (child->pid <= 0)
		return;
	kill(child->pid, SIGKILL);
	while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
		;
	child->pid = 0;
	restore_signals(child);
}

bool child_captured_has(const struct child *child, int which, const char *text)
{
	size_t len = child->captured_len[which];
	void *data;
	bool has;

	if (!len)
		return false;
	data = mmap(NULL, len, PROT_READ, MAP_PRIVATE, child->captured[which], 0);
	if (data == MAP_FAILED)
		return true; /* can't tell: be careful */
	has = memmem(data, len, text, strlen(text));
	munmap(data, len);
	return has;
}

void child_replay(const struct child *child)
{
	for (int i = 0; i < 2; i++) {
		size_t len = child->captured_len[i];
		char buffer[16384];

		if (len >= CHILD_CAPTURE_MAX)
			continue;

		for (size_t pos = 0; pos < len;) {
			ssize_t n = fs_pread_all(child->captured[i], buffer,
						 MIN(len - pos, sizeof(buffer)), (off_t)pos);

			if (n <= 0)
				break;
			for (ssize_t done = 0; done < n;) {
				int fd = i ? STDERR_FILENO : STDOUT_FILENO;
				ssize_t w = write(fd, buffer + done, (size_t)(n - done));

				if (w >= 0)
					done += w;
				else if (errno == EAGAIN)
					poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1);
				else if (errno != EINTR)
					return;
			}
			pos += (size_t)n;
		}
	}
}

void child_die_by(int signal)
{
	sigset_t one;

	/* the child has left its core already */
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	sigemptyset(&one);
	sigaddset(&one, signal);
	sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
	sigprocmask(SIG_UNBLOCK, &one, NULL);
	raise(signal);
	_exit(128 + signal);
}
