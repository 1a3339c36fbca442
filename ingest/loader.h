/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loads spool files into a database, each exactly once: what a file brings and the mark that it was
 * loaded are one transaction. See file.c for how.
 */
#pragma once

#include "ingest/backend.h"
#include "ingest/cache.h"
#include "ingest/names.h"
#include "ingest/plan.h"

#define LOADER_EXPECTED_MAX 4096 /* names of files that others named as the one before them */
#define LOADER_ATTEMPTS	    23	 /* at a file, when other loaders are in the way */

struct totals {
	uint64_t files, known;				   /* loaded; in the database before */
	uint64_t runs, starts, groups, links, nodes, sets; /* new */
	uint64_t duplicates;				   /* records that were there already */
	uint64_t quarantined, skipped; /* lines: unreadable; of kinds that we don't know */
	uint64_t missing;	       /* records that are known to be missing within the files */
	uint64_t lines;
	uint64_t not_whole; /* files */
};

/* "before" is the file that "name" says was written before it. */
struct expected {
	char *before, *name;
};

struct loader {
	struct backend *db;		/* borrowed */
	const struct site_names *names; /* of new paths; borrowed, NULL: none */
	const volatile sig_atomic_t *stop;
	/* Called every few hundred lines; may be NULL. lines: of the file, so far */
	void (*progress)(void *arg, const char *path, uint64_t lines);
	void *progress_arg;
	struct totals totals;
	struct expected *expected; /* of this program's life */
	size_t expected_count;
	struct cache *cache;
	int64_t generation; /* of the database, when the cache was last empty or right */
	struct plan *plans[SHAPE_COUNT];
	struct value values[PLAN_VALUES_MAX]; /* of the record at hand */
};

/* cJSON allocates from the arena from then on. */
int loader_init(struct loader *loader, struct backend *db, const volatile sig_atomic_t *stop);
void loader_done(struct loader *loader);

/* Begins a transaction. Forgets the ids it knows if rows have been pruned since the last one. */
int loader_begin(struct loader *loader);
/* Ends it: r 0 commits, a failure rolls back, and forgets the ids that the transaction gave out.
 * What committing returns, or r. */
int loader_end(struct loader *loader, int r);

/* Somebody else's transaction was in the way: waits a little, longer each time. */
void loader_pause(int attempt);

/* A plan_resolver; arg is the loader. */
int loader_entity(void *arg, const struct table *table, const struct value *key, int64_t *ret_id);

/* Notes that before should be, or come, in the database. */
void loader_expect(struct loader *loader, const char *before, const char *name);

enum file_outcome { FILE_LOADED, FILE_KNOWN };

struct file_result {
	enum file_outcome outcome;
	bool is_covered; /* everything in it is in the database: the file may go */
};

/*
 * One file. 0; -EINTR when asked to stop, -ENOENT if the file is gone, -ENOTSUP if it is no regular
 * file; what the back end returns, which then holds the sentence; any other errno of reading it.
 * *ret_is_database: the failure is the database's (only set on failure). On failure nothing of the
 * file is in the database but sets.
 */
int loader_load(struct loader *loader, int dir, const char *path, struct file_result *ret,
		bool *ret_is_database);
