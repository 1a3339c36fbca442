/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which job a control group belongs to, from its path alone. One table of managers (job.c); a path
 * counts only below the manager's own scope, since users may create directories called job_7 below
 * theirs. Layouts: Slurm's src/plugins/cgroup/{v1,v2} (21.08 to 25.11).
 */
#pragma once

#include "util.h"

#define JOB_TEXT_MAX 64

/* Text fields are NUL-terminated; empty: unknown. */
struct job {
	char manager[16];	 /* "slurm" */
	char id[JOB_TEXT_MAX];	 /* "123" */
	char step[JOB_TEXT_MAX]; /* "0", "batch", "extern", "interactive" */
	char task[JOB_TEXT_MAX]; /* "0" */
	char array_id[JOB_TEXT_MAX];
	char array_task[JOB_TEXT_MAX];
	char container_runtime[16];
	char container_id[80];
};

/*
 * v2: path below the v2 root; v1: the deepest path among the v1 controllers. Either may be empty.
 * The more specific answer wins (a step before a job, a task before a step). 0, or -ENOENT if the
 * process is in no job: *ret is then all empty.
 */
int job_from_cgroup(struct bytes v2, struct bytes v1, struct job *ret);

/*
 * Adds the innermost container that path tells of, for a process that is in no job by its cgroup:
 * one that inherited its parent's job, or is outside of all. False, and nothing changed, if there
 * is none.
 */
bool job_add_container(struct job *job, struct bytes path);

/*
 * Adds what only the environment tells: SLURM_ARRAY_JOB_ID, SLURM_ARRAY_TASK_ID, SLURM_PROCID where
 * the cgroup had no task. Only if SLURM_JOB_ID agrees with the job from the cgroup. lookup returns
 * the value of a variable or NULL.
 */
void job_add_environment(struct job *job, const char *(*lookup)(void *arg, const char *name),
			 void *arg);
