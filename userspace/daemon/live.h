/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The live table: what events tell, put together to program images.
 *
 * A process is (pid, start). An image is a process between two execs, or from its exec to its end;
 * a run is the record of one. A forked copy has no image of its own: it belongs to the image it was
 * copied from, into which its usage folds when it ends. If that image ends first, the copy becomes
 * an image of its own (origin "fork").
 *
 * Events may tell of an image before its exec does (mappings that exec itself makes) or without one
 * (killed between exec and its tracepoint): then the image begins as what is known.
 */
#pragma once

#include "common/job.h"
#include "daemon/event.h"
#include "daemon/facts.h"
#include <sys/queue.h>

#define LIVE_PROCESSES_MAX 65536 /* processes in the table; more are counted and not followed */
#define LIVE_OBJECTS_MAX   OBJECTS_MAX
#define LIVE_YOUNG_NS	   NS_PER_S /* a program's notes come from the kernel side till then */

struct live_key { /* of an image */
	uint64_t start_ns;
	uint32_t pid;
	uint32_t exec_id;
};

enum live_origin { ORIGIN_EXEC, ORIGIN_FORK, ORIGIN_SCAN };
enum live_end { END_NONE, END_EXIT, END_EXEC, END_UNSEEN };

/* All of an image that is a plain value: goes to the journal as it is (JOURNAL_IMAGE). */
struct live_image_state {
	struct live_key key;
	struct live_key parent;	   /* the run that started it; pid 0: not known */
	uint64_t begin_ns, end_ns; /* CLOCK_BOOTTIME */
	uint64_t begin_unix_ns;
	struct note_ids notes;
	bool has_notes;
	bool has_usage;
	bool exec_unseen;
	bool usage_of_process;	/* usage holds what the process used before this image */
	bool copy_unseen;	/* folded lacks a copy's: its end, or its exec, was not seen */
	bool awaits_program;	/* a loader was exec'd by name, and will map the program */
	bool by_loader;		/* it has: exec tells of the program since */
	bool is_trimmed;	/* too much was live: of its exec only the head is kept */
	bool lacks_objects;	/* too much was live: some were not kept */
	bool announced;		/* by a start record */
	bool knows_forks;	/* of a program that told of itself: others did of its copies */
	bool awaits_objects;	/* the kernel side could not see them: the program tells */
	uint8_t origin;		/* enum live_origin */
	uint8_t end;		/* enum live_end */
	uint32_t flags, traits; /* of all its events */
	uint32_t ppid;		/* 0: not known */
	uint32_t uid;
	uint32_t wait_status;
	uint32_t script_argument;  /* 0, or which argument is the script that env(1) ran this for */
	struct event_usage usage;  /* own */
	struct event_usage folded; /* of copies */
	uint64_t forks;		   /* copies that ended, or exec'd, before this image did */
	char comm[16];
};

struct process;

/* What is known of the job and the container: shared by all images of which the same is. */
struct held_job {
	struct job job;
	uint32_t users;
};

struct image {
	struct live_image_state s;
	struct event_exec *exec;     /* NULL if its exec was not seen */
	struct held_job *job;	     /* NULL: none, and no container */
	struct fact *program, *user; /* program: only where notes were not in memory */
	struct fact **objects;
	uint32_t object_count, object_size;
	uint32_t cost;	      /* bytes, as the table counts it */
	uint64_t deadline_ns; /* facts are waited for until then */
	TAILQ_HEAD(, process) copies;
	TAILQ_ENTRY(image) link;  /* of the list it is handed on by */
	TAILQ_ENTRY(image) young; /* of those that have just begun */
	bool is_young;
	bool is_announcing;	   /* a start record is on its way */
	TAILQ_ENTRY(image) flight; /* of what the writer has */
};
TAILQ_HEAD(image_list, image);

struct live;

struct live_counts {
	uint32_t processes, images;
	uint64_t bytes;	  /* of live images and processes */
	uint64_t full;	  /* forks and execs that found the table full */
	uint64_t trimmed; /* images of which only the head was kept */
	uint64_t unseen_execs, unseen_ends;
};

int live_new(struct facts *facts, struct live **ret);
void live_free(struct live *live);

/*
 * What live images, and the facts they hold, may take: above half of it, only the head of new ones
 * is kept; above all of it, nothing (0: no limit).
 */
void live_set_max(struct live *live, uint64_t max_bytes);
/* For a table that was within another limit: oldest first, images are cut to their heads, and then
 * the newest go, until it is below half of the limit. */
void live_shrink(struct live *live);

/* CLOCK_REALTIME - CLOCK_BOOTTIME, for the times of what comes next. */
void live_set_clock(struct live *live, int64_t unix_minus_boot_ns);
/* What the kernel counts in, for processes that told of themselves: their start is known in whole
 * ticks. */
void live_set_tick(struct live *live, uint64_t tick_ns);
/* Tracking began then (CLOCK_BOOTTIME): an exec before it is not counted as unseen. */
void live_set_begin(struct live *live, uint64_t begin_ns);

/* What a checked event changes. is_scan: an exec event made up from /proc. */
void live_apply(struct live *live, const struct event *event, bool is_scan);

/* Images that have ended, oldest first. The caller takes them off the list and owns them
 * (image_free()). */
struct image_list *live_finished(struct live *live);
void image_free(struct facts *facts, struct image *image);
/* True if its process told of it itself, and the kernel side did not. */
bool image_is_told(const struct image *image);
/* What the rules say of it (daemon/rules.h); of one whose exec was not seen: full. */
unsigned int image_verdict(const struct image *image);

/* True if (pid, start) is in the table, with the program it runs. */
bool live_knows_program(const struct live *live, uint32_t pid, uint64_t start_ns);
/* The image that a process runs now, its copy's origin for a copy; NULL if it isn't known. start_ns
 * 0: any. */
const struct image *live_image_of(const struct live *live, uint32_t pid, uint64_t start_ns);

/*
 * The job that an exec's image is of: what the exec itself tells, and what that leaves open from
 * the image that its process has run till now, the one it was forked from at first; where that
 * isn't known, from its parent's. So a process that a container's runtime moves out of the job's
 * cgroup stays in the job. -ENOENT: none; *ret then has at most its container.
 */
int live_job(const struct live *live, const struct event_exec *exec, struct job *ret);

/* Ends every process that is_alive() denies: its end was not seen. Not those that told of
 * themselves, whose ends others tell. */
void live_reconcile(struct live *live, bool (*is_alive)(void *arg, uint32_t pid, uint64_t start_ns),
		    void *arg);
/* The same for one process. */
void live_gone(struct live *live, uint32_t pid, uint64_t start_ns);

/* Has programs looked at that have run for LIVE_YOUNG_NS and whose notes nobody has told of: while
 * they run, their memory can be read. */
void live_look(struct live *live, uint64_t now_ns);

/* The processes of which only what they told themselves is known, copies too. token: of the exec,
 * 0 if its image isn't known. */
struct live_told {
	struct live_key key;
	uint64_t token, end_memory, begin_ns;
	uint32_t uid;
	bool is_copy;
};
void live_each_told(const struct live *live, void (*each)(void *arg, const struct live_told *told),
		    void *arg);
/* A process of that pid that started in the tick that begins at start_ns. False: there is none. */
struct live_found {
	struct live_key key;
	uint32_t next_exec_id;	   /* of what it would run next */
	const struct image *image; /* NULL: not known */
	bool is_copy, is_told;
};
bool live_find(const struct live *live, uint32_t pid, uint64_t start_ns, uint64_t tick_ns,
	       struct live_found *ret);

/* The same among those that ended last; start_ns 0: the newest of that pid. */
bool live_has_ended(const struct live *live, uint32_t pid, uint64_t start_ns, uint64_t tick_ns);

/* What others tell of the copies of a program that told of itself, when it ends: in place of what
 * is known of them here. lacks: some are not in usage. */
void live_set_copies(struct live *live, const struct live_key *key, uint64_t forks,
		     const struct event_usage *usage, bool lacks);

/* Each process's own image. */
void live_each(struct live *live, void (*each)(void *arg, struct image *image), void *arg);
/* The image of that key, if its process still runs it. */
struct image *live_running(struct live *live, const struct live_key *key);

void live_counts(const struct live *live, struct live_counts *ret);

/* For the journal: everything as entries, and back. */
typedef int (*live_writer)(void *arg, uint32_t kind, const void *data, size_t len);
struct live_saver { /* of one journal: each file is told once */
	live_writer writer;
	void *arg;
	uint32_t saving, files;
};
struct live_saver live_saver(live_writer writer, void *arg);
int image_save(const struct image *image, struct live_saver *saver);
int live_save(const struct live *live, struct live_saver *saver);
struct live_file_state { /* JOURNAL_FILE: its path is behind it */
	uint32_t number;
	uint32_t is_told; /* by a process itself: notes are its word */
	struct event_file file;
	struct note_ids notes;
};
struct live_process_state { /* JOURNAL_PROCESS: one that runs no image of its own */
	struct live_key key, parent;
	struct live_key run; /* that it is a copy of; pid 0: not known */
	uint64_t fork_ns;
	uint64_t is_dropped; /* what it runs found no room */
	uint64_t is_told;    /* the kernel side doesn't know it */
};
struct live_job_state { /* JOURNAL_JOB: an image's, where its own exec doesn't tell it */
	struct live_key key;
	struct job job;
};
/* An entry of the table's own, as it was saved: true if it is one. Events are told by live_apply(),
 * before those that refer to them. */
bool live_restore(struct live *live, uint32_t kind, struct bytes data);
/* All is told: what was kept for entries to come goes. */
void live_restored(struct live *live);
/* The image of this key, taken off the finished ones; the caller owns it. NULL: there is none. */
struct image *live_take(struct live *live, const struct live_key *key);
/* Its record is written: an image of this key among the finished goes. */
void live_forget(struct live *live, const struct live_key *key);
