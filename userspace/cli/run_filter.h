/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which runs, and groups of runs: what find and show ask the database.
 *
 * Names, patterns and ids are looked up first, in the dictionaries (run_resolve.c); each gives a
 * condition: row numbers of which a run must have one. Then the runs are walked along the index
 * of the condition that leaves the fewest (run_search.c), and the other conditions are checked on
 * each row. So there are no statements put together from pieces, nothing is quoted, and the
 * database's planner, which knows nothing of how often a program ran, has nothing to choose.
 */
#pragma once

#include "cli/ids.h"
#include "cli/store.h"

struct run_filter {	  /* NULL, empty, 0: any */
	const char *user; /* name or uid */
	const char *job; /* "123", "123.0", "120_3", "123+1", "120" (also all tasks of the array) */
	const char *sluid;		  /* Slurm's unique id of a job */
	const char *container;		  /* a runtime's name, or how an id begins */
	const char *host;		  /* name or glob */
	const char *exe, *lib;		  /* see pattern.h */
	const char *file;		  /* path: as program or as library */
	const char *software;		  /* what a program is called, or a glob */
	const char *module;		  /* of a program or library: name, name/version, glob */
	struct bytes watermark, build_id; /* of the program or of one of its libraries */
	const char *source;		  /* who saw it: bpf, preload, xalt */
	bool failed; /* ended with a signal or another code than 0; of a group, one at least */
	int signal;
	bool running;	   /* its end has not come, and the node has not booted since */
	uint64_t since_us; /* ended at or after, or has not yet; 0: any */
	uint64_t until_us; /* start before; 0: any */
	uint64_t limit;	   /* the newest so many; 0: all */
};

/* Columns of a run that hold a row number of a dictionary (uid: the number itself). */
enum run_column {
	RUN_JOB,
	RUN_PROGRAM,
	RUN_OBJECT_SET,
	RUN_USER,
	RUN_HOST,
	RUN_SPAN,
	RUN_CONTAINER,
	RUN_UID,
	RUN_COLUMNS
};

/* A run fits if one of its columns has one of that column's ids. */
struct run_condition {
	struct ids ids[RUN_COLUMNS];
};

#define RUN_CONDITIONS_MAX 13
#define RUN_STEP_MAX	   64

struct run_conditions {
	struct run_condition items[RUN_CONDITIONS_MAX];
	size_t count;
	char step[RUN_STEP_MAX]; /* of the job; "": any */
};

/*
 * Looks up what the filter names. 0; -ENOENT if something can't fit any run (no such user, ...);
 * -EINVAL if a text makes no sense; other negative errno.
 */
int run_resolve(struct store *store, const struct run_filter *filter, struct run_conditions *ret);
/* Whether a job can be called so. */
bool run_job_is_name(const char *name);
void run_conditions_done(struct run_conditions *conditions);

struct run_key {
	int64_t start_us;
	uint8_t id[16]; /* of the run or group */
	bool is_group;
};

/*
 * Calls found for each run and group that fits, oldest first; a result other than 0 ends the search
 * and is returned. 0 or negative errno.
 */
int run_search(struct store *store, const struct run_filter *filter,
	       int (*found)(void *arg, const struct run_key *key), void *arg);

/* How many runs fit all of the conditions' ids, members of groups included, whatever else the
 * filter says. For filters of one condition. */
int run_count(struct store *store, const struct run_filter *filter, uint64_t *ret);
