/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A manager is a line of the table: where its own scope stands from the root of the hierarchy on,
 * what must follow for a job, and what may follow as far as it goes. Nothing is searched for in the
 * middle of a path, so a directory called job_7 that a user made below his session is no job.
 *
 * Patterns go by components. In a component, * is one or more of any characters; %i, %s, %t are the
 * job's id, step and task, %u digits that aren't kept, %h a container's 64 hex digits.
 */
#include "common/job.h"

#include <ctype.h>
#include <errno.h>

#define ANCHORS_MAX 4
#define HEX_LEN	    64

struct manager {
	const char *name;
	bool is_v2;
	const char *anchors[ANCHORS_MAX]; /* from the root on; the first that matches */
	const char *job;		  /* must follow */
	const char *below;		  /* may follow, as far as it goes */
	const char *never;		  /* behind the job: processes of the manager's own */
};

/* clang-format off */
static const struct manager managers[] = {
	/* src/plugins/cgroup/v1/cgroup_v1.c, xcgroup.c: one tree a controller. */
	{"slurm", false, {"slurm", "slurm_*"}, "uid_%u/job_%i", "step_%s/task_%t", NULL},
	/* src/plugins/cgroup/v2/cgroup_v2.c; a process outside of all tasks is in task_special. */
	{"slurm", true, {"*.slice/slurmstepd.scope", "*.slice/*_slurmstepd.scope",
			 "slurmstepd.scope", "*_slurmstepd.scope"},
	 "job_%i", "step_%s/user/task_%t", "step_%s/slurm"},
};

/* libpod-conmon-<id>.scope holds podman's monitor, and fits none of these. */
static const struct {
	const char *runtime, *pattern;
	bool is_below_job; /* too little to go by elsewhere */
} containers[] = {
	{"podman", "libpod-%h.scope", false},
	{"podman", "libpod-%h", false},
	{"docker", "docker-%h.scope", false},
	{"docker", "docker/%h", false},
	{"containerd", "cri-containerd-%h.scope", false},
	{"cri-o", "crio-%h.scope", false},
	{"podman", "%h", true}, /* rootless, cgroupfs manager */
};
/* clang-format on */

struct capture {
	struct bytes id, step, task, container;
};

/* Length of the longest id at the start of text, 0 if there is none. */
static size_t digits_length(struct bytes text)
{
	size_t len = 0;

	while (len < text.len && isdigit((unsigned char)text.data[len]))
		len++;
	return len < JOB_TEXT_MAX ? len : 0;
}

/* "0", "batch", "extern", "interactive", "TBD", with "+1" for a component of a het job. */
static size_t step_length(struct bytes text)
{
	size_t len = digits_length(text);

	if (!len)
		while (len < text.len && isalpha((unsigned char)text.data[len]))
			len++;
	if (len && len < text.len && text.data[len] == '+') {
		size_t more =
			digits_length((struct bytes){text.data + len + 1, text.len - len - 1});

		len = more ? len + 1 + more : 0;
	}
	return len < JOB_TEXT_MAX ? len : 0;
}

static size_t hex_length(struct bytes text)
{
	size_t len = 0;

	while (len < text.len && len < HEX_LEN && isxdigit((unsigned char)text.data[len]) &&
	       !isupper((unsigned char)text.data[len]))
		len++;
	return len == HEX_LEN ? len : 0;
}

static struct bytes skip(struct bytes text, size_t len)
{
	return (struct bytes){text.data + len, text.len - len};
}

/* The field that %letter reads: its length at the start of text, and where it is kept. */
static size_t read_field(char letter, struct bytes text, struct capture *capture,
			 struct bytes **ret)
{
	static const struct {
		char letter;
		size_t (*length)(struct bytes text);
		ptrdiff_t offset; /* in struct capture; -1: not kept */
	} fields[] = {
		{'i', digits_length, offsetof(struct capture, id)},
		{'s', step_length, offsetof(struct capture, step)},
		{'t', digits_length, offsetof(struct capture, task)},
		{'u', digits_length, -1},
		{'h', hex_length, offsetof(struct capture, container)},
	};

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (fields[i].letter != letter)
			continue;
		*ret = fields[i].offset < 0 ? NULL : (void *)((char *)capture + fields[i].offset);
		return fields[i].length(text);
	}
	return 0;
}

/* Does component match pattern, which ends at its NUL or slash? */
static bool match_component(const char *pattern, struct bytes component, struct capture *capture)
{
	while (*pattern && *pattern != '/') {
		if (*pattern == '*') {
			for (size_t len = 1; len <= component.len; len++)
				if (match_component(pattern + 1, skip(component, len), capture))
					return true;
			return false;
		}
		if (*pattern == '%') {
			struct bytes *field;
			size_t len = read_field(pattern[1], component, capture, &field);

			if (!len)
				return false;
			if (field)
				*field = (struct bytes){component.data, len};
			component = skip(component, len);
			pattern += 2;
			continue;
		}
		if (!component.len || *component.data != *pattern)
			return false;
		component = skip(component, 1);
		pattern++;
	}
	return !component.len;
}

/* Takes the first component off path. Slashes that stand double count as one. */
static struct bytes take_component(struct bytes *path)
{
	struct bytes component;
	size_t len = 0;

	while (path->len && *path->data == '/')
		*path = skip(*path, 1);
	while (len < path->len && path->data[len] != '/')
		len++;
	component = (struct bytes){path->data, len};
	*path = skip(*path, len);
	return component;
}

/* Takes off path what matches. True if all of pattern did, else path and capture are as far as it
 * went. */
static bool match_path(const char *pattern, struct bytes *path, struct capture *capture)
{
	while (*pattern) {
		struct bytes rest = *path;
		struct bytes component = take_component(&rest);
		struct capture with = *capture;

		if (!component.len || !match_component(pattern, component, &with))
			return false;
		*capture = with;
		*path = rest;
		pattern += strcspn(pattern, "/");
		pattern += *pattern == '/';
	}
	return true;
}

/* Fields were bounded when they were read. */
static void copy_text(char *out, struct bytes text)
{
	if (text.len)
		memcpy(out, text.data, text.len);
	out[text.len] = '\0';
}

/* Takes a container's components off path. NULL if it doesn't begin with one; else the runtime. */
static const char *take_container(struct bytes *path, bool is_below_job, struct bytes *ret_id)
{
	for (size_t i = 0; i < ARRAY_SIZE(containers); i++) {
		struct capture capture = {};
		struct bytes rest = *path;

		if (containers[i].is_below_job && !is_below_job)
			continue;
		if (match_path(containers[i].pattern, &rest, &capture)) {
			*path = rest;
			*ret_id = capture.container;
			return containers[i].runtime;
		}
	}
	return NULL;
}

static bool find_container(struct bytes path, bool is_below_job, struct job *job)
{
	bool is_found = false;

	/* The innermost counts: that is where the process lives. */
	while (path.len) {
		struct bytes id;
		const char *runtime = take_container(&path, is_below_job, &id);

		if (!runtime) {
			take_component(&path);
			continue;
		}
		strcpy(job->container_runtime, runtime);
		copy_text(job->container_id, id);
		is_found = true;
	}
	return is_found;
}

static bool match_manager(const struct manager *manager, struct bytes path, struct job *ret)
{
	struct capture capture = {}, nothing = {};
	struct bytes rest = {};
	bool is_anchored = false;

	for (size_t i = 0; i < ANCHORS_MAX && manager->anchors[i] && !is_anchored; i++) {
		rest = path;
		is_anchored = match_path(manager->anchors[i], &rest, &capture);
	}
	if (!is_anchored || !match_path(manager->job, &rest, &capture))
		return false;
	path = rest;
	if (manager->never && match_path(manager->never, &path, &nothing))
		return false;
	match_path(manager->below, &rest, &capture);
	*ret = (struct job){};
	strcpy(ret->manager, manager->name);
	copy_text(ret->id, capture.id);
	copy_text(ret->step, capture.step);
	copy_text(ret->task, capture.task);
	find_container(rest, true, ret);
	return true;
}

static bool find_job(bool is_v2, struct bytes path, struct job *ret)
{
	/* The kernel's mark of a cgroup that is gone while a process ends in it. */
	static const char deleted[] = " (deleted)";
	size_t len = strlen(deleted);

	if (path.len > len && !memcmp(path.data + path.len - len, deleted, len))
		path.len -= len;
	for (size_t i = 0; i < ARRAY_SIZE(managers); i++)
		if (managers[i].is_v2 == is_v2 && match_manager(&managers[i], path, ret))
			return true;
	return false;
}

static int job_depth(const struct job *job)
{
	return !*job->id ? 0 : !*job->step ? 1 : !*job->task ? 2 : 3;
}

int job_from_cgroup(struct bytes v2, struct bytes v1, struct job *ret)
{
	struct job by_v2 = {}, by_v1 = {};

	find_job(true, v2, &by_v2);
	find_job(false, v1, &by_v1);
	*ret = job_depth(&by_v1) > job_depth(&by_v2) ? by_v1 : by_v2;
	return *ret->id ? 0 : -ENOENT;
}

bool job_add_container(struct job *job, struct bytes path)
{
	return find_container(path, false, job);
}

/* The variable, if it is digits that fit. */
static const char *lookup_number(const char *(*lookup)(void *arg, const char *name), void *arg,
				 const char *name)
{
	const char *value = lookup(arg, name);

	return value && *value && digits_length(bytes_of(value)) == strlen(value) ? value : NULL;
}

/* The cgroup has "0+1" where the environment has "0". */
static bool is_same_step(const char *by_environment, const char *by_cgroup)
{
	size_t len = strcspn(by_cgroup, "+");

	return strlen(by_environment) == len && !memcmp(by_environment, by_cgroup, len);
}

void job_add_environment(struct job *job, const char *(*lookup)(void *arg, const char *name),
			 void *arg)
{
	const char *id, *array_id, *array_task, *step, *task;

	if (strcmp(job->manager, "slurm"))
		return;
	id = lookup_number(lookup, arg, "SLURM_JOB_ID");
	if (!id || strcmp(id, job->id))
		return;
	array_id = lookup_number(lookup, arg, "SLURM_ARRAY_JOB_ID");
	array_task = lookup_number(lookup, arg, "SLURM_ARRAY_TASK_ID");
	if (array_id && array_task) {
		strcpy(job->array_id, array_id);
		strcpy(job->array_task, array_task);
	}
	/* An environment that was carried from another step tells nothing of this one's task. */
	step = lookup_number(lookup, arg, "SLURM_STEP_ID");
	if (step && *job->step && !is_same_step(step, job->step))
		return;
	task = lookup_number(lookup, arg, "SLURM_PROCID");
	if (task && !*job->task)
		strcpy(job->task, task);
}
