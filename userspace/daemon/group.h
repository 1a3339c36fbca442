/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Groups: short equal runs of one job step, told of as one. Equal are runs of the same job, step
 * and container (outside of jobs: control group), user, program, script and objects. The first run
 * of a key is held back; the second makes it a group. Whatever a run record would have said of a
 * member in numbers goes into sums, extremes and the histogram of exits, from the very values that
 * the record would have shown: so nothing is rounded twice, and nothing is sampled away.
 *
 * What differs between members is not told (argv, cwd, pids never; control group, environment and
 * the requested name while all members agree).
 */
#pragma once

#include "daemon/live.h"
#include "daemon/run_values.h"

#define GROUPS_MAX	4096 /* open at once; then the oldest is written */
#define GROUP_EXITS_MAX 32   /* different exits of one; then it is written and another one begun */

struct group_sum {
	uint64_t sum, min, max;
};

struct group_exit {
	uint64_t count;
	uint32_t wait_status;
	uint8_t by_exec, oom;
	uint8_t pad[2];
};

/* Hashes of what is told only while all members agree. */
enum group_same { SAME_CGROUP, SAME_ENV, SAME_REQUESTED, GROUP_SAMES };

/* All of a group that is a plain value: goes to the journal as it is (JOURNAL_GROUP). */
struct group_state {
	struct live_key first;	   /* its first member: what it is known by */
	uint64_t hash[2];	   /* of what makes members equal */
	uint64_t since_ns;	   /* CLOCK_BOOTTIME: its window began */
	uint64_t begin_ns, end_ns; /* CLOCK_BOOTTIME: of the first and the last that any ran */
	uint64_t count;
	uint64_t rss_count; /* members whose peak memory is known */
	struct group_sum sums[RUN_VALUES];
	uint64_t same[GROUP_SAMES];
	uint32_t varies; /* bit by enum group_same */
	uint32_t exit_count;
	struct group_exit exits[GROUP_EXITS_MAX];
};

/* That a finished image is a member now (JOURNAL_MEMBER). */
struct group_member {
	struct live_key member, first;
	uint64_t hash[2];
};

struct group {
	struct group_state s;
	struct image *first;  /* owned, with its facts: what the record is made of */
	size_t cost;	      /* bytes, in memory and in the journal */
	uint64_t deadline_ns; /* the first member's facts are waited for until then */
	bool is_open;
	TAILQ_ENTRY(group) link;   /* oldest window first; or of those that have ended */
	TAILQ_ENTRY(group) bucket; /* by hash, while it is open */
};
TAILQ_HEAD(group_list, group);

/* Of an image whose facts are known: what makes it equal to others. */
void group_hash(const struct image *image, uint64_t ret[2]);

/* With the image, which it takes over, as its only member. NULL if memory ran out. */
struct group *group_new(struct image *image, const uint64_t hash[2]);
/* The image too. */
void group_free(struct facts *facts, struct group *group);
/* Adds an image that stays the caller's. False, and nothing changed, if it would be one exit too
 * many. */
bool group_add(struct group *group, const struct image *image);
/* True if a state, which comes from a journal, can be believed. */
bool group_state_check(const struct group_state *state);

/* The table of those that are open. */
struct groups;

int groups_new(struct groups **ret);
/* It must be empty. */
void groups_free(struct groups *groups);

struct group *groups_find(const struct groups *groups, const uint64_t hash[2]);
/* Opens it; one of the same hash that is open already must be taken out before. */
void groups_put(struct groups *groups, struct group *group);
void groups_take(struct groups *groups, struct group *group);
/* That whose window began first, or NULL; the others in that order by TAILQ_NEXT(group, link). */
struct group *groups_oldest(const struct groups *groups);

uint32_t groups_count(const struct groups *groups);
size_t groups_cost(const struct groups *groups);
