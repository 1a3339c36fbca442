/* SPDX-License-Identifier: BSD-2-Clause */
/* Cgroup paths, "v2 NUL v1": what is found is bounded, and only letters and digits. */
#include "common/job.h"

#include <ctype.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text, size_t size)
{
	if (strnlen(text, size) == size)
		abort();
	for (; *text; text++)
		if (!isalnum((unsigned char)*text) && !strchr("+-[]@._", *text))
			abort();
}

static const char *lookup(void *arg, const char *name)
{
	(void)name;
	return arg;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *copy = malloc(size ?: 1), *value = strndup((const char *)data, size);
	const uint8_t *split = size ? memchr(data, 0, size) : NULL;
	size_t v2_len = split ? (size_t)(split - data) : size;
	struct bytes v2 = {copy, v2_len}, v1 = {copy + v2_len, size - v2_len};
	char title[JOB_TEXT_MAX];
	struct job_sluid sluid;
	struct job job, other;

	memcpy(copy, data, size);
	if (v1.len)
		v1 = (struct bytes){v1.data + 1, v1.len - 1};
	if (job_from_cgroup(v2, v1, &job) < 0 && (*job.id || *job.step || *job.manager))
		abort();
	job_add_environment(&job, lookup, value);
	job_add_container_environment(&job, lookup, value);
	if (job_from_cgroup(v1, v2, &other) < 0 && (*other.id || *other.step || *other.manager))
		abort();
	job_inherit(&other, &job);
	if (!job_check(&job) || !job_check(&other))
		abort();
	if (job_id_of_title(v2, title))
		check_text(title, sizeof(title));
	(void)job_sluid_parse(v2, &sluid);
	check_text(job.id, sizeof(job.id));
	check_text(job.sluid, sizeof(job.sluid));
	check_text(job.step, sizeof(job.step));
	check_text(job.task, sizeof(job.task));
	check_text(job.array_id, sizeof(job.array_id));
	check_text(job.array_task, sizeof(job.array_task));
	check_text(job.container_runtime, sizeof(job.container_runtime));
	check_text(job.container_id, sizeof(job.container_id));
	return 0;
}
