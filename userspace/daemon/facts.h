/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What has to be looked up where looking may take for ever: files' build-ids and watermarks on any
 * file system, users' names in any directory service. Workers do it; the daemon's thread only asks
 * and collects, and gives up waiting after FACTS_PATIENCE_NS. Answers are cached by the file's
 * identity, but for what a process' own memory says, which holds for that process alone.
 *
 * Only the daemon's thread calls these functions and reads facts; a worker has its own copy of the
 * question.
 */
#pragma once

#include "bpf/event.h"
#include "common/note.h"
#include "common/util.h"

#define FACTS_CACHE_MAX	  16384 /* answers kept that nobody uses now */
#define FACTS_CACHE_BYTES (4 << 20)
#define FACTS_QUEUE_MAX	  8192 /* questions that wait for a worker */
#define FACTS_QUEUE_BYTES (4 << 20)
#define FACTS_PATIENCE_NS (5 * NS_PER_S)

/* a file's ids; a user's name; the number of a user or a group, by name; the name that a file of
 * which a process itself has told the ids has in the end; a process's memory */
enum fact_kind { FACT_FILE, FACT_USER, FACT_USER_ID, FACT_GROUP_ID, FACT_TOLD, FACT_MEMORY };
enum fact_state { FACT_ASKED, FACT_KNOWN, FACT_UNKNOWN };

struct fact {
	enum fact_kind kind;
	enum fact_state state;
	const char *why; /* FACT_UNKNOWN: static text */
	/* the question */
	struct event_file file;
	char *path; /* or the name */
	size_t path_len;
	uint32_t uid; /* of FACT_USER_ID and FACT_GROUP_ID the answer; -1: nobody has that name */
	/* the answer */
	struct note_ids notes;
	char user[64]; /* empty: there is no such user */
	char *real;    /* of FACT_TOLD: the path without links; NULL: as it was told */
	size_t real_len;
	int fd; /* of FACT_MEMORY */
	/* of who saves facts: as which of its files, in which saving */
	uint32_t saved_as, saved_in;
	/* the cache's own */
	bool is_private; /* not in the tree: stands in for another one, or is one process' alone */
	uint32_t references;
	uint64_t known_ns;
	struct fact *newer, *older;
};

struct facts;

int facts_new(unsigned int workers, struct facts **ret);
/* Doesn't wait for workers that hang: they end with the process. */
void facts_free(struct facts *facts);

/*
 * The fact, asked for if it is new. The caller releases it with facts_release(). pid: a process
 * that has the file, through whose root it is looked at first, then
 * through its parent's, which often outlives it. NULL if memory ran out.
 */
struct fact *facts_file(struct facts *facts, const struct event_file *file, struct bytes path,
			uint32_t pid, uint32_t parent_pid);
/*
 * A file of which a process has told path and ids: known but for its real path. Links are followed
 * as that process would follow them.
 */
struct fact *facts_told(struct facts *facts, struct bytes path, const struct note_ids *notes,
			uint32_t pid, uint32_t parent_pid);
/*
 * Memory that a process of that user shares, from address on, as a file to read, which stays when
 * the process ends. Only what is no file system's is opened: anonymous memory.
 */
struct fact *facts_memory(struct facts *facts, uint32_t pid, uint32_t uid, uint64_t address,
			  uint64_t size);
/* The path to show. */
static inline struct bytes fact_path(const struct fact *fact)
{
	return fact->real ? (struct bytes){fact->real, fact->real_len}
			  : (struct bytes){fact->path, fact->path_len};
}
struct fact *facts_user(struct facts *facts, uint32_t uid);
/* kind: FACT_USER_ID or FACT_GROUP_ID. */
struct fact *facts_id(struct facts *facts, enum fact_kind kind, struct bytes name);
struct fact *facts_hold(struct fact *fact);
void facts_release(struct facts *facts, struct fact *fact);

/*
 * Gives up waiting: releases the fact and returns a private copy of it that stays unknown, for who
 * reads it elsewhere while the answer may still come. NULL if memory ran out: the fact is released
 * all the same.
 */
struct fact *facts_give_up(struct facts *facts, struct fact *fact);

/* Readable when answers wait; facts_collect() takes them. */
int facts_fd(const struct facts *facts);
void facts_collect(struct facts *facts);

struct facts_counts {
	uint64_t asked, cached, queue_full, given_up;
	uint64_t silent; /* not asked, since the place does not answer */
	uint64_t bytes;	 /* of all facts */
	uint64_t idle_bytes, waiting_bytes;
	uint32_t waiting;
	uint32_t stuck; /* lookups that hang now */
};
void facts_counts(const struct facts *facts, struct facts_counts *ret);
/* What facts take that are held. */
uint64_t facts_bytes(const struct facts *facts);
