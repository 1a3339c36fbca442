// SPDX-License-Identifier: BSD-2-Clause
/* The job of an image: from its control group and, for what that doesn't tell, its environment. */
#include "common/job.h"
#include "common/record.h"
#include "daemon/run_record.h"

#include <errno.h>

/* Told without a copy: the span of an exec that was seen. */
static struct bytes exec_bytes(const struct event_exec *exec, struct span span)
{
	return event_bytes(&exec->head, span);
}

struct bytes exec_cgroup(const struct event_exec *exec)
{
	struct bytes v2 = exec_bytes(exec, exec->cgroup), v1 = exec_bytes(exec, exec->cgroup_v1);
	struct job job;

	if (v1.len && (v2.len <= 1 || job_from_cgroup(v2, (struct bytes){NULL, 0}, &job)))
		return v1;
	return v2;
}

struct bytes image_cgroup(const struct image *image)
{
	return image->exec ? exec_cgroup(image->exec) : (struct bytes){NULL, 0};
}

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

int exec_job(const struct event_exec *exec, struct job *ret)
{
	return job_from_cgroup(exec_bytes(exec, exec->cgroup), exec_bytes(exec, exec->cgroup_v1),
			       ret);
}

int image_job(const struct image *image, struct job *ret)
{
	int r;

	memset(ret, 0, sizeof(*ret));
	if (!image->exec)
		return -ENOENT;
	r = exec_job(image->exec, ret);
	if (!r)
		job_add_environment(ret, env_lookup, image->exec);
	return r;
}

bool json_add_or_null(cJSON *object, const char *name, const char *text)
{
	return text && *text ? cJSON_AddStringToObject(object, name, text) != NULL
			     : record_add_null(object, name);
}

bool job_json_add(cJSON *record, const struct job *job, struct bytes cgroup)
{
	cJSON *json;

	if (!job || !*job->id)
		return record_add_null(record, "job");
	json = cJSON_AddObjectToObject(record, "job");
	return json && json_add_or_null(json, "manager", job->manager) &&
	       json_add_or_null(json, "id", job->id) && record_add_null(json, "sluid") &&
	       json_add_or_null(json, "array_id", job->array_id) &&
	       json_add_or_null(json, "array_task", job->array_task) &&
	       json_add_or_null(json, "step", job->step) &&
	       json_add_or_null(json, "task", job->task) &&
	       json_add_or_null(json, "from", "cgroup") && record_add_text(json, "cgroup", cgroup);
}
