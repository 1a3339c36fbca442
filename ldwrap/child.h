/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The real linker as a child: its messages are held back until it is known whether the link counts,
 * so that whoever called us sees one linker's output, never two. What comes to us meanwhile
 * (Ctrl-C, a build system's SIGTERM) is handed on, and the child never outlives us.
 */
#pragma once

#include "common/util.h"

#include <signal.h>
#include <sys/types.h>

#define CHILD_CAPTURE_MAX (16 * 1024 * 1024) /* bytes of messages on each of stdout and stderr */
#define CHILD_FD_MIN                                                                               \
	100 /* of the file for inputs; low numbers may be meant for make's job server */

struct child {
	pid_t pid;		/* 0: none runs */
	int captured[2];	/* what it wrote to stdout and stderr: files in memory */
	bool is_one_file;	/* both are one: all is in captured[0], in its order */
	size_t captured_len[2]; /* after child_wait(); CHILD_CAPTURE_MAX: too much, or not known */
	int inputs;		/* what it wrote to --dependency-file: a file in memory */
	char inputs_option[64];
	sigset_t waiting; /* signals that are taken in child_wait() */
	sigset_t mask_before;
	struct sigaction sigchld_before;
	int signal; /* one that came to us and was handed on, or 0 */
};

enum child_end {
	CHILD_OK,	/* it left with 0 */
	CHILD_FAILED,	/* anything else: the plain link's business */
	CHILD_SIGNALLED /* it ended because of child->signal */
};

/* Memory files. 0, or negative errno: also if standard files are closed or files limited in size.
 */
int child_init(struct child *child);
void child_done(struct child *child);

/* Runs path with argv and environment in the memory files. 0 or negative errno. May be called again
 * after child_wait(). */
int child_start(struct child *child, const char *path, char *const *argv, char *const *environment);

/* Waits for its end; signals are as they were before then. *ret_status: as of waitpid(). */
int child_wait(struct child *child, enum child_end *ret, int *ret_status);

/* Kills it, if it runs, and restores signals. */
void child_abort(struct child *child);

/* True if text stands in what came on stdout (0) or stderr (1; 0 if both are one file), or may
 * stand there. */
bool child_captured_has(const struct child *child, int which, const char *text);
/* Writes all of it to our own stdout and stderr; nothing if some of it is missing. */
void child_replay(const struct child *child);

/* Ends this process by a signal, as the child was; doesn't return. */
void child_die_by(int signal) __attribute__((noreturn));
