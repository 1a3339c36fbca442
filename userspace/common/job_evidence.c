// SPDX-License-Identifier: BSD-2-Clause
/* What else than the control group tells of a job: the environment, the parent, a SLUID, a title.
 */
#include "common/job.h"
#include "common/job_pattern.h"

#include <ctype.h>

#define HET_COMPONENTS_MAX 128

enum job_part { PART_ID, PART_STEP, PART_TASK, PART_LOCAL_TASK, PART_ARRAY_ID, PART_ARRAY_TASK };

/* Manager by manager. */
static const struct variable {
	const char *manager;
	enum job_part part;
	const char *name;
} variables[] = {
	{"slurm", PART_ID, "SLURM_JOB_ID"},
	{"slurm", PART_STEP, "SLURM_STEP_ID"},
	{"slurm", PART_TASK, "SLURM_PROCID"},
	{"slurm", PART_LOCAL_TASK, "SLURM_LOCALID"},
	{"slurm", PART_ARRAY_ID, "SLURM_ARRAY_JOB_ID"},
	{"slurm", PART_ARRAY_TASK, "SLURM_ARRAY_TASK_ID"},
	{"pbs", PART_ID, "PBS_JOBID"},
	{"torque", PART_ID, "PBS_JOBID"},
	{"lsf", PART_ID, "LSB_JOBID"},
	{"lsf", PART_ARRAY_ID, "LSB_JOBID"},
	{"lsf", PART_ARRAY_TASK, "LSB_JOBINDEX"},
	{"flux", PART_ID, "FLUX_JOB_ID"},
	{"flux", PART_TASK, "FLUX_TASK_RANK"},
};

/* These have no control group of their own, or not always. */
static const struct {
	const char *runtime, *variable, *value; /* NULL: any */
} runtimes[] = {
	{"apptainer", "APPTAINER_CONTAINER", NULL}, {"singularity", "SINGULARITY_CONTAINER", NULL},
	{"charliecloud", "CH_RUNNING", NULL},	    {"enroot", "ENROOT_ROOTFS", NULL},
	{"podman", "container", "podman"}, /* rootless, where it may make none */
};

static const char *part_of(const struct job *job, enum job_part part, job_lookup lookup, void *arg)
{
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
		if (variables[i].part == part && !strcmp(variables[i].manager, job->manager))
			return lookup(arg, variables[i].name);
	return NULL;
}

/* The same, if it is digits that fit. */
static const char *number_of(const struct job *job, enum job_part part, job_lookup lookup,
			     void *arg)
{
	const char *value = part_of(job, part, lookup, arg);

	return value && *value && job_digits_length(bytes_of(value)) == strlen(value) ? value
										      : NULL;
}

/* A component of a het job: the environment has the leader's id, and each one's by number. */
static bool is_het_component(const struct job *job, job_lookup lookup, void *arg)
{
	const char *size = lookup(arg, "SLURM_HET_SIZE");
	unsigned long count = size ? strtoul(size, NULL, 10) : 0;
	char name[48];

	for (unsigned long i = 0; i < MIN(count, (unsigned long)HET_COMPONENTS_MAX); i++) {
		const char *id;

		snprintf(name, sizeof(name), "SLURM_JOB_ID_HET_GROUP_%lu", i);
		id = lookup(arg, name);
		if (id && !strcmp(id, job->id))
			return true;
	}
	return false;
}

/* Flux's id begins with U+0192 for an f, where it can be shown. */
static const char *plain_f(const char *id)
{
	return strncmp(id, "\xc6\x92", 2) ? id : id + 1;
}

/* Does the environment speak of this job? */
static bool agrees(const struct job *job, job_lookup lookup, void *arg)
{
	const char *id = part_of(job, PART_ID, lookup, arg);
	size_t len = strlen(job->id);

	if (!id)
		return false;
	if (!strcmp(job->manager, "flux"))
		return plain_f(id) != id ? !strcmp(plain_f(id) + 1, job->id + 1)
					 : !strcmp(id, job->id);
	if (!strcmp(id, job->id))
		return true;
	/* with its server */
	if (!strcmp(job->manager, "pbs") || !strcmp(job->manager, "torque"))
		return !strncmp(id, job->id, len) && id[len] == '.';
	return !strcmp(job->manager, "slurm") && is_het_component(job, lookup, arg);
}

/* The cgroup has "0+1" where the environment has "0". */
static bool is_same_step(const char *by_environment, const char *by_cgroup)
{
	size_t len = strcspn(by_cgroup, "+");

	return strlen(by_environment) == len && !memcmp(by_environment, by_cgroup, len);
}

void job_add_environment(struct job *job, job_lookup lookup, void *arg)
{
	const char *id, *array_id, *array_task, *step, *task, *local;

	if (!*job->manager)
		return;
	/* nobody but the environment tells the id */
	id = number_of(job, PART_ID, lookup, arg);
	if (*job->sluid && !strcmp(job->id, job->sluid) && id) {
		strcpy(job->id, id);
		job->id_from = JOB_FROM_ENVIRONMENT;
	}
	if (!agrees(job, lookup, arg))
		return;
	array_id = number_of(job, PART_ARRAY_ID, lookup, arg);
	array_task = number_of(job, PART_ARRAY_TASK, lookup, arg);
	/* LSF's that are no array have the index 0 */
	if (array_task && !strcmp(array_task, "0") && !strcmp(job->manager, "lsf"))
		array_task = NULL;
	if (array_id && array_task && !*job->array_id) {
		strcpy(job->array_id, array_id);
		strcpy(job->array_task, array_task);
		job->array_from = JOB_FROM_ENVIRONMENT;
	}
	/* An environment that was carried from another step tells nothing of this one's task. */
	step = number_of(job, PART_STEP, lookup, arg);
	if (step && *job->step && !is_same_step(step, job->step))
		return;
	/* the cgroup has its number on this node, which is the step's own number only on the first
	 */
	task = number_of(job, PART_TASK, lookup, arg);
	local = number_of(job, PART_LOCAL_TASK, lookup, arg);
	if (task && (!*job->task ||
		     (local && !strcmp(local, job->local_task) && strcmp(task, job->task)))) {
		strcpy(job->task, task);
		job->task_from = JOB_FROM_ENVIRONMENT;
	}
}

void job_add_container_environment(struct job *job, job_lookup lookup, void *arg)
{
	for (size_t i = 0; i < ARRAY_SIZE(runtimes) && !*job->container_runtime; i++) {
		const char *value = lookup(arg, runtimes[i].variable);

		if (!value || (runtimes[i].value && strcmp(value, runtimes[i].value)))
			continue;
		strcpy(job->container_runtime, runtimes[i].runtime);
		job->container_from = JOB_FROM_ENVIRONMENT;
	}
}

static void inherit_array(struct job *job, const struct job *parent)
{
	if (*job->array_id || !*parent->array_id)
		return;
	memcpy(job->array_id, parent->array_id, sizeof(job->array_id));
	memcpy(job->array_task, parent->array_task, sizeof(job->array_task));
	job->array_from = JOB_FROM_PARENT;
}

void job_inherit(struct job *job, const struct job *parent)
{
	struct job own = *job;

	if (!*parent->manager)
		return;
	if (!*job->manager) {
		*job = *parent;
		memcpy(job->container_runtime, own.container_runtime,
		       sizeof(own.container_runtime));
		memcpy(job->container_id, own.container_id, sizeof(own.container_id));
		job->container_from = own.container_from;
		job->id_from = JOB_FROM_PARENT;
		job->step_from = *job->step ? JOB_FROM_PARENT : JOB_FROM_NOTHING;
		job->task_from = *job->task ? JOB_FROM_PARENT : JOB_FROM_NOTHING;
		job->array_from = *job->array_id ? JOB_FROM_PARENT : JOB_FROM_NOTHING;
		return;
	}
	if (strcmp(job->manager, parent->manager))
		return;
	/* the step's daemon has told the parent what a SLUID's job is, and so on */
	if (*job->sluid && !strcmp(job->sluid, parent->sluid) && !strcmp(job->id, job->sluid) &&
	    strcmp(parent->id, parent->sluid)) {
		memcpy(job->id, parent->id, sizeof(job->id));
		job->id_from = JOB_FROM_PARENT;
	}
	if (strcmp(job->id, parent->id))
		return;
	inherit_array(job, parent);
	if (!*parent->task || strcmp(job->step, parent->step))
		return;
	if (!*job->task || (!strcmp(job->local_task, parent->local_task) &&
			    strcmp(job->task, parent->task) && job->task_from == JOB_FROM_CGROUP)) {
		memcpy(job->task, parent->task, sizeof(job->task));
		job->task_from = JOB_FROM_PARENT;
	}
}

bool job_check(const struct job *job)
{
	const struct {
		const char *text;
		size_t size;
	} texts[] = {
#define TEXT(member) {job->member, sizeof(job->member)}
		TEXT(manager),		 TEXT(id),	     TEXT(sluid),    TEXT(step),
		TEXT(local_task),	 TEXT(task),	     TEXT(array_id), TEXT(array_task),
		TEXT(container_runtime), TEXT(container_id),
#undef TEXT
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (!memchr(texts[i].text, '\0', texts[i].size))
			return false;
	return !*job->manager == !*job->id && job->id_from < JOB_FROMS &&
	       job->step_from < JOB_FROMS && job->task_from < JOB_FROMS &&
	       job->array_from < JOB_FROMS && job->container_from < JOB_FROMS;
}

bool job_sluid_parse(struct bytes text, struct job_sluid *ret)
{
	static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	uint64_t value = 0;

	if (text.len != JOB_SLUID_LEN || text.data[0] != 's')
		return false;
	for (size_t i = 1; i < JOB_SLUID_LEN; i++) {
		const char *digit = text.data[i] ? strchr(digits, text.data[i]) : NULL;

		/* 65 bits: the first has but four of its own */
		if (!digit || (i == 1 && digit - digits > 15))
			return false;
		value = value << 5 | (uint64_t)(digit - digits);
	}
	*ret = (struct job_sluid){.cluster = value >> 52,
				  .unix_ms = value >> 10 & ((1ULL << 42) - 1),
				  .sequence = value & 1023};
	return true;
}

bool job_id_of_title(struct bytes title, char ret[JOB_TEXT_MAX])
{
	static const char begin[] = "slurmstepd: [";
	size_t len = strlen(begin), digits;
	struct bytes id;

	if (title.len <= len || memcmp(title.data, begin, len))
		return false;
	id = (struct bytes){title.data + len, title.len - len};
	digits = job_digits_length(id);
	if (!digits || digits == id.len || id.data[digits] != '.')
		return false;
	memcpy(ret, id.data, digits);
	ret[digits] = '\0';
	return true;
}
