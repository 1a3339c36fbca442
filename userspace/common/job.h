/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which job and container a control group belongs to, from its path, and what the environment adds.
 * One table of managers (job.c); a path counts only below the manager's own scope, since users may
 * create directories called job_7 below theirs. Who has no job by his own cgroup has his parent's.
 */
#pragma once

#include "util.h"

#define JOB_TEXT_MAX  64
#define JOB_SLUID_LEN 14

/* Where a part of a job is known from: the first that tells it. */
enum job_from {
	JOB_FROM_NOTHING,
	JOB_FROM_CGROUP,
	JOB_FROM_PARENT,      /* inherited at fork or exec */
	JOB_FROM_SLURMSTEPD,  /* the title of the step's daemon, which is root's */
	JOB_FROM_ENVIRONMENT, /* the user may have changed it */
	JOB_FROMS,
};
/* "cgroup", "parent", "slurmstepd", "environment"; NULL for nothing */
const char *job_from_name(unsigned int from);

/* A plain value, which goes to the journal as it is. Text is NUL-terminated; empty: unknown. */
struct job {
	char manager[16];	 /* "slurm"; empty: no job */
	char id[JOB_TEXT_MAX];	 /* "123"; the SLUID while nothing tells it, HTCondor's slot */
	char sluid[16];		 /* Slurm from 26.05 on; always from the cgroup */
	char step[JOB_TEXT_MAX]; /* "0", "batch", "extern", "interactive" */
	char task[JOB_TEXT_MAX]; /* "0" */
	char local_task[JOB_TEXT_MAX]; /* Slurm's number of it on this node, of the cgroup */
	char array_id[JOB_TEXT_MAX];
	char array_task[JOB_TEXT_MAX];
	char container_runtime[16];
	char container_id[80];				   /* empty: it has none */
	uint8_t id_from, step_from, task_from, array_from; /* enum job_from */
	uint8_t container_from;
	uint8_t pad[3];
};

/*
 * v2: path below the v2 root; v1: the deepest path among the v1 controllers. Either may be empty.
 * The more specific answer wins (a step before a job, a task before a step). 0, or -ENOENT if the
 * process is in no job: *ret then has at most its container, the innermost that a path tells of.
 */
int job_from_cgroup(struct bytes v2, struct bytes v1, struct job *ret);

/* The value of a variable, or NULL. */
typedef const char *(*job_lookup)(void *arg, const char *name);

/*
 * Adds what only the environment tells: array ids, and the task where the cgroup had none. Only if
 * the job's id there agrees with the one that the cgroup tells, or that is told by nobody else.
 */
void job_add_environment(struct job *job, job_lookup lookup, void *arg);
/* The runtime of a container that has no cgroup of its own, for a process whose mount namespace is
 * not the host's. */
void job_add_container_environment(struct job *job, job_lookup lookup, void *arg);

/* Adds what job doesn't tell and its parent's does: the job itself where it has none, else the
 * array, and the task of the same step. */
void job_inherit(struct job *job, const struct job *parent);

/* True if the job, which comes from a journal, can be believed: text ends, and so on. */
bool job_check(const struct job *job);

/* A Slurm SLUID: "s" and 13 characters of Crockford's base 32. False, and *ret untouched, if text
 * is none. */
struct job_sluid {
	uint32_t cluster, sequence;
	uint64_t unix_ms; /* when the job was submitted */
};
bool job_sluid_parse(struct bytes text, struct job_sluid *ret);
/*
 * The job's id in the title of a step's slurmstepd, "slurmstepd: [123.0]" or "slurmstepd:
 * [123.batch] stepmgr". False if that is none.
 */
bool job_id_of_title(struct bytes title, char ret[JOB_TEXT_MAX]);
