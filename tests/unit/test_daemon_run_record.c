// SPDX-License-Identifier: BSD-2-Clause
/* Run records: each field from the event it comes from, any byte of users' text, and what is
 * missing is said. */
#include "tests/unit/daemon_image.h"

#include "common/text.h"
#include "daemon/rules.h"

static struct facts *facts;

static int facts_begin(void **state)
{
	(void)state;
	return facts_new(0, &facts);
}

/* The field at path printed; "(none)" if it isn't there. */
static void assert_field(const cJSON *record, const char *path, const char *json)
{
	const cJSON *item = record_get(record, path);
	_cleanup_free_ char *text = item ? cJSON_PrintUnformatted(item) : strdup("(none)");

	if (strcmp(text, json))
		print_message("# %s\n", path);
	assert_string_equal(text, json);
}

static bool is_incomplete(const cJSON *record, const char *reason)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, record_get(record, "incomplete"))
		if (!strcmp(item->valuestring, reason))
			return true;
	return false;
}

static void every_field_comes_from_its_event(void **state)
{
	static const struct {
		const char *path, *json;
	} fields[] = {
		{"schema", "\"runmark.run/1\""},
		{"host", "\"n1\""},
		{"cluster", "\"c1\""},
		{"source", "\"bpf\""},
		{"origin", "\"exec\""},
		{"job",
		 "{\"manager\":\"slurm\",\"id\":\"123\",\"sluid\":null,\"array_id\":null,"
		 "\"array_task\":null,\"step\":\"0\",\"task\":\"2\",\"from\":\"cgroup\","
		 "\"step_from\":\"cgroup\",\"task_from\":\"cgroup\",\"array_from\":null,"
		 "\"cgroup\":\"/system.slice/slurmstepd.scope/job_123/step_0/user/task_2\"}"},
		{"cgroup", "\"/system.slice/slurmstepd.scope/job_123/step_0/user/task_2\""},
		{"container", "null"},
		{"pid", "7"},
		{"ppid", "null"},
		{"parent_run_id", "null"},
		{"uid", "1009"},
		{"euid", "1009"},
		{"gid", "1013"},
		{"login_uid", "null"},
		{"user", "\"alice\""},
		{"exe.path", "\"/usr/bin/program\""},
		{"exe.requested", "\"./program\""},
		{"exe.build_id", "null"},
		{"exe.watermark", "null"},
		{"exe.watermark_state", "\"unknown\""},
		{"exe.device", "\"8:1\""},
		{"exe.inode", "\"77\""},
		{"exe.fstype", "\"ext4\""},
		{"exe.size", "9001"},
		{"exe.mtime", "\"2023-11-14T22:13:20.123456Z\""},
		{"script", "null"},
		{"argv", "[\"program\",\"-n\"]"},
		{"argv_b64", "(none)"},
		{"cwd", "\"/home/alice\""},
		{"start", "\"2023-11-14T22:13:26.000000Z\""},
		{"end", "\"2023-11-14T22:13:27.500000Z\""},
		{"elapsed_s", "1.5"},
		{"exit", "{\"code\":3}"},
		{"usage", "{\"user_s\":1.5,\"system_s\":0.5,\"max_rss\":1048576,\"read_bytes\":5,"
			  "\"write_bytes\":7,\"minor_faults\":11,\"major_faults\":13,\"forks\":0}"},
		{"mpi", "null"},
		{"next_run_id", "(none)"},
		{"incomplete", "[\"exe.build_id: not known\"]"},
	};
	struct image *image = image_of(
		facts,
		&(struct exec_texts){
			.cgroup = bytes_of(
				"/system.slice/slurmstepd.scope/job_123/step_0/user/task_2")},
		0, 3 << 8);
	_cleanup_json_ cJSON *record = NULL;

	(void)state;
	image->user->state = FACT_KNOWN;
	strcpy(image->user->user, "alice");
	facts_release(facts, image->program);
	image->program = NULL;
	record = image_record(image);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		assert_field(record, fields[i].path, fields[i].json);
	image_free(facts, image);
}

#define ENV(text) BYTES_INIT(text)

static void a_task_has_the_rank_that_its_launcher_told(void **state)
{
	static const struct {
		uint32_t task;
		struct bytes env;
		const char *cgroup, *json;
	} cases[] = {
		{0, ENV("PMI_RANK=3\0PMI_SIZE=4\0"), NULL, "null"},
		{RANKS_PMI, ENV("PMI_RANK=3\0PMI_SIZE=4\0"), NULL,
		 "{\"rank\":3,\"size\":4,\"from\":\"PMI_RANK\"}"},
		{RANKS_OPENMPI | RANKS_PMIX,
		 ENV("PMIX_RANK=1\0OMPI_COMM_WORLD_SIZE=2\0OMPI_COMM_WORLD_RANK=1\0"), NULL,
		 "{\"rank\":1,\"size\":2,\"from\":\"OMPI_COMM_WORLD_RANK\"}"},
		/* srun in a task of mpirun: what the launcher set counts, not what it left */
		{RANKS_SLURM,
		 ENV("OMPI_COMM_WORLD_RANK=7\0OMPI_COMM_WORLD_SIZE=9\0SLURM_PROCID=0\0"
		     "SLURM_NTASKS=64\0"),
		 "/system.slice/slurmstepd.scope/job_1/step_0/user/task_0",
		 "{\"rank\":0,\"size\":64,\"from\":\"SLURM_PROCID\"}"},
		{RANKS_SLURM, ENV("SLURM_PROCID=0\0SLURM_NTASKS=64\0"),
		 "/system.slice/slurmstepd.scope/job_1/step_batch/user/task_0", "null"},
		{RANKS_SLURM | RANKS_PMIX, ENV("SLURM_PROCID=1\0SLURM_NTASKS=2\0PMIX_RANK=1\0"),
		 NULL, "{\"rank\":1,\"size\":2,\"from\":\"SLURM_PROCID\"}"},
		{RANKS_PMIX, ENV("PMIX_RANK=5"), NULL, "null"}, /* the last may have been cut */
		{RANKS_PMIX, ENV("PMIX_RANK=5\0"), NULL,
		 "{\"rank\":5,\"size\":null,\"from\":\"PMIX_RANK\"}"},
		{RANKS_OTHER, ENV("MPI_LOCALRANKID=1\0"), NULL, "null"}, /* of its node alone */
		/* nonsense */
		{RANKS_PMI, ENV("PMI_RANK=4\0PMI_SIZE=4\0"), NULL, "null"},
		{RANKS_PMI, ENV("PMI_RANK=-1\0PMI_SIZE=4\0"), NULL, "null"},
		{RANKS_PMI, ENV("PMI_RANK=\0PMI_SIZE=4\0"), NULL, "null"},
		{RANKS_PMI, ENV("PMI_RANK=1x\0"), NULL, "null"},
		{RANKS_PMI, ENV("PMI_RANK=99999999999999999999\0"), NULL, "null"},
		{RANKS_PMI, ENV("PMI_RANK=2\0PMI_SIZE=many\0"), NULL,
		 "{\"rank\":2,\"size\":null,\"from\":\"PMI_RANK\"}"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct exec_texts texts = {.env = cases[i].env,
					   .cgroup = cases[i].cgroup ? bytes_of(cases[i].cgroup)
								     : (struct bytes){}};
		struct image *image = image_of(facts, &texts, 0, 0);
		_cleanup_json_ cJSON *record = NULL, *copy = NULL;

		exec_set_task(image->exec, cases[i].task);
		record = image_record(image);
		assert_field(record, "mpi", cases[i].json);
		image->s.origin = ORIGIN_FORK;
		copy = image_record(image);
		assert_field(copy, "mpi", "null");
		image_free(facts, image);
	}
}

static void every_end_is_told(void **state)
{
	static const struct {
		uint32_t status;
		const char *json;
	} cases[] = {
		{0, "{\"code\":0}"},
		{255 << 8, "{\"code\":255}"},
		{9, "{\"signal\":9,\"name\":\"SIGKILL\",\"core\":false,\"oom\":false}"},
		{11 | 0x80, "{\"signal\":11,\"name\":\"SIGSEGV\",\"core\":true,\"oom\":false}"},
		{32, "{\"signal\":32,\"name\":\"SIGRTMIN-2\",\"core\":false,\"oom\":false}"},
		{34, "{\"signal\":34,\"name\":\"SIGRTMIN+0\",\"core\":false,\"oom\":false}"},
		{64, "{\"signal\":64,\"name\":\"SIGRTMIN+30\",\"core\":false,\"oom\":false}"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct image *image = image_of(facts, &(struct exec_texts){}, 0, cases[i].status);
		_cleanup_json_ cJSON *record = image_record(image);

		assert_field(record, "exit", cases[i].json);
		image_free(facts, image);
	}
}

static void an_exec_names_the_run_that_followed(void **state)
{
	struct image *image = image_of(facts, &(struct exec_texts){}, 0, 0), *next;
	_cleanup_json_ cJSON *record = NULL, *other = NULL;
	_cleanup_free_ char *id = NULL;

	(void)state;
	image->s.end = END_EXEC;
	record = image_record(image);
	assert_field(record, "exit", "null");
	next = image_of(facts, &(struct exec_texts){}, 0, 0);
	next->s.key.exec_id++;
	other = image_record(next);
	id = cJSON_PrintUnformatted(record_get(other, "run_id"));
	assert_field(record, "next_run_id", id);
	image_free(facts, image);
	image_free(facts, next);
}

/* Each byte but NUL, in each text there is, comes back exactly. */
static void any_byte_goes_through(void **state)
{
	char all[256 + 1], argv[2 * sizeof(all)], env[16 + sizeof(all)];
	struct bytes text = {all, 255};
	static const char *const paths[] = {"exe.path", "exe.requested", "script.path", "cwd",
					    "cgroup"};
	_cleanup_json_ cJSON *record = NULL, *set = NULL;
	_cleanup_free_ char *value = NULL;
	struct image *image;
	size_t len;

	(void)state;
	for (int i = 0; i < 255; i++)
		all[i] = 255 - i;
	all[255] = '\0';
	memcpy(argv, all, 256);
	memcpy(argv + 256, all, 256);
	memcpy(env, "OMP_X=", 6);
	memcpy(env + 6, all, 256);
	image = image_of(facts,
			 &(struct exec_texts){.exe = text,
					      .requested = text,
					      .interp = text,
					      .cwd = text,
					      .cgroup = text,
					      .argv = {argv, 512},
					      .env = {env, 262}},
			 0, 0);
	record = image_record(image);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		_cleanup_free_ char *back = NULL;

		assert_int_equal(record_get_text(record, paths[i], &back, &len), 0);
		assert_int_equal(len, 255);
		assert_memory_equal(back, all, 255);
	}
	assert_int_equal(cJSON_GetArraySize(record_get(record, "argv")), 2);
	assert_int_equal(
		text_from_base64(cJSON_GetArrayItem(record_get(record, "argv_b64"), 1)->valuestring,
				 &value, &len),
		0);
	assert_int_equal(len, 255);
	assert_memory_equal(value, all, 255);
	set = run_env_set(image, "h");
	free(TAKE_PTR(value));
	assert_int_equal(
		text_from_base64(record_get(set, "env_b64.OMP_X")->valuestring, &value, &len), 0);
	assert_memory_equal(value, all, 255);
	image_free(facts, image);
}

/* "a/.." stays: "a" may be a link. */
static void a_script_is_told_by_its_absolute_path(void **state)
{
	static const struct {
		const char *cwd, *requested, *path;
		uint32_t flags;
	} cases[] = {
		{"/work", "./s.sh", "/work/s.sh", 0},
		{"/work", "s.sh", "/work/s.sh", 0},
		{"/work/", ".//a/./s.sh", "/work/a/s.sh", 0},
		{"/", "s.sh", "/s.sh", 0},
		{"/work", "a/../s.sh", "/work/a/../s.sh", 0},
		{"/work", ".s", "/work/.s", 0},
		{"/work", "/opt/./s.sh", "/opt/s.sh", 0},
		{"", "./s.sh", "./s.sh", 0},
		{"pipe:[7]", "./s.sh", "./s.sh", 0},
		{"/of/it", "./s.sh", "./s.sh", EVENT_CWD_CUT},
		{"/work", "/dev/fd/3/s.sh", "/dev/fd/3/s.sh", 0},
	};
	struct image *image;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_json_ cJSON *record = NULL;
		_cleanup_free_ char *path = NULL, *requested = NULL;
		size_t len;

		image = image_of(facts,
				 &(struct exec_texts){.interp = bytes_of("/bin/sh"),
						      .cwd = bytes_of(cases[i].cwd),
						      .requested = bytes_of(cases[i].requested)},
				 cases[i].flags, 0);
		record = image_record(image);
		assert_int_equal(record_get_text(record, "script.path", &path, &len), 0);
		assert_string_equal(path, cases[i].path);
		assert_int_equal(record_get_text(record, "exe.requested", &requested, &len), 0);
		assert_string_equal(requested, cases[i].requested);
		image_free(facts, image);
	}
}

static void a_user_name_of_any_bytes_is_a_valid_line(void **state)
{
	static const char *const names[] = {"\xff", "m\xc3", "a\nb\"\\", ""};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct image *image = image_of(facts, &(struct exec_texts){}, 0, 0);
		_cleanup_json_ cJSON *record = NULL;
		_cleanup_free_ char *back = NULL;

		image->user->state = FACT_KNOWN;
		strcpy(image->user->user, names[i]);
		record = image_record(image);
		if (*names[i]) {
			assert_int_equal(record_get_text(record, "user", &back, NULL), 0);
			assert_string_equal(back, names[i]);
		} else {
			assert_field(record, "user", "null");
		}
		image_free(facts, image);
	}
}

static void argv_is_split_as_it_was(void **state)
{
	static const struct {
		struct bytes data;
		const char *json;
	} cases[] = {
		{BYTES_INIT(""), "[]"},
		{BYTES_INIT("\0"), "[\"\"]"},
		{BYTES_INIT("a\0"), "[\"a\"]"},
		{BYTES_INIT("a\0\0b\0"), "[\"a\",\"\",\"b\"]"},
		{BYTES_INIT("a\0\0"), "[\"a\",\"\"]"},
		{BYTES_INIT("a\0cut"), "[\"a\",\"cut\"]"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct image *image =
			image_of(facts, &(struct exec_texts){.argv = cases[i].data}, 0, 0);
		_cleanup_json_ cJSON *record = image_record(image);

		assert_field(record, "argv", cases[i].json);
		image_free(facts, image);
	}
}

static void what_is_missing_is_said(void **state)
{
	(void)state;
	for (unsigned int bit = 0; bit < EVENT_FLAG_BITS; bit++) {
		struct image *image = image_of(facts, &(struct exec_texts){}, 1u << bit, 0);
		_cleanup_json_ cJSON *record = image_record(image);

		assert_true(is_incomplete(record, event_flag_text(bit)));
		if (1u << bit == EVENT_ARGV_FAULT)
			assert_field(record, "argv", "null");
		if (1u << bit == EVENT_ENV_FAULT)
			assert_field(record, "env_set", "null");
		image_free(facts, image);
	}
}

/* Killed before its exec was told: nothing is made up, and everything at once is missing. */
static void an_image_without_exec_tells_what_it_can(void **state)
{
	static union event_room room;
	_cleanup_json_ cJSON *record = NULL;
	struct event head = IMAGE_HEAD;
	struct image *image;
	struct live *live;

	(void)state;
	assert_int_equal(live_new(facts, &live), 0);
	head.flags = (1u << EVENT_FLAG_BITS) - 1;
	event_make_exit(&room, &head, 9);
	live_apply(live, &room.head, false);
	image = image_take(facts, live);
	image->s.origin = ORIGIN_SCAN;
	record = image_record(image);
	assert_field(record, "exe.path", "null");
	assert_field(record, "argv", "null");
	assert_field(record, "cwd", "null");
	assert_field(record, "cgroup", "null");
	assert_field(record, "job", "null");
	assert_field(record, "env_set", "null");
	assert_field(record, "uid", "1009");
	assert_field(record, "euid", "null");
	assert_field(record, "gid", "null");
	assert_field(record, "ppid", "null");
	assert_true(is_incomplete(record, "usage: with what the process used before this program"));
	assert_true(is_incomplete(record, "exe: ended before its exec was told"));
	assert_true(cJSON_GetArraySize(record_get(record, "incomplete")) >= EVENT_FLAG_BITS + 4);
	image_free(facts, image);
}

/* What a user sets says nothing of the job, unless it agrees with the control group. */
static void a_job_is_the_control_groups(void **state)
{
	static const struct {
		struct bytes env;
		const char *array_task;
	} cases[] = {
		{BYTES_INIT("SLURM_JOB_ID=124\0SLURM_ARRAY_JOB_ID=120\0SLURM_ARRAY_TASK_ID=3\0"),
		 "null"},
		{BYTES_INIT("SLURM_JOB_ID=123\0SLURM_ARRAY_JOB_ID=120\0SLURM_ARRAY_TASK_ID=3\0"),
		 "\"3\""},
		{BYTES_INIT("SLURM_JOB_ID=123\0SLURM_ARRAY_JOB_ID=120\0SLURM_ARRAY_TASK_ID=\xff\0"),
		 "null"},
		{BYTES_INIT("SLURM_JOB_ID=123\0SLURM_ARRAY_JOB_ID=120\0SLURM_ARRAY_TASK_ID=3"),
		 "null"}, /* cut: may be 34 */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct image *image =
			image_of(facts,
				 &(struct exec_texts){
					 .cgroup = bytes_of("/"),
					 .cgroup_v1 = bytes_of("/slurm/uid_1009/job_123/step_0"),
					 .env = cases[i].env},
				 0, 0);
		_cleanup_json_ cJSON *record = image_record(image);

		assert_field(record, "job.id", "\"123\"");
		assert_field(record, "job.array_task", cases[i].array_task);
		image_free(facts, image);
	}
}

/* On a hybrid host a process has a path in each hierarchy: told is that which knows the job, else
 * that which knows anything. */
static void one_control_group_of_two(void **state)
{
	static const struct {
		const char *v2, *v1, *told;
	} cases[] = {
		{"/", "/slurm/uid_1009/job_123/step_0", "/slurm/uid_1009/job_123/step_0"},
		{"/user.slice", "/slurm/uid_1009/job_123", "/slurm/uid_1009/job_123"},
		{"/system.slice/slurmstepd.scope/job_7/step_0", "/slurm/uid_1009/job_123",
		 "/system.slice/slurmstepd.scope/job_7/step_0"},
		{"/user.slice/user-1009.slice", "/user", "/user.slice/user-1009.slice"},
		{"/", "/user", "/user"},
		{"/user.slice", "", "/user.slice"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct exec_texts texts = {.cgroup = bytes_of(cases[i].v2),
					   .cgroup_v1 = bytes_of(cases[i].v1)};
		struct image *image = image_of(facts, &texts, 0, 0);
		struct bytes told = image_cgroup(image);

		assert_int_equal(told.len, strlen(cases[i].told));
		assert_memory_equal(told.data, cases[i].told, told.len);
		image_free(facts, image);
	}
}

/* The wall clock is set back a day while it runs: it ends after it has begun, and took as long as
 * it took. */
static void a_clock_that_is_set_back_changes_no_durations(void **state)
{
	static union event_room room;
	struct event head = IMAGE_HEAD;
	_cleanup_json_ cJSON *record = NULL;
	struct image *image;
	struct live *live;

	(void)state;
	assert_int_equal(live_new(facts, &live), 0);
	live_set_clock(live, 1700000000 * NS_PER_S);
	event_make_exec(&room, &head, &(struct exec_texts){});
	live_apply(live, &room.head, false);
	live_set_clock(live, (1700000000 - 86400) * NS_PER_S);
	head.time_ns += 1500 * NS_PER_MS;
	event_make_exit(&room, &head, 0);
	live_apply(live, &room.head, false);
	image = image_take(facts, live);
	record = image_record(image);
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(record, "start")),
			    "2023-11-14T22:13:26.000000Z");
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(record, "end")),
			    "2023-11-14T22:13:27.500000Z");
	assert_true(cJSON_GetObjectItem(record, "elapsed_s")->valuedouble == 1.5);
	image_free(facts, image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_comes_from_its_event),
		cmocka_unit_test(a_task_has_the_rank_that_its_launcher_told),
		cmocka_unit_test(every_end_is_told),
		cmocka_unit_test(an_exec_names_the_run_that_followed),
		cmocka_unit_test(any_byte_goes_through),
		cmocka_unit_test(a_script_is_told_by_its_absolute_path),
		cmocka_unit_test(a_user_name_of_any_bytes_is_a_valid_line),
		cmocka_unit_test(argv_is_split_as_it_was),
		cmocka_unit_test(what_is_missing_is_said),
		cmocka_unit_test(an_image_without_exec_tells_what_it_can),
		cmocka_unit_test(a_job_is_the_control_groups),
		cmocka_unit_test(one_control_group_of_two),
		cmocka_unit_test(a_clock_that_is_set_back_changes_no_durations),
	};

	return cmocka_run_group_tests(tests, facts_begin, NULL);
}
