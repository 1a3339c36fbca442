// SPDX-License-Identifier: BSD-2-Clause
/* The job of an image: from its control group and, for what that doesn't tell, its environment. */
#include "common/job.h"
#include "common/record.h"
#include "daemon/run_record.h"

#include <errno.h>

/* Told without a copy: the span of an exec that was seen. */
static struct bytes exec_bytes(const struct image *image, struct span span)
{
	return event_bytes(&image->exec->head, span);
}

struct bytes image_cgroup(const struct image *image)
{
	struct bytes v1, v2;
	struct job job;

	if (!image->exec)
		return (struct bytes){NULL, 0};
	v2 = exec_bytes(image, image->exec->cgroup);
	v1 = exec_bytes(image, image->exec->cgroup_v1);
	if (v1.len && (v2.len <= 1 || job_from_cgroup(v2, (struct bytes){NULL, 0}, &job)))
		return v1;
	return v2;
}

static const char *env_lookup(void *arg, const char *name)
{
	const struct image *image = arg;
	struct bytes env = exec_bytes(image, image->exec->env);
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

int image_job(const struct image *image, struct job *ret)
{
	int r;

	memset(ret, 0, sizeof(*ret));
	if (!image->exec)
		return -ENOENT;
	r = job_from_cgroup(exec_bytes(image, image->exec->cgroup),
			    exec_bytes(image, image->exec->cgroup_v1), ret);
	if (!r)
		job_add_environment(ret, env_lookup, (void *)image);
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
