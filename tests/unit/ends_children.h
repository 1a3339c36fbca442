/* SPDX-License-Identifier: BSD-2-Clause */
/* Children for the tests of ends: each waits until it is let go, then ends in its way. And what was
 * told of them. */
#pragma once

#include "tests/unit/unit.h"

#include "daemon/ends_state.h"
#include "daemon/node.h"

#include <errno.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define TOLD_MAX  2048
#define PLAIN_UID 65534

struct child {
	pid_t pid;
	int go; /* written to: it goes on */
	int status;
	struct rusage usage;
};

static struct {
	struct ends *ends;
	struct end ended[TOLD_MAX];
	struct forks_sum forks[TOLD_MAX]; /* of the same */
	size_t ended_count;
} told;

static inline void told_end(void *arg, const struct end *end)
{
	(void)arg;
	assert_true(told.ended_count < TOLD_MAX);
	told.forks[told.ended_count] = (struct forks_sum){.since_ns = end->forks_since_ns};
	told.ended[told.ended_count] = *end;
	forks_take(&told.ended[told.ended_count].forks, UINT64_MAX, &told.forks[told.ended_count]);
	told.ended_count++;
}

static const struct ends_sink sink = {NULL, told_end};

static inline struct ends *ends_begin(const struct ends_options *options)
{
	memset(&told, 0, sizeof(told));
	assert_int_equal(ends_new_with(options, &told.ends), 0);
	return told.ends;
}

static inline struct ends *ends_begin_rungs(unsigned int rungs)
{
	return ends_begin(&(struct ends_options){.rungs = rungs});
}

/* Until so many ends are told, or so long, as the daemon would: when woken, and every 100 ms. */
static inline void collect(struct ends *ends, size_t count, unsigned int ms)
{
	uint64_t until = node_boot_ns() + ms * NS_PER_MS;

	do {
		struct pollfd fd = {.fd = ends_fd(ends), .events = POLLIN};

		ends_collect(ends, &sink);
		if (told.ended_count < count)
			poll(&fd, 1, ends_fd(ends) < 0 ? 10 : 100);
	} while (told.ended_count < count && node_boot_ns() < until);
}

/* what: does not return. */
static inline struct child child_new(void (*what)(const void *arg), const void *arg)
{
	struct child child = {};
	int pipe_fds[2];
	char byte;

	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
	child.pid = fork();
	assert_true(child.pid >= 0);
	if (!child.pid) {
		for (int number = 1; number < 32; number++)
			signal(number, SIG_DFL); /* CMocka's, and sanitizers' */
		close(pipe_fds[1]);
		while (read(pipe_fds[0], &byte, 1) < 0 && errno == EINTR)
			;
		what(arg);
		_exit(99);
	}
	close(pipe_fds[0]);
	child.go = pipe_fds[1];
	return child;
}

static inline void child_go(struct child *child)
{
	/* later children have the other end's copies: closing says nothing */
	assert_int_equal(write(child->go, "", 1), 1);
	close(child->go);
}

static inline void child_wait(struct child *child)
{
	assert_int_equal(wait4(child->pid, &child->status, 0, &child->usage), child->pid);
}

static inline void child_wait_zombie(const struct child *child)
{
	siginfo_t info;

	assert_int_equal(waitid(P_PID, child->pid, &info, WEXITED | WNOWAIT), 0);
}

static inline void exits(const void *arg)
{
	_exit(*(const int *)arg);
}

/* The whole program once more, as a user who may nothing; what it says is shown if it fails. */
static inline void as_plain_user(void **state)
{
	char text[65536], *const args[] = {"test", "plain", NULL};
	int pipe_fds[2], status;
	ssize_t len;
	pid_t pid;

	(void)state;
	if (geteuid()) {
		print_message("# needs root\n");
		skip();
	}
	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		dup2(pipe_fds[1], 1);
		dup2(pipe_fds[1], 2);
		if (!setresgid(PLAIN_UID, PLAIN_UID, PLAIN_UID) &&
		    !setresuid(PLAIN_UID, PLAIN_UID, PLAIN_UID))
			execv("/proc/self/exe", args);
		_exit(98);
	}
	close(pipe_fds[1]);
	for (size_t at = 0; (len = read(pipe_fds[0], text + at, sizeof(text) - 1 - at)) > 0;)
		text[at += len] = '\0';
	close(pipe_fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	/* no TAP of its own among ours */
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		print_message("#   plain user: %s\n", line);
	assert_int_equal(status, 0);
}
