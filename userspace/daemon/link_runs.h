/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Links that the kernel saw, against link records that came: what a linker linked of which no
 * record comes is counted. A record tells of the linker that its sender ran, or was: so it is
 * matched by the sender's pid, with the linker's own or its parent's, whichever of record and end
 * comes first. Plain links (runmark-ld(1)) leave no record either, and count.
 *
 * And the jobs of linkers that ended last: a wrapper is gone before its record is looked at.
 */
#pragma once

#include "common/config.h"
#include "common/job.h"

#define LINK_RUNS_MAX	  4096 /* that wait for a record; the oldest is given up first */
#define LINK_SENDERS_KEPT 256  /* of records, and of jobs */
#define LINK_CGROUP_MAX	  512
#define LINK_PATIENCE_NS  (20 * NS_PER_S) /* a record comes by then; the drop folder is slow */

/* True if a program of that path is a linker, or called like one. */
bool link_run_is_linker(struct bytes path);
/*
 * True if a linker's command line (NUL behind each argument) is for a link that could be recorded:
 * not to tell its version, not for an object, and not to an output that skip names.
 */
bool link_run_is_link(struct bytes argv, struct bytes cwd, const struct config_list *skip);

struct link_runs;

struct link_runs *link_runs_new(void);
void link_runs_free(struct link_runs *runs);

/* A linker has linked something and ended. */
void link_runs_ended(struct link_runs *runs, uint32_t pid, uint32_t parent_pid, uint32_t uid,
		     uint64_t now_ns);
/* A record came. pid 0: by the drop folder, it is of one of this user's links. */
void link_runs_recorded(struct link_runs *runs, uint32_t pid, uint32_t uid, uint64_t now_ns);
/* Those of which no record has come in time, ever. */
uint64_t link_runs_missing(struct link_runs *runs, uint64_t now_ns);

struct link_job {
	uint32_t pid;
	bool is_in_job;
	struct job job;
	char cgroup[LINK_CGROUP_MAX];
	size_t cgroup_len;
};
/* The place for the job of a linker that ended: the oldest's. The caller fills it in. */
struct link_job *link_runs_add_job(struct link_runs *runs);
/* NULL: no linker of that pid has ended lately. */
const struct link_job *link_runs_job(const struct link_runs *runs, uint32_t pid);
