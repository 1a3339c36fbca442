/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * runmark run: everything for one command. A private runmarkd tracks it, runmark-ingest loads what
 * was recorded into the user's own database, and a table tells what ran.
 *
 * The command comes first: whatever of ours fails is said in a line, and it runs all the same, with
 * its own terminal, streams, signals and exit status. So nothing here ends the program before the
 * command has.
 */
#pragma once

#include "cli/output.h"

#include <signal.h>
#include <sys/types.h>

struct private_args {
	bool bpf;  /* the kernel side instead of the preload module */
	bool keep; /* the folder */
	const char *db, *output;
	enum output_format format;
};

/*
 * What one command's tracking needs, below one folder of the user's own: the configuration, the
 * daemon's state, sockets and log, its spool, and the module's files.
 */
struct private_folder {
	char *path;  /* NULL: there is none */
	int lock_fd; /* held as long as we live */
};

/* 0 or negative errno, after saying why. */
int private_folder_make(struct private_folder *ret);
/* The path of something in it: PRIVATE_... The caller frees; NULL if out of memory. */
char *private_folder_at(const struct private_folder *folder, const char *name);
/* Writes the configuration: the site's, as far as it is about what is recorded, with all else
 * private. 0 or negative errno, after saying why. */
int private_folder_configure(const struct private_folder *folder, bool bpf);
/* Under another name, which is told: nobody takes it for one that was left. */
void private_folder_keep(struct private_folder *folder);
/* With all that is in it. */
void private_folder_remove(struct private_folder *folder);
void private_folder_done(struct private_folder *folder);

#define PRIVATE_CONFIG	"runmark.conf"
#define PRIVATE_SOCKET	"runmark.sock"
#define PRIVATE_CONTROL "control.sock"
#define PRIVATE_STATE	"state"
#define PRIVATE_SPOOL	"spool"
#define PRIVATE_FILES	"files" /* RUNMARK_SPOOL */
#define PRIVATE_LOG	"log"
#define PRIVATE_URL	"url"
#define PRIVATE_PREFIX	"runmark-run."
#define PRIVATE_KEPT	"runmark-kept."

/* A signal mask and dispositions that the command must find as we did. */
struct private_signals {
	sigset_t before, taken; /* the mask; what is taken by sigwaitinfo() */
	struct sigaction child, pipe, size;
};

void private_signals_take(struct private_signals *ret);
/* In a child, before its exec. */
void private_signals_restore(const struct private_signals *signals);

struct private_command {
	pid_t pid;
	int start_fd; /* a byte lets it begin */
	int error_fd; /* tells why its exec failed */
	int error;    /* that, a positive errno; 0: it didn't */
	int status;   /* as the shell has it, once it has ended */
};

/* Becomes argv, without records: there is no room for a child. The exit status where that fails
 * too: *ret_error. */
int private_command_become(char **argv, const struct private_signals *signals, int *ret_error);
/* A child that waits to become argv. library NULL: its environment stays as it is. 0 or negative
 * errno. */
int private_command_fork(char **argv, const char *library, const struct private_folder *folder,
			 const struct private_signals *signals, struct private_command *ret);

struct private_daemon {
	pid_t pid;   /* 0: none runs */
	pid_t below; /* 0: whoever tells */
	char *control, *log;
	unsigned int restarts;
};

/* Starts it, to track below (0: whoever tells), and waits until it does. 0 or negative errno, after
 * saying why; -EINTR: a signal came. */
int private_daemon_start(struct private_daemon *daemon, const struct private_folder *folder,
			 pid_t below, const struct private_signals *signals);
/* It has ended before it was asked to, as end (of waitid()) tells: another one goes on with what it
 * knew. */
void private_daemon_is_gone(struct private_daemon *daemon, const siginfo_t *end,
			    const struct private_folder *folder,
			    const struct private_signals *signals);
/* Once it has written all that has ended till now; false if it doesn't say so. */
bool private_daemon_flush(struct private_daemon *daemon);
/* Ends it. It writes out what it has. */
void private_daemon_stop(struct private_daemon *daemon);
void private_daemon_done(struct private_daemon *daemon);

/* Lets the command begin and waits until it has ended; it is left a zombie, whose status the daemon
 * may still read, until private_command_reap(). Signals are handed on to it. */
void private_command_wait(struct private_command *command, struct private_daemon *daemon,
			  const struct private_folder *folder,
			  const struct private_signals *signals);
void private_command_reap(struct private_command *command);

/* Programs below this process that still run, but for the daemon. */
size_t private_stragglers(pid_t daemon);

/* Its standard streams but for error to nowhere, with the caller's other descriptors closed. */
void private_child_close(int error_fd);

/* Notes in the folder where its records go. db NULL: the user's own database, which is made. 0 or
 * negative errno, after saying why. */
int private_url_choose(const struct private_folder *folder, const char *db);
/* Loads what was recorded there; *ret_url is freed by the caller. 0 or negative errno, after saying
 * why. */
int private_load(const struct private_folder *folder, const struct private_signals *signals,
		 char **ret_url);

/* Loads what others beside the folder have left that were killed, once nobody of them runs. */
void private_recover(const struct private_folder *folder, const struct private_signals *signals);

/* Tells what ran, by the files in the folder. 0 or negative errno, after saying why. */
int private_report(const struct private_folder *folder, const struct private_args *args,
		   const char *url, uint64_t start_ns);
