/* SPDX-License-Identifier: BSD-2-Clause */
/* A job from a cgroup path, and what the environment adds. */
#include "tests/unit/unit.h"

#include "common/job.h"

#include <errno.h>

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HEX_B "b123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
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
		{"/kubepods.slice/kubepods-pod1.slice/cri-containerd-" HEX64 ".scope",
		 "containerd"},
		{"/kubepods.slice/kubepods-pod1.slice/crio-" HEX64 ".scope", "cri-o"},
		{"/kubepods.slice/kubepods-pod1.slice/crio-conmon-" HEX64 ".scope", NULL},
		{"/machine.slice/libpod-conmon-" HEX64 ".scope", NULL},
		{"/some/" HEX64, NULL},
		{"/", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct job job = {};

		assert_int_equal(job_add_container(&job, bytes_of(cases[i].path)),
				 !!cases[i].runtime);
		assert_string_equal(job.container_runtime, cases[i].runtime ?: "");
		assert_string_equal(job.container_id, cases[i].runtime ? HEX64 : "");
		assert_string_equal(job.id, "");
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
	}
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
	};

	return cmocka_run_group_tests_name("job", tests, NULL, NULL);
}
