/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the daemon knows and has not yet written to the spool, so that kill -9 loses nothing: a file
 * on tmpfs, mapped shared, to which each event is appended before the ring lets go of it. A store
 * to a shared mapping survives its process, so an entry costs a copy and no system call. The file's
 * space is had in advance, a piece at a time: a full /run is an error, not a SIGBUS.
 *
 * It is kept short by starting anew: now and then all that is still of use (the live table) is
 * written to "journal.new", which is then renamed over "journal". So there is one file, and it is
 * always whole. It does not survive a reboot, and must not: its processes don't either.
 *
 * It begins with a description of its structs (layout.h): the journal of another version is
 * converted when it is opened.
 */
#pragma once

#include "common/util.h"

/* A kind's number is never used again. What an entry begins with stands in a table in journal.c and
 * in layout.bpf.c: so the next version can read it. */
enum journal_kind {
	JOURNAL_EVENT = 1, /* struct event, as it came (environment filtered) */
	JOURNAL_IMAGE,	   /* struct live_image_state: what events alone don't tell of an image */
	JOURNAL_LINK,	   /* a link record as text */
	JOURNAL_DONE, /* struct live_key (of a run, or a group's first) or a link's id: its record
		       * is in the spool */
	JOURNAL_SEQUENCES, /* u64 by CPU: the last event's sequence number */
	/* 6 was used once */
	JOURNAL_PROCESS = 7, /* struct live_process_state: one that runs no image of its own */
	JOURNAL_ENDED,	     /* struct ended_process */
	JOURNAL_MEMBER,	     /* struct group_member: a finished image is in a group now */
	JOURNAL_GROUP,	     /* struct group_state, behind its first member */
	JOURNAL_FILE,	     /* struct live_file_state, a path: an object, numbered from 0 */
	JOURNAL_OBJECTS,     /* struct live_key of an image, u32 numbers of files */
	JOURNAL_ANNOUNCED,   /* struct live_key: its start record is in the spool */
	JOURNAL_JOB,	     /* struct live_job_state */
	JOURNAL_CLOCK,	     /* i64: CLOCK_REALTIME - CLOCK_BOOTTIME for what follows */
	JOURNAL_KINDS,
};

struct journal;

/* Called for each entry. data is aligned to 8. */
typedef void (*journal_reader)(void *arg, uint32_t kind, struct bytes data);

/*
 * max_bytes: the most it may hold. The entries of the file that is there are told to reader, then
 * it goes on behind them. What makes no sense, and all that follows it, is dropped. 0 or negative
 * errno.
 */
int journal_new(const char *folder, size_t max_bytes, journal_reader reader, void *arg,
		struct journal **ret);
void journal_free(struct journal *journal);

/* Entries of another version's journal that could not be converted: they are lost. */
uint64_t journal_unread(const struct journal *journal);

/* False if the journal, or its file system, has no room for an entry of len bytes. */
bool journal_has_room(const struct journal *journal, size_t len);
/* -ENOSPC without room. */
int journal_append(struct journal *journal, uint32_t kind, const void *data, size_t len);

/* Why the file system refuses room that journal_new() was allowed, as a negative errno; 0 if it
 * doesn't. */
int journal_grow_error(struct journal *journal);

/* True when it has grown enough since the last start that starting anew pays. */
bool journal_is_long(const struct journal *journal);
/* Between these two, what is appended goes to the new file. journal_finish() makes it the journal;
 * given an error, or meeting one, it drops it and the old one stays. Returns the error. */
int journal_begin(struct journal *journal);
int journal_finish(struct journal *journal, int error);

void journal_size(const struct journal *journal, uint64_t *ret_used, uint64_t *ret_max);
