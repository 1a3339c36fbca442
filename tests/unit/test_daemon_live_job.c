// SPDX-License-Identifier: BSD-2-Clause
/*
 * Jobs in the live table: inherited at fork and exec, kept out of the job's cgroup, told again by
 * the journal, and never taken from what a user could have made.
 */
#include "tests/unit/unit.h"

#include "daemon/journal.h"
#include "daemon/live_job.h"
#include "daemon/run_record.h"
#include "tests/unit/daemon_events.h"

#define HEX64	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define STEP	"/system.slice/slurmstepd.scope/job_123/step_0"
#define TASK	STEP "/user/task_1"
#define PODMAN	"/libpod_parent/libpod-" HEX64
#define ENTRIES 64

static struct facts *facts;
static uint64_t sequence;

static int facts_begin(void **state)
{
	(void)state;
	return facts_new(0, &facts);
}

static int facts_end(void **state)
{
	(void)state;
	facts_free(facts);
	return 0;
}

static struct event head_of(uint32_t pid, uint32_t exec_id)
{
	sequence++;
	return (struct event){.seq = sequence,
			      .time_ns = sequence * 1000,
			      .start_ns = pid * 1000,
			      .pid = pid,
			      .exec_id = exec_id};
}

static void exec(struct live *live, uint32_t pid, uint32_t exec_id, const char *cgroup,
		 struct bytes env)
{
	static union event_room room;
	struct event head = head_of(pid, exec_id);

	event_make_exec(&room, &head, &(struct exec_texts){.cgroup = bytes_of(cgroup), .env = env});
	/* its parent is somebody in no job: reparented */
	room.exec.parent_pid = 1;
	room.exec.parent_start_ns = 1000;
	live_apply(live, &room.head, false);
}

static void fork_to(struct live *live, uint32_t pid, uint32_t exec_id, uint32_t child)
{
	struct event_fork e = {.head = head_of(child, exec_id)};

	e.head.kind = EVENT_FORK;
	e.head.size = sizeof(e);
	e.parent_pid = pid;
	e.parent_start_ns = pid * 1000;
	e.parent_exec_id = exec_id;
	live_apply(live, &e.head, false);
}

static void end(struct live *live, uint32_t pid, uint32_t exec_id)
{
	static union event_room room;
	struct event head = head_of(pid, exec_id);

	event_make_exit(&room, &head, 0);
	live_apply(live, &room.head, false);
}

/* "ID from STEP from TASK from ARRAY from in CONTAINER" */
static const char *job_of(const struct live *live, uint32_t pid)
{
	static char text[512];
	const struct image *image = live_image_of(live, pid, pid * 1000);
	struct job job;

	assert_non_null(image);
	if (image_job(image, &job) && !*job.container_runtime)
		return "none";
	snprintf(text, sizeof(text), "%s %s, %s %s, %s %s, %s %s, %s", job.id,
		 job_from_name(job.id_from) ?: "-", job.step, job_from_name(job.step_from) ?: "-",
		 job.task, job_from_name(job.task_from) ?: "-", job.array_task,
		 job_from_name(job.array_from) ?: "-", job.container_runtime);
	return text;
}

struct entries {
	size_t count;
	struct {
		uint32_t kind;
		size_t len;
		void *data;
	} at[ENTRIES];
};

static int entry_add(void *arg, uint32_t kind, const void *data, size_t len)
{
	struct entries *entries = arg;

	assert_true(entries->count < ENTRIES);
	entries->at[entries->count].kind = kind;
	entries->at[entries->count].len = len;
	entries->at[entries->count].data = malloc(len);
	memcpy(entries->at[entries->count++].data, data, len);
	return 0;
}

/* As after a restart. */
static struct live *saved_and_restored(struct live *live)
{
	struct entries entries = {.count = 0};
	struct live_saver saver = live_saver(entry_add, &entries);
	struct live *copy;

	assert_int_equal(live_save(live, &saver), 0);
	live_free(live);
	assert_int_equal(live_new(facts, &copy), 0);
	for (size_t i = 0; i < entries.count; i++) {
		struct bytes data = {entries.at[i].data, entries.at[i].len};
		const struct event *event;

		if (!live_restore(copy, entries.at[i].kind, data)) {
			assert_int_equal(event_check(data, &event), 0);
			live_apply(copy, event, false);
		}
		free(entries.at[i].data);
	}
	return copy;
}

#define NO_ENV ((struct bytes){NULL, 0})
static const char array_env[] =
	"SLURM_JOB_ID=123\0SLURM_ARRAY_JOB_ID=120\0SLURM_ARRAY_TASK_ID=3\0SLURM_STEP_ID=0";
#define ARRAY_ENV ((struct bytes){array_env, sizeof(array_env)})

static void a_container_stays_in_the_job(void **state)
{
	static const char inherited[] = "123 parent, 0 parent, 1 parent, 3 parent, podman";
	struct live *live;

	(void)state;
	assert_int_equal(live_new(facts, &live), 0);
	exec(live, 1, 1, "/init.scope", NO_ENV);
	exec(live, 7, 1, TASK, ARRAY_ENV);
	assert_string_equal(job_of(live, 7), "123 cgroup, 0 cgroup, 1 cgroup, 3 environment, ");
	/* conmon, of which the runtime's first process is forked, and that execs twice */
	fork_to(live, 7, 1, 8);
	exec(live, 8, 2, "/libpod_parent/conmon", NO_ENV);
	end(live, 7, 1);
	fork_to(live, 8, 2, 9);
	exec(live, 9, 3, PODMAN, NO_ENV);
	exec(live, 9, 4, PODMAN, NO_ENV);
	assert_string_equal(job_of(live, 9), inherited);
	/* a copy that outlives what it was copied from */
	fork_to(live, 9, 4, 10);
	for (int i = 0; i < 3; i++) {
		live = saved_and_restored(live);
		assert_string_equal(job_of(live, 8), "123 parent, 0 parent, 1 parent, 3 parent, ");
		assert_string_equal(job_of(live, 9), inherited);
		assert_string_equal(job_of(live, 1), "none");
	}
	end(live, 9, 4);
	assert_string_equal(job_of(live, 10), inherited);
	exec(live, 10, 5, PODMAN, NO_ENV);
	assert_string_equal(job_of(live, 10), inherited);
	live_free(live);
}

static void another_job_is_its_own(void **state)
{
	static const char other[] = "/system.slice/slurmstepd.scope/job_9/step_batch/user/task_0";
	struct live *live;

	(void)state;
	assert_int_equal(live_new(facts, &live), 0);
	exec(live, 7, 1, TASK, ARRAY_ENV);
	fork_to(live, 7, 1, 8);
	exec(live, 8, 2, other, NO_ENV);
	assert_string_equal(job_of(live, 8), "9 cgroup, batch cgroup, 0 cgroup,  -, ");
	/* in the same job, its environment cleared */
	fork_to(live, 7, 1, 9);
	exec(live, 9, 2, STEP "/user/task_special", NO_ENV);
	assert_string_equal(job_of(live, 9), "123 cgroup, 0 cgroup, 1 parent, 3 parent, ");
	live = saved_and_restored(live);
	assert_string_equal(job_of(live, 9), "123 cgroup, 0 cgroup, 1 parent, 3 parent, ");
	assert_string_equal(job_of(live, 8), "9 cgroup, batch cgroup, 0 cgroup,  -, ");
	live_free(live);
}

static void nobody_has_a_job_who_has_none(void **state)
{
	struct live *live;

	(void)state;
	assert_int_equal(live_new(facts, &live), 0);
	exec(live, 7, 1, "/system.slice/slurmd.service", NO_ENV);
	fork_to(live, 7, 1, 8);
	exec(live, 8, 2, STEP "/slurm", ARRAY_ENV);
	assert_string_equal(job_of(live, 8), "none");
	fork_to(live, 8, 2, 9);
	exec(live, 9, 3, "/user.slice/user-1.slice/user@1.service/slurmstepd.scope/job_7",
	     ARRAY_ENV);
	assert_string_equal(job_of(live, 9), "none");
	fork_to(live, 9, 3, 10);
	exec(live, 10, 4, PODMAN, ARRAY_ENV);
	assert_string_equal(job_of(live, 10), " -,  -,  -,  -, podman");
	/* a pid that is used again */
	exec(live, 11, 1, TASK, NO_ENV);
	end(live, 11, 1);
	fork_to(live, 8, 2, 12);
	exec(live, 12, 3, "/x", NO_ENV);
	assert_string_equal(job_of(live, 12), "none");
	live_free(live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_container_stays_in_the_job),
		cmocka_unit_test(another_job_is_its_own),
		cmocka_unit_test(nobody_has_a_job_who_has_none),
	};

	return cmocka_run_group_tests_name("live job", tests, facts_begin, facts_end);
}
