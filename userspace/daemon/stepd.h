/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a SLUID to its job's id: Slurm 26.05's control groups have the former alone, while the
 * step's slurmstepd, in a leaf beside the tasks, has the id in its title.
 */
#pragma once

#include "common/job.h"

/* cgroup: a task's, on version 2. False if no title tells it. What was found once is kept. */
bool stepd_job_id(struct bytes cgroup, const char *sluid, char ret[JOB_TEXT_MAX]);
