/* SPDX-License-Identifier: BSD-2-Clause */
/* A job from a cgroup path, and what the environment adds. */
#include "tests/unit/unit.h"

#include "common/job.h"

#include <errno.h>

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HEX_B "b123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define POD   "01234567-89ab-cdef-0123-456789abcdef"
#define POD_  "01234567_89ab_cdef_0123_456789abcdef"
#define V1    "/slurm/uid_1000/job_123"
#define V2    "/system.slice/slurmstepd.scope/job_123"

struct path_case {
	const char *v2, *v1;
	const char *id, *step, *task; /* id NULL: no job */
	const char *runtime, *container;
};

static void check_paths(const struct path_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct bytes v2 = bytes_of(cases[i].v2), v1 = bytes_of(cases[i].v1);
		struct job job, none = {};
		int r;

		memset(&job, 0xaa, sizeof(job));
		r = job_from_cgroup(v2, v1, &job);
		if (r != (cases[i].id ? 0 : -ENOENT))
			print_error("case %zu: %s %s: %s %s\n", i, cases[i].v2, cases[i].v1, job.id,
				    job.step);
		assert_int_equal(r, cases[i].id ? 0 : -ENOENT);
		if (!cases[i].id) {
			assert_memory_equal(&job, &none, sizeof(job));
			continue;
		}
		assert_string_equal(job.manager, "slurm");
		assert_int_equal(job.id_from, JOB_FROM_CGROUP);
		assert_int_equal(job.step_from, *job.step ? JOB_FROM_CGROUP : JOB_FROM_NOTHING);
		assert_int_equal(job.task_from, *job.task ? JOB_FROM_CGROUP : JOB_FROM_NOTHING);
		assert_string_equal(job.id, cases[i].id);
		assert_string_equal(job.step, cases[i].step);
		assert_string_equal(job.task, cases[i].task);
		assert_string_equal(job.container_runtime, cases[i].runtime ?: "");
		assert_string_equal(job.container_id, cases[i].container ?: "");
	}
}

static void slurm_v1(void **state)
{
	static const struct path_case cases[] = {
		{"", V1 "/step_0/task_2", "123", "0", "2", NULL, NULL},
		{"", V1 "/step_batch", "123", "batch", "", NULL, NULL},
		{"", V1 "/step_batch/task_0", "123", "batch", "0", NULL, NULL},
		{"", V1, "123", "", "", NULL, NULL},
		{"", "/slurm_n042/uid_0/job_7/step_extern", "7", "extern", "", NULL, NULL},
		{"", V1 "/step_3+1/task_0", "123", "3+1", "0", NULL, NULL},
		{"", V1 "/step_0/task_2 (deleted)", "123", "0", "2", NULL, NULL},
		{NULL, V1 "/step_TBD", "123", "TBD", "", NULL, NULL},
	};

	(void)state;
	check_paths(cases, ARRAY_SIZE(cases));
}

static void slurm_v2(void **state)
{
	static const struct path_case cases[] = {
		{V2 "/step_0/user/task_2", "", "123", "0", "2", NULL, NULL},
		{V2 "/step_extern/user/task_special", "", "123", "extern", "", NULL, NULL},
		{V2 "/step_interactive/user/task_0", NULL, "123", "interactive", "0", NULL, NULL},
		{V2 "/step_0/user", "", "123", "0", "", NULL, NULL},
		{"/hpc.slice/n042_slurmstepd.scope/job_9/step_1/user/task_0", "", "9", "1", "0",
		 NULL, NULL},
		{"/slurmstepd.scope/job_9/step_1/user/task_0", "", "9", "1", "0", NULL, NULL},
		{"/n042_slurmstepd.scope/job_9/step_1+2/user/task_0", "", "9", "1+2", "0", NULL,
		 NULL},
	};

	(void)state;
	check_paths(cases, ARRAY_SIZE(cases));
}

static void no_job(void **state)
{
	static const struct {
		const char *v2, *v1;
	} cases[] = {
		{"", ""},
		{NULL, NULL},
		{"/", "/"},
		{"/system.slice/slurmd.service", ""},
		{"/system.slice/slurmstepd.scope/system", ""},
		{V2 "/step_0/slurm", ""},
		{V2 "/step_batch/slurm/x", ""},
		/* not at the manager's scope */
		{"/user.slice/user-1000.slice/user@1000.service/slurmstepd.scope/job_7/step_0/user/"
		 "task_0",
		 ""},
		{"/user.slice/user-1000.slice/slurmstepd.scope/job_7/step_0/user/task_0", ""},
		{"/job_7/step_0/user/task_0", ""},
		{"/system.slice/job_7/step_0/user/task_0", ""},
		{"/system.slice/slurmstepd.scope.d/job_7/step_0", ""},
		{"/system.slice/xslurmstepd.scope/job_7/step_0", ""},
		{"/system.slice/_slurmstepd.scope/job_7/step_0", ""},
		{"/../system.slice/slurmstepd.scope/job_7/step_0", ""},
		{"", "/user.slice/slurm/uid_1000/job_7/step_0"},
		{"", "/slurm/job_7/step_0"},
		{"", "/slurmx/uid_0/job_7"},
		/* each hierarchy has its own form */
		{V1 "/step_0/task_0", ""},
		{"", V2 "/step_0/user/task_2"},
		/* ids */
		{"/system.slice/slurmstepd.scope/job_/step_0", ""},
		{"/system.slice/slurmstepd.scope/job_12x/step_0", ""},
		{"/system.slice/slurmstepd.scope/job_-1/step_0", ""},
		{"/system.slice/slurmstepd.scope/"
		 "job_1111111111111111111111111111111111111111111111111111111111111111",
		 ""},
		{"", "/slurm/uid_x/job_7"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct path_case none = {.v2 = cases[i].v2, .v1 = cases[i].v1};

		check_paths(&none, 1);
	}
}

static void steps_that_make_no_sense_are_left_out(void **state)
{
	static const struct path_case cases[] = {
		{V2 "/step_", "", "123", "", "", NULL, NULL},
		{V2 "/step_0x", "", "123", "", "", NULL, NULL},
		{V2 "/step_1+", "", "123", "", "", NULL, NULL},
		{V2 "/step_\x1b", "", "123", "", "", NULL, NULL},
		{V2 "/step_0/user/task_2x", "", "123", "0", "", NULL, NULL},
		{V2 "/step_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "",
		 "123", "", "", NULL, NULL},
	};

	(void)state;
	check_paths(cases, ARRAY_SIZE(cases));
}

static void more_specific_path_wins(void **state)
{
	static const struct path_case cases[] = {
		{V2, V1 "/step_0", "123", "0", "", NULL, NULL},
		{V2 "/step_1/user/task_3", V1 "/step_0", "123", "1", "3", NULL, NULL},
		{V2 "/step_1", V1 "/step_0/task_5", "123", "0", "5", NULL, NULL},
		{"/user.slice", V1 "/step_0/task_5", "123", "0", "5", NULL, NULL},
	};

	(void)state;
	check_paths(cases, ARRAY_SIZE(cases));
}

static void containers_below_a_job(void **state)
{
	static const struct path_case cases[] = {
		{V2 "/step_0/user/task_0/libpod_parent/libpod-" HEX64, "", "123", "0", "0",
		 "podman", HEX64},
		{V2 "/step_0/user/task_0/libpod-" HEX64 ".scope/container", "", "123", "0", "0",
		 "podman", HEX64},
		{V2 "/step_0/user/task_0/libpod-conmon-" HEX64 ".scope", "", "123", "0", "0", NULL,
		 NULL},
		{V2 "/step_0/user/task_0/docker-" HEX64 ".scope", "", "123", "0", "0", "docker",
		 HEX64},
		{V2 "/step_0/user/task_0/docker/" HEX64, "", "123", "0", "0", "docker", HEX64},
		{V2 "/step_0/user/task_0/" HEX64, "", "123", "0", "0", "podman", HEX64},
		{"", V1 "/step_0/" HEX64, "123", "0", "", "podman", HEX64},
		{"", V1 "/step_0/task_1/docker/" HEX64 "/docker/" HEX_B, "123", "0", "1", "docker",
		 HEX_B},
		{V2 "/step_0/user/task_0/" HEX64 "0", "", "123", "0", "0", NULL, NULL},
		{V2 "/step_0/user/task_0/libpod-ABC", "", "123", "0", "0", NULL, NULL},
	};

	(void)state;
	check_paths(cases, ARRAY_SIZE(cases));
}

static void containers_elsewhere(void **state)
{
	static const struct {
		const char *path, *runtime;
	} cases[] = {
		{"/docker/" HEX64, "docker"},
		{"/system.slice/docker-" HEX64 ".scope", "docker"},
		{"/user.slice/user-1.slice/user@1.service/user.slice/libpod-" HEX64
		 ".scope/container",
		 "podman"},
		{"/x.slice/cri-containerd-" HEX64 ".scope", "containerd"},
		{"/system.slice/containerd.service/kubepods-x.slice:cri-containerd:" HEX64,
		 "containerd"},
		{"/system.slice/nerdctl-" HEX64 ".scope", "containerd"},
		{"/x.slice/crio-" HEX64 ".scope", "cri-o"},
		{"/x.slice/crio-conmon-" HEX64 ".scope", NULL},
		{"/machine.slice/libpod-" HEX64 ".scope/libpod-payload-" HEX64, "podman"},
		{"/libpod_parent/libpod-" HEX64, "podman"},
		{"/libpod_parent/conmon", NULL},
		{"/machine.slice/libpod-conmon-" HEX64 ".scope", NULL},
		{"/some/" HEX64, NULL},
		{"/", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct job job = {};

		assert_int_equal(job_from_cgroup(bytes_of(cases[i].path), bytes_of(NULL), &job),
				 -ENOENT);
		assert_int_equal(job.container_from,
				 cases[i].runtime ? JOB_FROM_CGROUP : JOB_FROM_NOTHING);
		assert_string_equal(job.container_runtime, cases[i].runtime ?: "");
		assert_string_equal(job.container_id, cases[i].runtime ? HEX64 : "");
		assert_string_equal(job.id, "");
	}
}

struct layout_case {
	enum { V1_, V2_ } version;
	const char *path;
	const char *want; /* as job_text() shows it */
};

/* Each layout of each manager, beside Slurm's above. */
static const struct layout_case layouts[] = {
	/* CgroupSlice=: below as many slices as its name has */
	{V2_, "/hpc.slice/slurmstepd.scope/job_5/step_0/user/task_1", "slurm 5 step=0 task=1"},
	{V2_, "/hpc.slice/hpc-jobs.slice/n1_slurmstepd.scope/job_5/step_0/user/task_1",
	 "slurm 5 step=0 task=1"},
	/* SLUID, 26.05 */
	{V2_, "/system.slice/slurmstepd.scope/s0003K9Z5T8QW2/step_0/user/task_1",
	 "slurm s0003K9Z5T8QW2 step=0 task=1"},
	{V2_, "/system.slice/n1_slurmstepd.scope/s0003K9Z5T8QW2/step_batch/user/task_0",
	 "slurm s0003K9Z5T8QW2 step=batch task=0"},
	{V2_, "/system.slice/slurmstepd.scope/s0003K9Z5T8QW2/step_0/slurm", ""},
	{V2_, "/system.slice/slurmstepd.scope/s0003K9Z5T8QWI/step_0", ""},
	{V2_, "/system.slice/slurmstepd.scope/s0003K9Z5T8QW/step_0", ""},
	{V2_, "/system.slice/slurmstepd.scope/sG003K9Z5T8QW2/step_0", ""},
	{V2_, "/system.slice/slurmstepd.scope/s0003K9Z5T8QW22/step_0", ""},
	/* rootful and rootless podman on v1, in and out of the job's path */
	{V1_, "/slurm_n1/uid_0/job_2/step_0/" HEX64, "slurm 2 step=0 podman=" HEX64},
	{V1_, "/libpod_parent/libpod-" HEX64, " podman=" HEX64},
	/* OpenPBS */
	{V1_, "/pbs_jobs.service/jobid/1234.server", "pbs 1234"},
	{V1_, "/pbs_jobs.service/jobid/1234.server.site.org", "pbs 1234"},
	{V1_, "/pbs_jobs.service/jobid/1234[7].server", "pbs 1234[7] array=1234_7"},
	{V2_, "/pbs_jobs.service/jobid/1234.server", "pbs 1234"},
	{V1_, "/pbspro.service/jobid/1234.server", "pbs 1234"},
	{V1_, "/pbspro.slice/pbspro-1234.server.slice", "pbs 1234"},
	{V1_, "/pbspro.slice/pbspro-1234\\x5b7\\x5d.server.slice", "pbs 1234[7] array=1234_7"},
	{V1_, "/pbspro/1234.server", "pbs 1234"},
	{V1_, "/pbspro/server", ""},
	{V1_, "/pbs_jobs.service/jobid", ""},
	{V1_, "/pbs_jobs.service/jobid/1234[].server", ""},
	{V1_, "/x/pbs_jobs.service/jobid/1234.server", ""},
	{V1_, "/torque/77.server", "torque 77"},
	{V1_, "/torque/77[3].server", "torque 77[3] array=77_3"},
	/* LSF */
	{V1_, "/lsf/cluster1/job.4711.12345.1690000000", "lsf 4711"},
	{V1_, "/lsf/cluster1/job.4711.12345.1690000000/docker/" HEX64, "lsf 4711 docker=" HEX64},
	{V1_, "/lsf/job.4711.1.1", ""},
	{V1_, "/lsf/cluster1/job.x.1.1", ""},
	/* Flux: only of a system user's systemd */
	{V2_, "/user.slice/user-997.slice/user@997.service/imp-shell-0-f2oRAoh1bB.service",
	 "flux f2oRAoh1bB"},
	{V2_,
	 "/user.slice/user-997.slice/user@997.service/app.slice/imp-shell-12-f2oRAoh1bB.service",
	 "flux f2oRAoh1bB"},
	{V2_, "/user.slice/user-1000.slice/user@1000.service/imp-shell-0-f2oRAoh1bB.service", ""},
	{V2_, "/user.slice/user-997.slice/user@1000.service/imp-shell-0-f2oRAoh1bB.service", ""},
	{V2_,
	 "/user.slice/user-99999999999999999999997.slice/user@997.service/imp-shell-0-f2o.service",
	 ""},
	/* HTCondor */
	{V1_, "/htcondor/condor_var_lib_condor_execute_slot1_2@n042.site",
	 "htcondor slot1_2@n042.site"},
	{V2_, "/system.slice/htcondor/condor_scratch_slot3@n042", "htcondor slot3@n042"},
	{V2_, "/system.slice/condor.service/condor_scratch_slot3@n042", "htcondor slot3@n042"},
	{V1_, "/htcondor/condor_var_lib", ""},
	/* Kubernetes */
	{V1_, "/kubepods/pod" POD "/" HEX64, "kubernetes " POD " cri=" HEX64},
	{V1_, "/kubepods/burstable/pod" POD "/" HEX64, "kubernetes " POD " cri=" HEX64},
	{V1_, "/kubepods/besteffort/pod" POD, "kubernetes " POD},
	{V2_, "/kubepods.slice/kubepods-pod" POD_ ".slice/cri-containerd-" HEX64 ".scope",
	 "kubernetes " POD " containerd=" HEX64},
	{V2_,
	 "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" POD_ ".slice/crio-" HEX64
	 ".scope",
	 "kubernetes " POD " cri-o=" HEX64},
	{V2_,
	 "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" POD_
	 ".slice/docker-" HEX64 ".scope",
	 "kubernetes " POD " docker=" HEX64},
	{V2_, "/kubepods.slice/kubepods-pod0123456789abcdef0123456789abcdef.slice",
	 "kubernetes 0123456789abcdef0123456789abcdef"},
	{V2_, "/kubepods.slice/kubepods-podx.slice", ""},
	{V2_, "/user.slice/kubepods.slice/kubepods-pod" POD_ ".slice", ""},
	/* containers out of jobs */
	{V2_, "/machine.slice/libpod-" HEX64 ".scope/container", " podman=" HEX64},
	{V1_, "/docker/" HEX64, " docker=" HEX64},
	{V2_, "/system.slice/docker-" HEX64 ".scope", " docker=" HEX64},
	{V2_, "/system.slice/nerdctl-" HEX64 ".scope", " containerd=" HEX64},
	{V1_, "/system.slice/containerd.service/kubepods-x.slice:cri-containerd:" HEX64,
	 " containerd=" HEX64},
	{V2_, "/x.slice/crio-" HEX64 ".scope/container", " cri-o=" HEX64},
	{V2_, "/x.slice/libpod-conmon-" HEX64 ".scope", ""},
	{V2_, "/user.slice/user-1.slice/user@1.service/user.slice/apptainer-4711.scope",
	 " apptainer=4711"},
	{V2_, "/system.slice/slurmstepd.scope/job_5/step_0/user/task_0/apptainer-4711.scope",
	 "slurm 5 step=0 task=0 apptainer=4711"},
	{V2_, "/user.slice/user-1.slice/user@1.service/singularity-4711.scope",
	 " singularity=4711"},
	/* Enroot and Charliecloud change nothing */
	{V2_, "/system.slice/slurmstepd.scope/job_5/step_interactive/user/task_0",
	 "slurm 5 step=interactive task=0"},
	{V1_, "/slurm/uid_1000/job_5/step_extern", "slurm 5 step=extern"},
	{V1_, "/slurm/uid_1000/job_5/step_3+1/task_0", "slurm 5 step=3+1 task=0"},
	/* nearly */
	{V1_, "/slurm_/uid_0/job_7", ""},
	{V1_, "/slurm/uid_0/job_7x", ""},
	{V1_, "/slurm/uid_0/\njob_7", ""},
	{V1_, "/user.slice/slurm/uid_0/job_7", ""},
	{V2_, "/a.slice/b.slice/c.slice/d.slice/slurmstepd.scope/job_7", ""},
	{V2_, "/user.slice/slurmstepd.scope/job_7", ""},
	{V2_, "/user.slice/user-1000.slice/user@1000.service/slurm/uid_1000/job_7/step_0", ""},
	{V2_, "/user.slice/user-1000.slice/user@1000.service/pbs_jobs.service/jobid/7.x", ""},
};

static const char *job_text(const struct job *job, char text[512])
{
	size_t len = 0;

#define ADD(condition, ...)                                                                        \
	do {                                                                                       \
		if (condition)                                                                     \
			len += (size_t)snprintf(text + len, 512 - len, __VA_ARGS__);               \
	} while (0)
	*text = '\0';
	ADD(*job->manager, "%s %s", job->manager, job->id);
	ADD(*job->step, " step=%s", job->step);
	ADD(*job->task, " task=%s", job->task);
	ADD(*job->array_id, " array=%s_%s", job->array_id, job->array_task);
	ADD(*job->container_runtime, " %s=%s", job->container_runtime, job->container_id);
	return text;
#undef ADD
}

static void layouts_of_all_managers(void **state)
{
	(void)state;
	assert_true(ARRAY_SIZE(layouts) >= 60);
	for (size_t i = 0; i < ARRAY_SIZE(layouts); i++) {
		const struct layout_case *c = &layouts[i];
		struct bytes path = bytes_of(c->path), none = {NULL, 0};
		bool is_v1 = c->version == V1_;
		char text[512];
		struct job job;
		int r = job_from_cgroup(is_v1 ? none : path, is_v1 ? path : none, &job);

		if (strcmp(job_text(&job, text), c->want))
			print_error("%s\n", c->path);
		assert_string_equal(text, c->want);
		assert_int_equal(r, *job.manager ? 0 : -ENOENT);
		assert_string_equal(job.sluid, strncmp(job.id, "s0", 2) ? "" : job.id);
		assert_int_equal(job.array_from,
				 *job.array_id ? JOB_FROM_CGROUP : JOB_FROM_NOTHING);
		assert_true(job_check(&job));
	}
}

/* Oracle: the numbers put together by hand, 12 bits, 42 and 10. */
static void sluids(void **state)
{
	static const struct {
		const char *text;
		bool is_one;
		uint32_t cluster, sequence;
		uint64_t unix_ms;
	} cases[] = {
		{"s0000000000000", true, 0, 0, 0},
		{"s0000000000001", true, 0, 1, 0},
		{"s00000000000ZZ", true, 0, 1023, 0},
		{"s0000000000100", true, 0, 0, 1},
		{"s0040000000000", true, 1, 0, 0},
		{"sFZZZZZZZZZZZZ", true, 4095, 1023, (1ULL << 42) - 1},
		{"sG000000000000", false, 0, 0, 0},
		{"s000000000000", false, 0, 0, 0},
		{"s00000000000000", false, 0, 0, 0},
		{"S0000000000000", false, 0, 0, 0},
		{"s000000000000u", false, 0, 0, 0},
		{"s000000000000L", false, 0, 0, 0},
		{"", false, 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct job_sluid sluid = {.cluster = 7};

		assert_int_equal(job_sluid_parse(bytes_of(cases[i].text), &sluid), cases[i].is_one);
		assert_int_equal(sluid.cluster, cases[i].is_one ? cases[i].cluster : 7);
		assert_int_equal(sluid.sequence, cases[i].sequence);
		assert_int_equal(sluid.unix_ms, cases[i].unix_ms);
	}
}

static void titles(void **state)
{
	static const struct {
		const char *title, *id;
	} cases[] = {
		{"slurmstepd: [123.0]", "123"},
		{"slurmstepd: [123.batch]", "123"},
		{"slurmstepd: [123.extern] stepmgr", "123"},
		{"slurmstepd: [123.0+1]", "123"},
		{"slurmstepd: [s0003K9Z5T8QW2.0]", NULL},
		{"slurmstepd: [123", NULL},
		{"slurmstepd: [.0]", NULL},
		{"slurmstepd", NULL},
		{"xslurmstepd: [123.0]", NULL},
		{"", NULL},
	};
	char id[JOB_TEXT_MAX] = "";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(job_id_of_title(bytes_of(cases[i].title), id), !!cases[i].id);
		if (cases[i].id)
			assert_string_equal(id, cases[i].id);
	}
}

static const char *lookup(void *arg, const char *name)
{
	const char *const *variables = arg; /* NAME=value, NULL behind the last */

	for (; *variables; variables++)
		if (!strncmp(*variables, name, strlen(name)) && (*variables)[strlen(name)] == '=')
			return *variables + strlen(name) + 1;
	return NULL;
}

static void environment_adds(void **state)
{
	static const struct {
		const char *path;
		const char *environment[6];
		const char *array_id, *array_task, *task;
	} cases[] = {
		{V2 "/step_0/user/task_2",
		 {"SLURM_JOB_ID=123", "SLURM_ARRAY_JOB_ID=120", "SLURM_ARRAY_TASK_ID=3",
		  "SLURM_PROCID=7"},
		 "120",
		 "3",
		 "2"},
		/* on the second node */
		{V2 "/step_0/user/task_2",
		 {"SLURM_JOB_ID=123", "SLURM_PROCID=7", "SLURM_LOCALID=2"},
		 "",
		 "",
		 "7"},
		{V2 "/step_0/user/task_2",
		 {"SLURM_JOB_ID=123", "SLURM_PROCID=7", "SLURM_LOCALID=3"},
		 "",
		 "",
		 "2"},
		{V2 "/step_0",
		 {"SLURM_JOB_ID=123", "SLURM_PROCID=7", "SLURM_STEP_ID=0"},
		 "",
		 "",
		 "7"},
		{V2 "/step_0+1",
		 {"SLURM_JOB_ID=123", "SLURM_PROCID=7", "SLURM_STEP_ID=0"},
		 "",
		 "",
		 "7"},
		/* a component of a het job: the environment has the leader's id */
		{V2 "/step_0+1",
		 {"SLURM_JOB_ID=122", "SLURM_HET_SIZE=2", "SLURM_JOB_ID_HET_GROUP_1=123",
		  "SLURM_PROCID=7", "SLURM_STEP_ID=0"},
		 "",
		 "",
		 "7"},
		{"/pbs_jobs.service/jobid/12.s", {"PBS_JOBID=12.s", "SLURM_PROCID=7"}, "", "", ""},
		{"/lsf/c/job.12.1.1", {"LSB_JOBID=12", "LSB_JOBINDEX=4"}, "12", "4", ""},
		{"/lsf/c/job.12.1.1", {"LSB_JOBID=12", "LSB_JOBINDEX=0"}, "", "", ""},
		{"/lsf/c/job.12.1.1", {"LSB_JOBID=13", "LSB_JOBINDEX=4"}, "", "", ""},
		{"/user.slice/user-9.slice/user@9.service/imp-shell-0-f2oR.service",
		 {"FLUX_JOB_ID=f2oR", "FLUX_TASK_RANK=4"},
		 "",
		 "",
		 "4"},
		{"/user.slice/user-9.slice/user@9.service/imp-shell-0-f2oR.service",
		 {"FLUX_JOB_ID=\xc6\x92"
		  "2oR",
		  "FLUX_TASK_RANK=4"},
		 "",
		 "",
		 "4"},
		{"/user.slice/user-9.slice/user@9.service/imp-shell-0-f2oR.service",
		 {"FLUX_JOB_ID=f2oS", "FLUX_TASK_RANK=4"},
		 "",
		 "",
		 ""},
		/* carried from elsewhere */
		{V2 "/step_0",
		 {"SLURM_JOB_ID=123", "SLURM_PROCID=7", "SLURM_STEP_ID=1"},
		 "",
		 "",
		 ""},
		{V2 "/step_0",
		 {"SLURM_JOB_ID=124", "SLURM_ARRAY_JOB_ID=120", "SLURM_ARRAY_TASK_ID=3"},
		 "",
		 "",
		 ""},
		{V2 "/step_0", {"SLURM_ARRAY_JOB_ID=120", "SLURM_ARRAY_TASK_ID=3"}, "", "", ""},
		/* no numbers */
		{V2 "/step_0",
		 {"SLURM_JOB_ID=123", "SLURM_ARRAY_JOB_ID=120", "SLURM_ARRAY_TASK_ID="},
		 "",
		 "",
		 ""},
		{V2 "/step_0", {"SLURM_JOB_ID=123", "SLURM_PROCID=7;x"}, "", "", ""},
		{V2 "/step_0",
		 {"SLURM_JOB_ID=123",
		  "SLURM_PROCID=1111111111111111111111111111111111111111111111111111111111111111"},
		 "",
		 "",
		 ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct job job;

		assert_int_equal(job_from_cgroup(bytes_of(cases[i].path), bytes_of(NULL), &job), 0);
		job_add_environment(&job, lookup, (void *)cases[i].environment);
		assert_string_equal(job.array_id, cases[i].array_id);
		assert_string_equal(job.array_task, cases[i].array_task);
		assert_string_equal(job.task, cases[i].task);
		assert_int_equal(job.array_from,
				 *job.array_id ? JOB_FROM_ENVIRONMENT : JOB_FROM_NOTHING);
		if (job.task_from != JOB_FROM_CGROUP)
			assert_int_equal(job.task_from,
					 *job.task ? JOB_FROM_ENVIRONMENT : JOB_FROM_NOTHING);
	}
}

#define SLUID "s0003K9Z5T8QW2"

/* Last of all, and only for the job that the control group's SLUID already is. */
static void environment_tells_the_id_of_a_sluid(void **state)
{
	static const char *environment[] = {"SLURM_JOB_ID=123", "SLURM_ARRAY_JOB_ID=120",
					    "SLURM_ARRAY_TASK_ID=3", NULL};
	struct job job;

	(void)state;
	assert_int_equal(job_from_cgroup(bytes_of("/system.slice/slurmstepd.scope/" SLUID),
					 bytes_of(NULL), &job),
			 0);
	job_add_environment(&job, lookup, (void *)environment);
	assert_string_equal(job.id, "123");
	assert_string_equal(job.sluid, SLUID);
	assert_int_equal(job.id_from, JOB_FROM_ENVIRONMENT);
	assert_string_equal(job.array_task, "3");
	/* another has told it already */
	strcpy(job.id, "124");
	*job.array_id = *job.array_task = 0;
	job.id_from = JOB_FROM_SLURMSTEPD;
	job_add_environment(&job, lookup, (void *)environment);
	assert_string_equal(job.id, "124");
	assert_string_equal(job.array_id, "");
}

static void containers_by_environment(void **state)
{
	static const char *apptainer[] = {"APPTAINER_CONTAINER=/x.sif", NULL};
	static const char *podman[] = {"container=podman", NULL}, *lxc[] = {"container=lxc", NULL};
	static const char *ch[] = {"CH_RUNNING=Weird Al Yankovic", NULL};
	struct job job = {}, none = {};

	(void)state;
	job_add_container_environment(&job, lookup, (void *)apptainer);
	assert_string_equal(job.container_runtime, "apptainer");
	assert_int_equal(job.container_from, JOB_FROM_ENVIRONMENT);
	job_add_container_environment(&job, lookup, (void *)ch);
	assert_string_equal(job.container_runtime, "apptainer");
	job = none;
	job_add_container_environment(&job, lookup, (void *)ch);
	assert_string_equal(job.container_runtime, "charliecloud");
	assert_string_equal(job.manager, "");
	job = none;
	job_add_container_environment(&job, lookup, (void *)lxc);
	assert_string_equal(job.container_runtime, "");
	job_add_container_environment(&job, lookup, (void *)podman);
	assert_string_equal(job.container_runtime, "podman");
}

static struct job job_of(const char *v2, const char *const *environment)
{
	static const char *nothing[] = {NULL};
	struct job job;

	(void)job_from_cgroup(bytes_of(v2), bytes_of(NULL), &job);
	job_add_environment(&job, lookup, (void *)(environment ?: nothing));
	return job;
}

static void jobs_are_inherited(void **state)
{
	static const char *array[] = {"SLURM_JOB_ID=123", "SLURM_ARRAY_JOB_ID=120",
				      "SLURM_ARRAY_TASK_ID=3", "SLURM_PROCID=5", NULL};
	struct job parent = job_of(V2 "/step_0", array), job, none = {};

	(void)state;
	/* moved out, to a container */
	job = job_of("/libpod_parent/libpod-" HEX64, NULL);
	job_inherit(&job, &parent);
	assert_string_equal(job.id, "123");
	assert_string_equal(job.step, "0");
	assert_string_equal(job.task, "5");
	assert_string_equal(job.array_task, "3");
	assert_string_equal(job.container_id, HEX64);
	assert_int_equal(job.id_from, JOB_FROM_PARENT);
	assert_int_equal(job.task_from, JOB_FROM_PARENT);
	assert_int_equal(job.array_from, JOB_FROM_PARENT);
	assert_int_equal(job.container_from, JOB_FROM_CGROUP);
	/* in the same job, its environment cleared */
	job = job_of(V2 "/step_0", NULL);
	job_inherit(&job, &parent);
	assert_int_equal(job.id_from, JOB_FROM_CGROUP);
	assert_string_equal(job.array_id, "120");
	assert_string_equal(job.task, "5");
	assert_int_equal(job.task_from, JOB_FROM_PARENT);
	/* on the second node */
	strcpy(parent.local_task, "1");
	job = job_of(V2 "/step_0/user/task_1", NULL);
	job_inherit(&job, &parent);
	assert_string_equal(job.task, "5");
	assert_int_equal(job.task_from, JOB_FROM_PARENT);
	job = job_of(V2 "/step_0/user/task_2", NULL);
	job_inherit(&job, &parent);
	assert_string_equal(job.task, "2");
	assert_int_equal(job.task_from, JOB_FROM_CGROUP);
	/* another step, another job: its own */
	job = job_of(V2 "/step_1", NULL);
	job_inherit(&job, &parent);
	assert_string_equal(job.array_id, "120");
	assert_string_equal(job.task, "");
	job = job_of("/system.slice/slurmstepd.scope/job_9/step_0", NULL);
	job_inherit(&job, &parent);
	assert_string_equal(job.id, "9");
	assert_string_equal(job.array_id, "");
	assert_string_equal(job.task, "");
	/* nobody's */
	job = job_of("/x", NULL);
	job_inherit(&job, &none);
	assert_memory_equal(&job, &none, sizeof(job));
	/* a SLUID that the parent knows the job of */
	parent = job_of("/system.slice/slurmstepd.scope/" SLUID "/step_0", array);
	job = job_of("/system.slice/slurmstepd.scope/" SLUID "/step_0", NULL);
	job_inherit(&job, &parent);
	assert_string_equal(job.id, "123");
	assert_int_equal(job.id_from, JOB_FROM_PARENT);
}

static void bad_jobs_are_not_believed(void **state)
{
	struct job good = job_of(V2 "/step_0", NULL), bad = good;

	(void)state;
	assert_true(job_check(&good));
	memset(bad.step, 'x', sizeof(bad.step));
	assert_false(job_check(&bad));
	bad = good;
	bad.task_from = JOB_FROMS;
	assert_false(job_check(&bad));
	bad = good;
	*bad.id = 0;
	assert_false(job_check(&bad));
}

static void environment_makes_no_job(void **state)
{
	static const char *environment[] = {"SLURM_JOB_ID=", "SLURM_ARRAY_JOB_ID=120",
					    "SLURM_ARRAY_TASK_ID=3", NULL};
	struct job job = {}, none = {};

	(void)state;
	job_add_environment(&job, lookup, (void *)environment);
	assert_memory_equal(&job, &none, sizeof(job));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slurm_v1),
		cmocka_unit_test(slurm_v2),
		cmocka_unit_test(no_job),
		cmocka_unit_test(steps_that_make_no_sense_are_left_out),
		cmocka_unit_test(more_specific_path_wins),
		cmocka_unit_test(containers_below_a_job),
		cmocka_unit_test(containers_elsewhere),
		cmocka_unit_test(environment_adds),
		cmocka_unit_test(environment_makes_no_job),
		cmocka_unit_test(layouts_of_all_managers),
		cmocka_unit_test(sluids),
		cmocka_unit_test(titles),
		cmocka_unit_test(environment_tells_the_id_of_a_sluid),
		cmocka_unit_test(containers_by_environment),
		cmocka_unit_test(jobs_are_inherited),
		cmocka_unit_test(bad_jobs_are_not_believed),
	};

	return cmocka_run_group_tests_name("job", tests, NULL, NULL);
}
