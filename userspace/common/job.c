// SPDX-License-Identifier: BSD-2-Clause
/*
 * A manager is a line of the table: where its own scope stands from the root of the hierarchy on,
 * what must follow for a job, and what may follow as far as it goes (job_pattern.h). Nothing is
 * searched for in the middle of a path. What stands below user.slice is the users' own, but for a
 * system user's.
 */
#include "common/job.h"
#include "common/job_pattern.h"

#include <errno.h>

enum { V1 = 1, V2 = 2, BOTH = V1 | V2 };

/* clang-format off */
#define STEPD(slice) slice "slurmstepd.scope|" slice "*_slurmstepd.scope|"

static const struct manager {
	const char *name;
	unsigned int versions;	/* of control groups */
	const char *scopes;	/* from the root on */
	const char *job;	/* must follow */
	const char *below;	/* may follow, as far as it goes */
	const char *never;	/* behind the job: processes of the manager's own */
	const char *bare;	/* the runtime whose containers below are called by their id alone */
} managers[] = {
	/* src/plugins/cgroup/v1/cgroup_v1.c, xcgroup.c: one tree a controller. */
	{"slurm", V1, "slurm|slurm_*", "uid_%u/job_%i", "step_%s/task_%t", NULL, "podman"},
	/* src/plugins/cgroup/v2/cgroup_v2.c; a process outside of all tasks is in task_special. */
	{"slurm", V2, STEPD("*.slice/") STEPD("*.slice/*.slice/") STEPD("*.slice/*.slice/*.slice/")
		"slurmstepd.scope|*_slurmstepd.scope",
	 "job_%i|%l", "step_%s/user/task_%t", "step_%s/slurm", "podman"},
	/* the cgroups hook, src/hooks/cgroups/pbs_cgroups.PY */
	{"pbs", BOTH, "pbs_jobs.service/jobid|pbspro.service/jobid|pbs_jobs|pbspro|pbspro.slice",
	 "%a|%a.*|pbspro-%a.slice|pbspro-%a.*.slice", "", NULL, "podman"},
	{"torque", BOTH, "torque", "%a|%a.*", "", NULL, "podman"},
	{"lsf", BOTH, "lsf/*", "job.%i.*", "", NULL, "podman"},
	/* src/modules/sdexec: units of the flux user's own systemd */
	{"flux", V2, "user.slice/user-%y.slice/user@%y.service|"
		"user.slice/user-%y.slice/user@%y.service/app.slice",
	 "imp-shell-%u-%f.service|shell-%u-%f.service", "", NULL, "podman"},
	/* it doesn't tell the job: the slot must do */
	{"htcondor", BOTH, "htcondor|*.slice/htcondor|*.slice/condor.service", "condor_*_%n|condor_%n",
	 "", NULL, "podman"},
	{"kubernetes", BOTH, "kubepods|kubepods/burstable|kubepods/besteffort|kubepods.slice|"
		"kubepods.slice/kubepods-burstable.slice|kubepods.slice/kubepods-besteffort.slice",
	 "pod%k|kubepods-pod%k.slice|kubepods-burstable-pod%k.slice|kubepods-besteffort-pod%k.slice",
	 "", NULL, "cri"},
};

/* libpod-conmon-<id>.scope and the like hold the monitor, and fit none of these. */
static const struct {
	const char *runtime, *pattern;
} containers[] = {
	{"podman", "libpod-%h.scope|libpod-%h|libpod-payload-%h"},
	{"docker", "docker-%h.scope|docker/%h"},
	{"containerd", "cri-containerd-%h.scope|*:cri-containerd:%h|nerdctl-%h.scope"},
	{"cri-o", "crio-%h.scope|crio-%h"},
	{"apptainer", "apptainer-%c.scope"},
	{"singularity", "singularity-%c.scope"},
};
/* clang-format on */

const char *job_from_name(unsigned int from)
{
	static const char *const names[JOB_FROMS] = {NULL, "cgroup", "parent", "slurmstepd",
						     "environment"};

	return from < JOB_FROMS ? names[from] : NULL;
}

/* True if there is any. Fields were bounded when they were read. */
static bool copy_text(char *out, size_t size, struct bytes text)
{
	size_t len = MIN(text.len, size - 1);

	if (len)
		memcpy(out, text.data, len);
	out[len] = '\0';
	return len;
}
#define COPY_TEXT(out, text) copy_text(out, sizeof(out), text)

/* Takes a container's components off path. NULL if it doesn't begin with one; else the runtime. */
static const char *take_container(struct bytes *path, const char *bare, struct bytes *ret_id)
{
	struct job_capture capture = {};
	const char *runtime = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(containers) && !runtime; i++)
		if (job_match(containers[i].pattern, path, &capture))
			runtime = containers[i].runtime;
	if (!runtime && bare && job_match("%h", path, &capture))
		runtime = bare;
	*ret_id = capture.container;
	return runtime;
}

/* The innermost counts: that is where the process lives. */
static void find_container(struct bytes path, const char *bare, struct job *job)
{
	while (path.len) {
		struct bytes id;
		const char *runtime = take_container(&path, bare, &id);

		if (!runtime) {
			job_take_component(&path);
			continue;
		}
		strcpy(job->container_runtime, runtime);
		COPY_TEXT(job->container_id, id);
		job->container_from = JOB_FROM_CGROUP;
	}
}

static void set_id(struct job *job, const struct job_capture *capture)
{
	if (COPY_TEXT(job->sluid, capture->sluid) || !capture->array_task.len)
		COPY_TEXT(job->id, capture->sluid.len ? capture->sluid : capture->id);
	else
		snprintf(job->id, sizeof(job->id), "%.*s[%.*s]", (int)MIN(capture->id.len, 30U),
			 capture->id.data, (int)MIN(capture->array_task.len, 30U),
			 capture->array_task.data);
	for (char *c = job->id; *c; c++) /* a pod's, as systemd writes it */
		if (*c == '_' && strlen(job->id) == 36)
			*c = '-';
	job->id_from = JOB_FROM_CGROUP;
	if (!COPY_TEXT(job->array_task, capture->array_task))
		return;
	COPY_TEXT(job->array_id, capture->id);
	job->array_from = JOB_FROM_CGROUP;
}

static bool match_manager(const struct manager *manager, struct bytes path, struct job *ret)
{
	struct job_capture capture = {};
	struct bytes rest = path, own;
	bool is_found = false;

	for (const char *scope = manager->scopes; !is_found && scope;) {
		capture = (struct job_capture){};
		rest = path;
		is_found = job_match_one(scope, &rest, &capture) &&
			   job_match(manager->job, &rest, &capture);
		scope = strchr(scope, '|');
		if (scope)
			scope++;
	}
	if (!is_found)
		return false;
	own = rest;
	if (manager->never && job_match(manager->never, &own, &(struct job_capture){}))
		return false;
	*ret = (struct job){};
	strcpy(ret->manager, manager->name);
	(void)job_match_one(manager->below, &rest, &capture);
	set_id(ret, &capture);
	if (COPY_TEXT(ret->step, capture.step))
		ret->step_from = JOB_FROM_CGROUP;
	COPY_TEXT(ret->local_task, capture.task);
	if (COPY_TEXT(ret->task, capture.task))
		ret->task_from = JOB_FROM_CGROUP;
	find_container(rest, manager->bare, ret);
	return true;
}

static bool is_users_own(struct bytes path, const struct manager *manager)
{
	struct bytes first = job_take_component(&path), wanted = bytes_of("user.slice");

	return first.len == wanted.len && !memcmp(first.data, wanted.data, first.len) &&
	       strncmp(manager->scopes, wanted.data, wanted.len);
}

static void find_job(unsigned int version, struct bytes path, struct job *ret)
{
	/* The kernel's mark of a cgroup that is gone while a process ends in it. */
	static const char deleted[] = " (deleted)";
	size_t len = strlen(deleted);

	*ret = (struct job){};
	if (path.len > len && !memcmp(path.data + path.len - len, deleted, len))
		path.len -= len;
	for (size_t i = 0; i < ARRAY_SIZE(managers); i++)
		if ((managers[i].versions & version) && !is_users_own(path, &managers[i]) &&
		    match_manager(&managers[i], path, ret))
			return;
	find_container(path, NULL, ret);
}

static int job_depth(const struct job *job)
{
	return !*job->id ? 0 : !*job->step ? 1 : !*job->task ? 2 : 3;
}

static void copy_container(struct job *to, const struct job *from)
{
	memcpy(to->container_runtime, from->container_runtime, sizeof(to->container_runtime));
	memcpy(to->container_id, from->container_id, sizeof(to->container_id));
	to->container_from = from->container_from;
}

int job_from_cgroup(struct bytes v2, struct bytes v1, struct job *ret)
{
	struct job by_v2, by_v1;

	find_job(V2, v2, &by_v2);
	find_job(V1, v1, &by_v1);
	*ret = job_depth(&by_v1) > job_depth(&by_v2) ? by_v1 : by_v2;
	if (!ret->container_from)
		copy_container(ret, by_v1.container_from ? &by_v1 : &by_v2);
	return *ret->id ? 0 : -ENOENT;
}
