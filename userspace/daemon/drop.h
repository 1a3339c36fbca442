/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The drop directory (mode 1733: anybody may put a file, nobody may look): link records, and what
 * the preload module tells of programs, that the socket didn't take. Everything in it is
 * somebody's, and may change or be a trap at any moment: a link, a FIFO, a file with a second name,
 * one that grows, a mount. A file counts if it is a regular one with one name, owned by whoever put
 * it there, of bounded size; its owner is the record's author. What counts is read, handed over and
 * removed; what never can is removed and counted.
 */
#pragma once

#include "receive.h"

/* of a whole file; others are being written */
#define DROP_NAME_SUFFIX   ".json"	     /* a link record */
#define DROP_RUN_SUFFIX	   ".run"	     /* struct run_file_head of common/run_message.h */
#define DROP_STALE_NS	   (3600 * NS_PER_S) /* a file still being written after so long is garbage */
#define DROP_WINDOW_NS	   (60 * NS_PER_S)   /* quotas of a user are for this long: */
#define DROP_UID_FILES	   10000
#define DROP_UID_BYTES	   (256 * 1024 * 1024)
#define DROP_RUN_MAX	   (256 * 1024) /* bytes of such a file: message, and end area */
#define DROP_UID_RUNS	   100000
#define DROP_UID_RUN_BYTES (1024 * 1024 * 1024)

struct drop_counters {		/* cumulative */
	uint64_t files, bytes;	/* collected */
	uint64_t postponed;	/* over their user's quota: left for the next window */
	uint64_t refused_type;	/* not a regular file */
	uint64_t refused_links; /* with a second name */
	uint64_t refused_size;	/* empty, or over its kind's size */
	uint64_t refused_stale; /* never finished */
	uint64_t refused_error; /* couldn't be read */
	uint64_t lost_memory;
};

struct drop;

/*
 * Makes the directory if it is missing, and sees to its mode. 0, -ENOTDIR (also for a link), -EPERM
 * if it belongs to somebody else than us, or negative errno.
 */
int drop_new(const char *path, struct drop **ret);
void drop_free(struct drop *drop);

/* Other than DROP_STALE_NS, for tests: a file's age can't be made up. */
void drop_set_stale(struct drop *drop, uint64_t ns);

/* Of one kind; what is of none (by its name) is counted with links. */
const struct drop_counters *drop_counters(const struct drop *drop, enum message_kind kind);

/*
 * Looks at no more than budget names, going on where the last call stopped, and calls fn (pid 0;
 * the message is the whole file) for each file collected. now_ns: monotonic. Never waits. Number of
 * names looked at, less than budget at the end of the directory (the next call begins anew); or
 * negative errno.
 */
int drop_collect(struct drop *drop, unsigned int budget, uint64_t now_ns, receive_fn *fn,
		 void *arg);
