/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of ends share. A process is in the table by its pid from the first that is heard
 * of it: watched or not, since a process often has ended before anybody asks for it to be watched.
 * Those that nobody watches are few and the oldest go first.
 */
#pragma once

#include "daemon/ends.h"
#include <sys/queue.h>

#define PROCESS_BUCKETS 16384 /* a power of two */
#define RECENT_MAX	8192  /* processes not watched, of which something was heard */
#define DRAIN_MESSAGES	65536 /* of one socket at one go */

/* What messages told of one process. */
struct told {
	struct event_usage usage;    /* summed over the threads that ended; max_rss the largest */
	uint64_t threads_runtime_ns; /* of all its threads, by the kernel's own sum; 0: only one */
	uint64_t exit_ns;	     /* CLOCK_BOOTTIME of the last thread's end that was heard of */
	uint32_t last_status;	     /* by the record of the last thread */
	uint32_t exit_status;	     /* by the exit event heard last */
	uint64_t exit_epoch;	     /* when that was */
	uint64_t exec_ns;	     /* of the last exec that was heard of */
	uint64_t last_ns;	     /* when the last thread's record was taken */
	uint64_t elapsed_ns;	     /* from its begin to then, by that record */
	uint32_t begin_s;	     /* of the first thread, by its record; the wall clock's */
	bool has_first, has_last;    /* records of the first thread, and of the last one */
	bool has_exit;
	char comm[16];
};

enum process_place {
	PLACE_RECENT,  /* not watched */
	PLACE_COPY,    /* the same, but a copy of one that is */
	PLACE_WATCHED, /* by pidfd */
	PLACE_POLLED,  /* watched, but there is no pidfd */
	PLACE_DYING,   /* its end is to be told */
	PLACES,
};

TAILQ_HEAD(process_list, process);

struct process {
	struct process *next; /* of its bucket */
	TAILQ_ENTRY(process) link;
	pid_t pid;
	int pidfd; /* -1: none */
	enum process_place place;
	bool is_hashed; /* else its pid belongs to another one by now: nothing more will be heard */
	bool has_status, has_times, has_io; /* by /proc or pidfd */
	uint32_t wait_status;
	uint64_t heard_ns, start_ns, ended_ns; /* heard_ns: when told began */
	uint64_t looked_ns;		       /* when it was polled last; 0: not yet */
	struct event_usage usage;	       /* by /proc */
	struct told told;
	/* ends_forks.c: */
	struct process *origin; /* whose copy it is; NULL: nobody's */
	TAILQ_ENTRY(process) of_origin;
	struct process_list copies; /* that neither ended nor exec'd */
	unsigned int copies_count;
	bool is_leader_gone;	/* of a copy, by the connector */
	struct forks *forks;	/* its own; NULL: none */
	uint64_t fork_ns;	/* when it was forked; 0: not heard of */
	uint64_t forked_ns;	/* when it forked last */
	uint64_t since_ns;	/* what it forked from then on is known */
	struct forks *owed;	/* of whom it was a copy until its exec; NULL: nobody */
	uint64_t owed_since_ns; /* that exec, and the next one; 0: there was none */
	uint64_t owed_until_ns;
};

struct ends {
	struct process *buckets[PROCESS_BUCKETS];
	struct process_list places[PLACES];
	size_t counts[PLACES];
	unsigned int works; /* bits of enum ends_rung */
	int epoll_fd, timer_fd;
	int connector_fd, taskstats_fd;
	unsigned int taskstats_family;
	bool is_narrow;	   /* a queue is small: it is to be taken often */
	bool is_undrained; /* more waits than was taken at one go */
	size_t pidfds, pidfds_max;
	/* by enum ends_source: messages of different epochs may have others lost between them */
	uint64_t epochs[2], overruns[2];
	bool is_overrun[2];
	uint64_t unwatched, execs, polled_ns;
	uint64_t drained_ns; /* of the connector: what was sent by then is taken */
	uint64_t forks_lost_ns, forks_forgot_ns; /* forks until then aren't all known */
	uint64_t mono_to_boot_ns;
	char buffer[65536] __attribute__((aligned(8)));
};

enum ends_source { ENDS_BY_CONNECTOR, ENDS_BY_TASKSTATS };

/* Only these rungs, so many pidfds and so large queues: for tests. 0: the default. */
struct ends_options {
	unsigned int rungs; /* 1 << enum ends_rung */
	size_t pidfds_max;
	int queue_bytes;
};
int ends_new_with(const struct ends_options *options, struct ends **ret);

/* --- ends_table.c */

struct process *process_heard(struct ends *ends, pid_t pid);
/* What is known of the pid, or a new one in PLACE_RECENT. NULL: no memory. */
struct process *process_get(struct ends *ends, pid_t pid);
/* Behind those that are there. */
void process_move(struct ends *ends, struct process *process, enum process_place place);
/* Its pid is another's from now on. */
void process_unhash(struct ends *ends, struct process *process);
void process_free(struct ends *ends, struct process *process);
void process_forget_told(struct process *process);
/* Who is not watched goes last. */
void process_stay(struct ends *ends, struct process *process);
bool process_is_watched(const struct process *process);
/* Another process has its pid now. Frees it, or it dies. */
void process_replaced(struct ends *ends, struct process *process);
/* A watched process is dead: its end is to be told. */
void process_dies(struct ends *ends, struct process *process);

/* All that the kernel has sent. */
void ends_drain(struct ends *ends);
/* The same, unless that was done later than then. */
void ends_catch_up(struct ends *ends, uint64_t time_ns);

/* --- rungs: _new() 0 or negative errno, _drain() all that waits, into the table */

int connector_new(int queue_bytes, int *ret_fd);
void connector_stop(int fd);
void connector_drain(struct ends *ends);
/* One message as it came. Nothing is expected of it. */
void connector_take(struct ends *ends, const void *data, size_t len);

int taskstats_new(int queue_bytes, int *ret_fd, unsigned int *ret_family);
void taskstats_stop(int fd, unsigned int family);
void taskstats_drain(struct ends *ends);
void taskstats_take(struct ends *ends, const void *data, size_t len);

/* pidfd_open(2). Negative errno. */
int pidfd_new(pid_t pid);
bool pidfd_is_dead(int pidfd);
/* Nobody will wait for it any more. */
bool pidfd_is_reaped(int pidfd);
/* 0, or -ENODATA while it isn't reaped, or -ENOTTY and the like where the kernel is older. */
int pidfd_status(int pidfd, uint32_t *ret);

struct stat_told {
	char comm[16];
	bool is_ending;	 /* its first thread; or it has */
	bool is_dead;	 /* all of its threads */
	bool has_status; /* else the kernel doesn't let us see it */
	bool has_io;
	uint32_t wait_status;
	uint64_t start_ns;
	struct event_usage usage;
};
/* Of /proc/PID; -ESRCH: there is none. The status and times mean something if is_dead. */
int stat_read(pid_t pid, struct stat_told *ret);

/* --- ends_forks.c */

/* As the connector tells it. */
void forks_fork(struct ends *ends, pid_t parent, pid_t child, uint64_t time_ns);
void forks_exec(struct ends *ends, struct process *process, uint64_t time_ns);
/* Of a thread. May free who is not watched. */
void forks_exit(struct ends *ends, pid_t pid, bool is_leader, uint64_t time_ns);
/* It is watched from now on: its copies, too. */
void forks_watched(struct ends *ends, struct process *process);
/* Of a process that is dead. is_exit_heard: no exit of it is to come. The caller's. */
struct forks *forks_end(struct ends *ends, struct process *process, bool is_exit_heard);
/* It goes. */
void forks_forget(struct ends *ends, struct process *process);
/* NULL: nothing was heard of it. */
uint64_t forks_since(const struct ends *ends, const struct process *process);

/* --- ends_settle.c */

/* Records of some threads are missing: they had ended before we listened, or were lost. */
bool process_is_partial(const struct process *process);

/* What /proc tells of who died just now, if it is needed. */
void settle_look(struct ends *ends, struct process *process);
/* Whether nothing more is to be expected. Asks the pidfd. */
bool settle_is_ready(struct ends *ends, struct process *process);
void settle_tell(struct ends *ends, struct process *process, struct end *ret);

/* --- ends_netlink.c */

/* A socket with a queue of so many bytes, as far as may be. Negative errno. */
int netlink_new(int protocol, unsigned int groups, int queue_bytes);
int netlink_send(int fd, const void *message, size_t len);
/* Whether its queue has the size that was asked for, or near. */
bool netlink_is_wide(int fd, int queue_bytes);
/* All that waits, message by message, if the kernel sent it. */
void netlink_drain(struct ends *ends, int fd, enum ends_source source,
		   void (*take)(struct ends *, const void *data, size_t len));
