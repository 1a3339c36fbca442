// SPDX-License-Identifier: BSD-2-Clause
/*
 * Rank and size of a task: the environment tells them, since nobody else does. What a launcher
 * started is known by a rank that its parent has not (rules.h), so that what a task runs itself,
 * and mpirun in a batch script, are no ranks of their own.
 */
#include "common/job.h"
#include "common/record.h"
#include "daemon/rules.h"
#include "daemon/run_record.h"

#include <ctype.h>

#define RANK_DIGITS_MAX 9

/* The first that a launcher has set decides: MPI's own before those of what started it. */
static const struct {
	enum ranks bit;
	const char *rank, *size; /* size NULL: it isn't told */
} launchers[] = {
	{RANKS_OPENMPI, "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"},
	{RANKS_PMI, "PMI_RANK", "PMI_SIZE"},
	{RANKS_OTHER, "MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE"},
	{RANKS_SLURM, "SLURM_PROCID", "SLURM_NTASKS"},
	{RANKS_PMIX, "PMIX_RANK", NULL},
	{RANKS_OTHER, "PALS_RANKID", NULL},
};

/* -1: no number. */
static long number_of(const struct event_exec *exec, const char *name)
{
	const char *text = name ? exec_variable(exec, name) : NULL;
	size_t digits = text ? strspn(text, "0123456789") : 0;

	return digits && !text[digits] && digits <= RANK_DIGITS_MAX ? strtol(text, NULL, 10) : -1;
}

/* A batch script has SLURM_PROCID=0 and the job's number of tasks, and is none of them. */
static bool is_script(const struct job *job)
{
	return *job->step && !isdigit((unsigned char)*job->step);
}

bool mpi_json_add(cJSON *record, const struct image *image, const struct job *job)
{
	uint32_t task = image->exec && image->s.origin != ORIGIN_FORK ? exec_task(image->exec) : 0;
	long rank, size;
	cJSON *mpi;

	for (size_t i = 0; task && i < ARRAY_SIZE(launchers); i++) {
		if (!(task & launchers[i].bit) ||
		    (launchers[i].bit == RANKS_SLURM && is_script(job)))
			continue;
		rank = number_of(image->exec, launchers[i].rank);
		size = number_of(image->exec, launchers[i].size);
		if (rank < 0 || (size >= 0 && rank >= size))
			continue;
		mpi = cJSON_AddObjectToObject(record, "mpi");
		return mpi && record_add_number(mpi, "rank", (double)rank) &&
		       (size < 0 ? record_add_null(mpi, "size")
				 : record_add_number(mpi, "size", (double)size)) &&
		       cJSON_AddStringToObject(mpi, "from", launchers[i].rank);
	}
	return record_add_null(record, "mpi");
}
