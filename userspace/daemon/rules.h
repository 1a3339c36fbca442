/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is done with a run: the first rule of runmark.conf(5) of which all conditions hold decides,
 * once, when the image's exec is told. The verdict stands in the exec event's own traits, so that
 * it goes wherever the event goes: to the journal and back, and to copies that become runs.
 *
 * Conditions on names of users and groups hold when a worker has found the name's number; names are
 * asked for at the start and now and then again, never by the thread that drains the ring.
 */
#pragma once

#include "bpf/event.h"
#include "common/config.h"
#include "common/job.h"
#include "common/rule.h"
#include "daemon/facts.h"

#define RULES_NAMES_S 660 /* how often names are asked for again */

/* enum rule_action goes on */
enum {
	VERDICT_OUT_OF_SCOPE = RULE_ACTIONS, /* scope = jobs, and it is in none */
	VERDICT_OPTED_OUT,		     /* by its user; nothing is kept of it */
	VERDICTS
};

/* The layout of TRAIT_VERDICT: three bits say what, five which launchers' rank variables are set.
 */
#define VERDICT_SHIFT	24
#define VERDICT_ACTIONS 7u
#define RANKS_SHIFT	27
#define RANKS_MASK	31u
#define TASK_SHIFT	9 /* of TRAIT_TASK, with the same mask */

/* Launchers, by the bit of the variable that tells a task its rank. */
enum ranks {
	RANKS_SLURM = 1 << 0,
	RANKS_PMIX = 1 << 1,
	RANKS_PMI = 1 << 2,
	RANKS_OPENMPI = 1 << 3,
	RANKS_OTHER = 1 << 4,
};

struct subject {	/* what rules ask about; text is NUL-terminated */
	uint32_t known; /* bit by enum rule_about */
	uint32_t uid, gid;
	char comm[16];
	struct job job;
	char cgroup[CGROUP_MAX_BYTES + 1];
	char path[PATH_MAX_BYTES + 1];
};

/* Of an exec. */
void subject_of_exec(const struct event_exec *exec, struct subject *ret);
/* Of a file that nobody runs: its path, and the comm that it would most likely have. */
void subject_of_path(struct bytes path, struct subject *ret);

struct rules;

int rules_new(const struct config *config, struct rules **ret);
void rules_free(struct rules *rules, struct facts *facts);
/* Asks for names and takes answers. At once after rules_new(), then often; it asks seldom. */
void rules_advance(struct rules *rules, struct facts *facts, uint64_t now_ns);
/* True while a name has never been answered. */
bool rules_are_waiting(const struct rules *rules);

enum holds { HOLDS_NO, HOLDS_YES, HOLDS_UNKNOWN };

/* Rules in force, in order: the first may be the one of scope = jobs, the last is the full behind
 * all. */
size_t rules_count(const struct rules *rules);
const struct rule *rules_at(const struct rules *rules, size_t i);
unsigned int rules_line(const struct rules *rules, size_t i); /* 0: by default */
struct bytes rules_text(const struct rules *rules, size_t i);
enum holds rules_holds(const struct rules *rules, const struct rule_condition *condition,
		       const struct subject *subject);
/* All conditions of rule i. */
enum holds rules_match(const struct rules *rules, size_t i, const struct subject *subject);

/* The number of the rule that decides about a subject of which all is known, and what it says. */
size_t rules_decide(const struct rules *rules, const struct subject *subject,
		    unsigned int *ret_verdict);

/* The rules that the kernel side can apply itself: they ignore, by user and comm alone, and nothing
 * in front of them records. Number of them. */
size_t rules_for_kernel(const struct rules *rules, struct kernel_rule ret[KERNEL_RULES_MAX]);

/* Which of the variables by which launchers tell a task its rank an environment has, by bit. */
uint32_t ranks_of_env(struct bytes env);
/* True if a launcher started the image as a task: it has a rank that its parent has not. */
static inline bool is_task(uint32_t ranks, uint32_t parent_ranks)
{
	return ranks & ~parent_ranks;
}

/* The verdict of an exec event: enum rule_action or VERDICT_... */
static inline unsigned int exec_verdict(const struct event_exec *exec)
{
	unsigned int verdict = exec->head.traits >> VERDICT_SHIFT & VERDICT_ACTIONS;

	return verdict < VERDICTS ? verdict : RULE_FULL;
}
static inline uint32_t exec_ranks(const struct event_exec *exec)
{
	return exec->head.traits >> RANKS_SHIFT & RANKS_MASK;
}
static inline void exec_set_verdict(struct event_exec *exec, unsigned int verdict, uint32_t ranks)
{
	exec->head.traits &= ~TRAIT_VERDICT;
	exec->head.traits |= verdict << VERDICT_SHIFT | (ranks & RANKS_MASK) << RANKS_SHIFT;
}
/* The variables by which a launcher started the exec's process; 0: none did. */
static inline uint32_t exec_task(const struct event_exec *exec)
{
	return exec->head.traits >> TASK_SHIFT & RANKS_MASK;
}
static inline void exec_set_task(struct event_exec *exec, uint32_t ranks)
{
	exec->head.traits &= ~TRAIT_TASK;
	exec->head.traits |= (ranks & RANKS_MASK) << TASK_SHIFT;
}
static inline bool verdict_is_recorded(unsigned int verdict)
{
	return verdict == RULE_FULL || verdict == RULE_GROUP;
}
