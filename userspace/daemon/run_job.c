// SPDX-License-Identifier: BSD-2-Clause
/* What an exec tells of its job and container; and how a record says that. */
#include "common/job.h"
#include "common/record.h"
#include "daemon/run_record.h"
#include "daemon/stepd.h"

#include <errno.h>

/* Told without a copy: the span of an exec that was seen. */
static struct bytes exec_bytes(const struct event_exec *exec, struct span span)
{
	return event_bytes(&exec->head, span);
}

struct bytes exec_cgroup(const struct event_exec *exec)
{
	struct bytes v2 = exec_bytes(exec, exec->cgroup), v1 = exec_bytes(exec, exec->cgroup_v1);
	const struct bytes none = {NULL, 0};
	struct job job;

	if (!v1.len)
		return v2;
	/* the one that tells the job; else the one that tells anything */
	if (v2.len > 1 && (!job_from_cgroup(v2, none, &job) || job_from_cgroup(none, v1, &job)))
		return v2;
	return v1;
}

struct bytes image_cgroup(const struct image *image)
{
	struct bytes cgroup = image->exec ? exec_cgroup(image->exec) : (struct bytes){NULL, 0};

	return cgroup.len ? cgroup : (struct bytes){NULL, 0};
}

/* The value ends with a NUL. */
static const char *env_lookup(void *arg, const char *name)
{
	const struct event_exec *exec = arg;
	struct bytes env = exec_bytes(exec, exec->env);
	size_t len = strlen(name);

	/* each entry ends with its NUL, but the last one where the environment was cut */
	while (env.len) {
		size_t step = strnlen(env.data, env.len) + 1;

		if (step > env.len)
			return NULL;
		if (!strncmp(env.data, name, len) && env.data[len] == '=')
			return env.data + len + 1;
		env.data += step;
		env.len -= step;
	}
	return NULL;
}

const char *exec_variable(const struct event_exec *exec, const char *name)
{
	return env_lookup((void *)exec, name);
}

/* Most execs stand where the one before stood: the same paths, by their bytes, are not parsed anew.
 */
static void job_of_paths(struct bytes v2, struct bytes v1, struct job *ret)
{
	static _Thread_local struct {
		char paths[2 * CGROUP_MAX_BYTES];
		size_t v2_len, v1_len;
		bool is_known;
		struct job job;
	} last;
	char *last_v1 = last.paths + CGROUP_MAX_BYTES;

	if (v2.len > CGROUP_MAX_BYTES || v1.len > CGROUP_MAX_BYTES) {
		(void)job_from_cgroup(v2, v1, ret);
		return;
	}
	if (!last.is_known || v2.len != last.v2_len || v1.len != last.v1_len ||
	    (v2.len && memcmp(v2.data, last.paths, v2.len)) ||
	    (v1.len && memcmp(v1.data, last_v1, v1.len))) {
		(void)job_from_cgroup(v2, v1, &last.job);
		if (v2.len)
			memcpy(last.paths, v2.data, v2.len);
		if (v1.len)
			memcpy(last_v1, v1.data, v1.len);
		last.v2_len = v2.len;
		last.v1_len = v1.len;
		last.is_known = true;
	}
	*ret = last.job;
}

int exec_job(const struct event_exec *exec, struct job *ret)
{
	struct bytes v2 = exec_bytes(exec, exec->cgroup);

	job_of_paths(v2, exec_bytes(exec, exec->cgroup_v1), ret);
	if (*ret->sluid && stepd_job_id(v2, ret->sluid, ret->id))
		ret->id_from = JOB_FROM_SLURMSTEPD;
	job_add_environment(ret, env_lookup, (void *)exec);
	if (exec->head.traits & TRAIT_MOUNT_OTHER)
		job_add_container_environment(ret, env_lookup, (void *)exec);
	return *ret->manager ? 0 : -ENOENT;
}

bool json_add_or_null(cJSON *object, const char *name, const char *text)
{
	return text && *text ? cJSON_AddStringToObject(object, name, text) != NULL
			     : record_add_null(object, name);
}

bool job_json_add(cJSON *record, const struct job *job, struct bytes cgroup)
{
	cJSON *json;

	if (!job || !*job->manager)
		return record_add_null(record, "job");
	json = cJSON_AddObjectToObject(record, "job");
	return json && json_add_or_null(json, "manager", job->manager) &&
	       json_add_or_null(json, "id", job->id) &&
	       json_add_or_null(json, "sluid", job->sluid) &&
	       json_add_or_null(json, "array_id", job->array_id) &&
	       json_add_or_null(json, "array_task", job->array_task) &&
	       json_add_or_null(json, "step", job->step) &&
	       json_add_or_null(json, "task", job->task) &&
	       json_add_or_null(json, "from", job_from_name(job->id_from)) &&
	       json_add_or_null(json, "step_from", job_from_name(job->step_from)) &&
	       json_add_or_null(json, "task_from", job_from_name(job->task_from)) &&
	       json_add_or_null(json, "array_from", job_from_name(job->array_from)) &&
	       record_add_text(json, "cgroup", cgroup);
}

/* The image's file or name, where the runtime leaves it in the environment. */
static const char *container_image(const struct image *image)
{
	static const char *const names[] = {"APPTAINER_CONTAINER", "SINGULARITY_CONTAINER"};
	const char *value = NULL;

	for (size_t i = 0; image->exec && !value && i < ARRAY_SIZE(names); i++)
		value = env_lookup(image->exec, names[i]);
	return value;
}

bool container_json_add(cJSON *record, const struct job *job, const struct image *image)
{
	cJSON *json;

	if (!*job->container_runtime)
		return record_add_null(record, "container");
	json = cJSON_AddObjectToObject(record, "container");
	return json && json_add_or_null(json, "runtime", job->container_runtime) &&
	       json_add_or_null(json, "id", job->container_id) &&
	       record_add_text(json, "image", bytes_of(container_image(image))) &&
	       json_add_or_null(json, "from", job_from_name(job->container_from));
}

static bool add_namespace(cJSON *json, const char *name, bool is_other)
{
	return cJSON_AddStringToObject(json, name, is_other ? "other" : "host");
}

bool namespaces_json_add(cJSON *record, const struct image *image)
{
	uint32_t traits = image->s.traits;
	cJSON *json;

	if (!(traits & TRAIT_NAMESPACES))
		return record_add_null(record, "namespaces");
	json = cJSON_AddObjectToObject(record, "namespaces");
	return json && add_namespace(json, "mount", traits & TRAIT_MOUNT_OTHER) &&
	       add_namespace(json, "user", traits & TRAIT_USER_OTHER);
}
