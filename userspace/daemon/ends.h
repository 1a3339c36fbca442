/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When watched processes end, and as far as this kernel and these privileges tell, how and with
 * what usage: for whoever runs without the kernel side (bpf/). A ladder of rungs, each used where
 * it works, which is found by trying at start; what one cannot tell, the next may:
 *
 *   taskstats   a record of each thread that ends: status, exact usage, peak memory
 *   connector   forks, execs, and ends with their status and time; with taskstats, what forked
 *               copies used
 *   stat        /proc/PID/stat and its like, while nobody has waited for the process
 *   pidfd_info  the status, once somebody has waited for it
 *   pidfd       that it ended, as soon as it has: the only one that decides
 *
 * All on the caller's thread; nothing here blocks. An end is told once, after all that the kernel
 * had told of it before; where a rung can still tell its status, it is held back, up to
 * ENDS_HOLD_MS.
 */
#pragma once

#include "bpf/event.h"
#include "common/util.h"
#include "daemon/losses.h"
#include <sys/types.h>

#define ENDS_WATCHED_MAX   65536 /* processes watched at once */
#define ENDS_HOLD_MS	   1000
#define ENDS_COPIES_MAX	   16384 /* forked copies of theirs followed at once */
#define ENDS_COPIES_OF_ONE 2048	 /* of one of them */

enum ends_rung {
	ENDS_TASKSTATS,
	ENDS_CONNECTOR,
	ENDS_STAT,
	ENDS_PIDFD_INFO,
	ENDS_PIDFD,
	ENDS_RUNGS,
};

struct ends_rung_about {
	const char *name;
	const char *needs;   /* to work */
	const char *unknown; /* what it can't tell, in words */
};

/* One for each rung, best first. */
extern const struct ends_rung_about ends_rungs[ENDS_RUNGS];

/* Copies that a process forked while it ran one program, and that ended, or exec'd, before it did.
 */
struct forks_sum {
	uint64_t count;
	uint64_t untold;	  /* those of which usage is not, or not all, in here */
	struct event_usage usage; /* until they ended or exec'd */
	uint64_t since_ns;	  /* more may be missing of who began before; 0: of anybody */
};
struct forks;

struct end {
	pid_t pid;
	uint64_t time_ns;  /* CLOCK_BOOTTIME; the kernel's, or when it was noticed */
	uint64_t start_ns; /* the process's, CLOCK_BOOTTIME floored to clock ticks; 0: not known */
	uint64_t exec_ns;  /* of its last exec, by the connector; 0: none was heard of */
	bool has_status;
	bool has_usage;	      /* all of usage; else nothing of it, or: */
	bool has_times;	      /* user, system, runtime and faults */
	bool has_io;	      /* bytes read and written */
	bool is_partial;      /* threads ended of which nothing was told: usage is at least this */
	uint32_t wait_status; /* as wait(2) gives it, all 16 bits */
	/* of the whole process since its fork; max_rss is its last image's. Bytes read and written
	 * are whole KiB for each thread. */
	struct event_usage usage;
	char comm[16];		 /* "": not known */
	uint64_t forks_since_ns; /* as of a sum */
	struct forks *forks;	 /* for forks_take(); the sink's, who frees them */
};

struct ends_sink {
	void *arg;
	void (*ended)(void *arg, const struct end *end);
};

struct ends;

/* 0, or -ENOMEM and the like; that a rung does not work here is no error. Caller ends_free()s. */
int ends_new(struct ends **ret);
void ends_free(struct ends *ends);

/* Readable when ends_collect() has something to do; -1 where calling it every 100 ms or so loses
 * nothing, and being woken by each end would only cost. */
int ends_fd(const struct ends *ends);

/*
 * From now on. pidfd is the process's, taken over in any case; -1: opened here, if it can be had.
 * 0, also if it is watched already. -ESRCH: it is gone; its end is told by the next collect, with
 * what is known of it. -ENOSPC: ENDS_WATCHED_MAX, its end will not be told.
 * May be called from within a sink, and about the pid of a process whose end is not told yet.
 */
int ends_watch(struct ends *ends, pid_t pid, int pidfd);

/* Tells what there is to tell. Takes what the kernel has sent meanwhile. */
void ends_collect(struct ends *ends, const struct ends_sink *sink);

/* Of the programs that the process ran before the one that had begun by time_ns; of those that were
 * told already, nothing. The end's are those of the last one, when all messages are read. */
void ends_forks(struct ends *ends, pid_t pid, uint64_t time_ns, struct forks_sum *ret);
void forks_take(struct forks **forks, uint64_t time_ns, struct forks_sum *sum);
void forks_free(struct forks *forks);
/* The program that had begun by time_ns was exec'd by a copy of that process; 0: by none, or it is
 * told already. If so: what the copy had used by then, as the program says. */
pid_t ends_copy_of(struct ends *ends, pid_t pid, uint64_t time_ns);
void ends_copy_used(struct ends *ends, pid_t pid, const struct event_usage *usage);

bool ends_works(const struct ends *ends, enum ends_rung rung);
/* The best of them that works: its name; "poll" where there is none, not even pidfd. */
const char *ends_rung(const struct ends *ends);

/* Execs on the whole node since the start, by the connector; 0 without it. */
uint64_t ends_execs(const struct ends *ends);
/* Ends of them that are watched, and those that are held back. */
size_t ends_watched(const struct ends *ends);
/* True if nothing that ended before then (CLOCK_BOOTTIME) is still to be told or noticed. */
bool ends_are_told(const struct ends *ends, uint64_t before_ns);

/* Adds what was lost here. */
void ends_losses(const struct ends *ends, struct losses *losses);
