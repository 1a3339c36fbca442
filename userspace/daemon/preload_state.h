/* SPDX-License-Identifier: BSD-2-Clause */
/* The insides that preload.c (messages), preload_table.c, preload_parent.c and preload_end.c share.
 */
#pragma once

#include "common/run_read.h"
#include "daemon/ends.h"
#include "daemon/preload.h"
#include "daemon/preload_event.h"
#include "daemon/preload_look.h"

#define PRELOAD_BUCKETS 4096 /* a power of two */
#define PRELOAD_LEVELS	6    /* 1 s to 28 hours */

/* A process that is watched: one that told of itself, or a copy of one. */
struct told {
	struct live_key key;
	uint64_t begin_ns; /* of its image */
	uint64_t token;
	uint64_t seen_ns;    /* its image by the scan; 0: it told of that itself */
	uint64_t end_memory; /* its address; 1: there is none, 0: nothing will be told there */
	uint32_t uid;
	bool has_start;	   /* key's, from the kernel; else it is when it was begun */
	bool has_closed;   /* objects that it told nothing of */
	bool is_told_end;  /* by a file, with the begin */
	bool is_lost_end;  /* by a file that tells none: when it ended will never be known */
	bool is_in_spool;  /* its message, in a file as well */
	bool is_copy;	   /* of another one's program; tells nothing itself */
	bool is_unwatched; /* looked for in /proc */
	bool has_end;
	bool has_waited;     /* for its memory */
	struct fact *memory; /* where its end will stand; NULL: nowhere */
	int file;	     /* the same in a file; -1 */
	off_t file_offset;
	struct end end;
	uint64_t end_seen_ns;
	uint8_t level; /* how often it was looked at again */
	bool is_looked_at;
	uint64_t again_due_ns;
	TAILQ_ENTRY(told) again;
	TAILQ_ENTRY(told) bucket;
	TAILQ_ENTRY(told) queue; /* those of which the end is known; or those that are unwatched */
};
TAILQ_HEAD(told_list, told);

/* A program that ended. */
struct told_ended {
	struct live_key key;
	uint64_t token, end_ns;
};

struct told_waiting; /* preload_folder.c */
TAILQ_HEAD(told_waiting_list, told_waiting);

struct preload {
	struct preload_options options;
	struct told_waiting_list waiting; /* files that wait for their datagrams */
	size_t waiting_count;
	uint64_t folder_taken_ns; /* when they were looked at last */
	int folder_fd;		  /* tells of files that come; -1: nobody does */
	struct told_list buckets[PRELOAD_BUCKETS];
	struct told_list ending, unwatched;
	struct told_list again[PRELOAD_LEVELS]; /* by when they are looked at again */
	uint64_t again_due_ns;
	struct told_ended ended[PRELOAD_ENDED_MAX]; /* a ring */
	uint32_t ended_next;
	uint64_t look_due_ns; /* for who is unwatched */
	struct preload_counts counts;
	struct preload_look look;
	_Alignas(8) union preload_room room;
	char area[RUN_END_AREA];
};

struct told *told_find(struct preload *preload, uint32_t pid);
/* NULL without room. */
struct told *told_add(struct preload *preload, const struct live_key *key);
/* It, and what it holds, goes; its file, too, since it has been told of. */
void told_remove(struct preload *preload, struct told *told);
/* It goes since another process has its number, or it is gone: how it ended was not told, or is
 * now. */
void told_forget(struct preload *preload, struct told *told);
/* It went on with another program, nobody knows when: it goes without an end. */
void told_lose(struct preload *preload, struct told *told);
/* Asks for its end. pidfd: taken over, or -1. */
void told_watch(struct preload *preload, struct told *told, int pidfd);

void ended_put(struct preload *preload, const struct live_key *key, uint64_t token,
	       uint64_t end_ns);
/* The program of that token in a process of that pid, or with token 0 the last one of that pid;
 * NULL. */
const struct told_ended *ended_get(const struct preload *preload, uint32_t pid, uint64_t token);

/*
 * Who started the process whose parent has that pid: its key, pid 0 if it isn't known. A shell's
 * copy that tells nothing of itself is told of here.
 */
struct live_key preload_parent(struct preload *preload, uint32_t ppid);

/* What is to be done with a message where the kernel side tells of processes, too. */
enum preload_join {
	JOIN_NOTHING, /* it doesn't know the process */
	JOIN_DONE,    /* it has told all */
	JOIN_FILL,    /* it could not read something: tell that, under the key that it gave */
	JOIN_LOST,    /* it lost the exec: tell it under that key; its end will come */
};
enum preload_join preload_join(struct preload *preload, const struct run_read *message,
			       uint32_t pid, struct live_key *ret);

/* What copies used goes to the run, before the event that ends it: the process's end, or the exec
 * that had happened by then (t: what it ran; NULL: not known). */
void told_copies_end(struct preload *preload, struct told *told);
void preload_copies_exec(struct preload *preload, uint32_t pid, struct told *told,
			 uint64_t time_ns);
/* The program may have been a copy's. */
void preload_copy_used(struct preload *preload, const struct event_exec *exec);

/* It is looked at again from now on, and no more. */
void told_look_again(struct preload *preload, struct told *told);
void told_look_never(struct preload *preload, struct told *told);
/* One process, if one is due. */
void preload_look_again(struct preload *preload, uint64_t now_ns);

/* Tells the objects of a message: the loader, which the kernel maps, first. */
void preload_tell_objects(struct preload *preload, const struct run_read *message,
			  const struct live_key *key, uint64_t time_ns);
/* The file of RUNMARK_SPOOL that the message is in as well: opened for its end. */
void told_file_open(struct preload *preload, struct told *told, struct bytes path);
/* The message of a file there, with memory that *ret_data holds (freed by the caller). 0 or
 * negative errno. */
int preload_file_read(struct preload *preload, struct bytes path, struct run_read *ret,
		      char **ret_data);
/* Takes it, as if it had come by the socket. */
void preload_take_own(struct preload *preload, struct run_read *message, struct bytes path);

void preload_folder_begin(struct preload *preload);
void preload_folder_done(struct preload *preload);
/* Before a datagram is taken: files that were written before, and are told by no other one. */
void preload_folder_before(struct preload *preload, const struct run_read *message);
/* Takes files whose datagrams will not come. is_drained: nothing was left in the socket. */
void preload_folder_take(struct preload *preload, bool is_drained);

/* The start that only the file tells, of a process that was gone before it could be looked at: in
 * ticks; 0: not known. */
uint64_t preload_file_start(struct preload *preload, const struct run_read *message);
/* It has been told of, and goes. */
void told_file_remove(struct preload *preload, uint64_t token);
/* Where its end will stand. */
void told_open_end(struct preload *preload, struct told *told, const struct run_read *message);
/* Of a file, whose end area is all that will ever be known of the end. */
void told_file_end(struct preload *preload, struct told *told, const struct run_read *message,
		   struct bytes area);
/* It has ended, and nobody will tell how. */
void told_gone(struct preload *preload, struct told *told);
/* Its end, as far as it is known, and what it left behind. */
void told_end(struct preload *preload, struct told *told);
/* True if told_end() would miss what a worker is about to find. */
bool told_must_wait(struct told *told, uint64_t now_ns);
