/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What Slurm's sacct prints with --parsable2: a heading with the names of the columns, then a line
 * for each job and, behind it, its steps. Pure: lines in, jobs out.
 */
#pragma once

#include "common/util.h"

#define SACCT_COLUMNS_MAX 64
#define SACCT_LINE_MAX	  65536
#define SACCT_TEXT_MAX	  256  /* of an id or name */
#define SACCT_NODES_MAX	  8192 /* of the list of nodes; a longer one is left out */
#define SACCT_WHY_SIZE	  160
#define SACCT_UNKNOWN	  INT64_MIN
#define SACCT_NODE_LIST	  -2 /* instead of a text or number */

/* The columns that are asked for: what the manual says, and all that are looked at. */
#define SACCT_FORMAT                                                                               \
	"JobIDRaw,JobID,Cluster,User,UID,Account,Partition,QOS,State,ExitCode,Submit,Start,End,"   \
	"ElapsedRaw,TimelimitRaw,ReqCPUS,AllocCPUS,ReqMem,NNodes,NodeList,TotalCPU,MaxRSS"

enum sacct_stage { SACCT_WAITS, SACCT_RUNS, SACCT_ENDED };

enum sacct_number {
	SACCT_HET_OFFSET,
	SACCT_UID,
	SACCT_NODES,
	SACCT_REQUESTED_CPUS,
	SACCT_REQUESTED_MEMORY, /* bytes, of all nodes */
	SACCT_REQUESTED_US,
	SACCT_CPUS,
	SACCT_SUBMIT_US, /* since 1970 */
	SACCT_START_US,
	SACCT_END_US,
	SACCT_ELAPSED_US,
	SACCT_CPU_US,
	SACCT_MAX_RSS,
	SACCT_EXIT_CODE,
	SACCT_EXIT_SIGNAL,
	SACCT_NUMBERS
};

enum sacct_text {
	SACCT_JOB_ID,
	SACCT_CLUSTER,
	SACCT_STATE,
	SACCT_ARRAY_ID,
	SACCT_ARRAY_TASK,
	SACCT_HET_ID,
	SACCT_SLUID,
	SACCT_USER,
	SACCT_ACCOUNT,
	SACCT_QUEUE,
	SACCT_QOS,
	SACCT_TEXTS
};

struct sacct_job {
	bool is_step; /* only its id and max_rss are of interest */
	enum sacct_stage stage;
	int64_t numbers[SACCT_NUMBERS];		 /* SACCT_UNKNOWN */
	char texts[SACCT_TEXTS][SACCT_TEXT_MAX]; /* "": unknown */
	char node_list[SACCT_NODES_MAX];
};

struct sacct {
	int columns[SACCT_COLUMNS_MAX]; /* what each is; -1: of no interest */
	size_t count;
};

/* All three: line has no line break; why gets the reason of -EINVAL, one sentence's worth. */

/* The heading: 0; -EINVAL if it can't be sacct's, or lacks the id or the state. */
int sacct_heading(struct bytes line, struct sacct *ret, char why[SACCT_WHY_SIZE]);

/* A line of a job or step: 0, -EINVAL. */
int sacct_line(const struct sacct *sacct, struct bytes line, struct sacct_job *ret,
	       char why[SACCT_WHY_SIZE]);

/* A step's peak of memory counts for its job. False if it is not of that job. */
bool sacct_add_step(struct sacct_job *job, const struct sacct_job *step);
