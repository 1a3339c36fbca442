/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where BPF is unavailable, programs tell of themselves (common/run_message.h). What they tell, and
 * what others tell of their ends, becomes the events that the kernel side would have sent: from
 * there on there is one way for all records.
 *
 *	message ─┐                          ┌─ exec, mappings ─┐
 *	file    ─┼─► which process, which ──┤                  ├─► tracker_told()
 *	end     ─┘   image of it?           └─ mappings, exit ─┘
 *
 * A process is known by its pid while it lives: its sender's, as the kernel gives it. What the
 * kernel says of it (user, parent, control group, start) goes before what it says itself; where it
 * is gone before anybody could look, its own word is taken, and the record says so.
 *
 * All on the daemon's thread; nothing here waits. What could hang (the end's memory) is opened by
 * workers (daemon/facts.h).
 */
#pragma once

#include "common/config.h"
#include "daemon/node.h"
#include "daemon/receive.h"
#include "daemon/scan_thread.h"
#include "daemon/tracker.h"

struct end; /* daemon/ends.h */
struct ends;
struct preload;

#define PRELOAD_PROCESSES_MAX LIVE_PROCESSES_MAX
#define PRELOAD_ENDED_MAX     4096 /* programs that ended last, of which more may be told */
#define PRELOAD_END_WAIT_NS   (250 * NS_PER_MS) /* for the memory of one that has ended */

struct preload_options {
	const struct node *node;
	struct tracker *tracker;
	/*
	 * Asks for the end of a process: ends_watch(), as which it answers. pidfd: taken over, or
	 * -1. NULL: nobody tells of ends (files alone are taken).
	 */
	int (*watch)(void *arg, pid_t pid, int pidfd);
	void *watch_arg;
	/* That tell of copies, too; NULL: nobody does. Stay the caller's. */
	struct ends *ends;
	/* True if the kernel side tells of the same processes: a message of one that it knows is
	 * joined. What it has told by then must be with the tracker before a message is. */
	bool is_beside_bpf;
	/* Reads what programs that run long have mapped; NULL: nobody does. Stays the caller's. */
	struct scanner *scanner;
	/* A folder of RUNMARK_SPOOL, where ends stand in files (of a daemon that may not look into
	 * the memory of others); -1: none. Stays the caller's. */
	int spool_fd;
};

/* 0 or -ENOMEM. */
int preload_new(const struct preload_options *options, struct preload **ret);
void preload_free(struct preload *preload);

/*
 * After the journal was replayed: programs that told of themselves to the daemon before this one
 * are watched again, and those that are gone are ended, unseen. Number of those that run.
 */
unsigned int preload_resume(struct preload *preload);

/*
 * One whole message of MESSAGE_RUN. sender: as the kernel gives it. pidfd: the sender's, or -1;
 * taken over in any case. 0; -EINVAL if it makes no sense, -ESRCH if the kernel named no sender,
 * -ENOSPC if there is no room for another process, all counted. The caller looks at
 * tracker_has_room() before.
 */
int preload_take(struct preload *preload, const struct message_sender *sender, int pidfd,
		 struct bytes message);

/*
 * A whole file of RUNMARK_SPOOL or the drop folder; owner and group: the file's. 0; -EINVAL if it
 * makes no sense, -EXDEV if it is of another host or boot than the node's (run_read_file_origin()
 * says which), -EEXIST if its run was told already (no failure: the same came by the socket).
 */
int preload_take_file(struct preload *preload, uid_t owner, gid_t group, struct bytes file);

/* The sink of ends_collect(), arg: the preload. Kept until preload_advance(): what the process had
 * sent before may still wait in the socket. */
void preload_end(void *preload, const struct end *end);

/*
 * Called at each turn of the loop, after ends_collect() and then the socket were read. is_drained:
 * nothing was left in the socket; then ends that were told before are taken. When the socket never
 * gets empty, they are taken after a second all the same.
 */
void preload_advance(struct preload *preload, bool is_drained);

/*
 * A process that the scan of /proc has told of at seen_ns, or the daemon before this one had: its
 * end is asked for, too. What it says of a program that it had begun before then is of the one that
 * the scan saw.
 */
void preload_adopt(struct preload *preload, uint32_t pid, uint64_t start_ns, uint64_t seen_ns);

/* True if no end is kept back. */
bool preload_is_settled(const struct preload *preload);

struct preload_counts {
	uint64_t begins, ends; /* programs; of which the end came */
	uint64_t joined;       /* of which the kernel side had told as well */
	uint64_t doubled;      /* that were told twice: socket and file */
	uint64_t opted_out;
	uint64_t refused;    /* messages and files that made no sense */
	uint64_t full;	     /* programs that found no room in the table */
	uint64_t unwatched;  /* whose end nobody would tell: looked for every second */
	uint64_t end_memory; /* ends that a program left in memory or file, and were read */
	uint32_t processes;  /* that run now */
};
void preload_counts(const struct preload *preload, struct preload_counts *ret);
