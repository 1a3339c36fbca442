/* SPDX-License-Identifier: BSD-2-Clause */
/* What sacct prints, column by column; what it can't print is refused with its column. */
#include "tests/unit/unit.h"

#include "ingest/sacct.h"

#include <errno.h>
#include <time.h>

#define S  INT64_C(1000000)
#define NO SACCT_UNKNOWN

static const char HEADING[] =
	"JobIDRaw|JobID|Cluster|User|UID|Account|Partition|QOS|State|ExitCode|Submit|Start|End|"
	"ElapsedRaw|TimelimitRaw|ReqCPUS|AllocCPUS|ReqMem|NNodes|NodeList|TotalCPU|MaxRSS";
static struct sacct_job job;

static int read_one(const char *heading, const char *line, char why[SACCT_WHY_SIZE])
{
	struct sacct sacct;
	int r = sacct_heading(bytes_of(heading), &sacct, why);

	return r ? r : sacct_line(&sacct, bytes_of(line), &job, why);
}

/* A line of Slurm 22.05, as it was. */
static void a_line_is_read(void **state)
{
	static const struct {
		enum sacct_text text;
		const char *want;
	} texts[] = {
		{SACCT_JOB_ID, "5"},	 {SACCT_ARRAY_ID, "4"},	  {SACCT_ARRAY_TASK, "1"},
		{SACCT_HET_ID, ""},	 {SACCT_CLUSTER, "test"}, {SACCT_USER, "root"},
		{SACCT_ACCOUNT, "root"}, {SACCT_QUEUE, "debug"},  {SACCT_QOS, "normal"},
		{SACCT_STATE, "FAILED"}, {SACCT_SLUID, ""},
	};
	static const struct {
		enum sacct_number number;
		int64_t want;
	} numbers[] = {
		{SACCT_UID, 0},
		{SACCT_EXIT_CODE, 3},
		{SACCT_EXIT_SIGNAL, 0},
		{SACCT_SUBMIT_US, 1795281022 * S},
		{SACCT_START_US, 1795281022 * S},
		{SACCT_END_US, 1795281023 * S},
		{SACCT_ELAPSED_US, S},
		{SACCT_REQUESTED_US, NO},
		{SACCT_REQUESTED_CPUS, 1},
		{SACCT_CPUS, 2},
		{SACCT_REQUESTED_MEMORY, 1 << 20},
		{SACCT_NODES, 1},
		{SACCT_CPU_US, 20000},
		{SACCT_MAX_RSS, NO},
		{SACCT_HET_OFFSET, NO},
	};
	char why[SACCT_WHY_SIZE] = "";

	(void)state;
	assert_int_equal(
		read_one(HEADING,
			 "5|4_1|test|root|0|root|debug|normal|FAILED|3:0|1795281022|1795281022|"
			 "1795281023|1|UNLIMITED|1|2|1M|1|vm|00:00.020|",
			 why),
		0);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_string_equal(job.texts[texts[i].text], texts[i].want);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		assert_true(job.numbers[numbers[i].number] == numbers[i].want);
	assert_string_equal(job.node_list, "vm");
	assert_int_equal(job.stage, SACCT_ENDED);
	assert_false(job.is_step);
}

/* One column more: its value, and what it becomes (wrong: the line is refused and says the column).
 */
static void values_have_their_forms(void **state)
{
	static const struct {
		const char *column, *value;
		enum sacct_number number;
		int64_t want;
		bool is_wrong;
	} cases[] = {
		{"TotalCPU", "00:00.495", SACCT_CPU_US, 495000, false},
		{"TotalCPU", "00:00:00", SACCT_CPU_US, NO, false},
		{"TotalCPU", "01:02", SACCT_CPU_US, 62 * S, false},
		{"TotalCPU", "01:02:03", SACCT_CPU_US, 3723 * S, false},
		{"TotalCPU", "2-01:02:03", SACCT_CPU_US, (2 * 86400 + 3723) * S, false},
		{"TotalCPU", "2-00:00.5", SACCT_CPU_US, 2 * 86400 * S + 500000, false},
		{"TotalCPU", "1-2-3:4", 0, 0, true},
		{"TotalCPU", "12", 0, 0, true},
		{"TotalCPU", "1:2:3:4", 0, 0, true},
		{"TotalCPU", "99999999999:00", 0, 0, true},
		{"TotalCPU", "-1:00", 0, 0, true},
		{"MaxRSS", "1636K", SACCT_MAX_RSS, 1636 * 1024, false},
		{"MaxRSS", "0", SACCT_MAX_RSS, 0, false},
		{"MaxRSS", "1.50G", SACCT_MAX_RSS, 3 << 29, false},
		{"MaxRSS", "2T", SACCT_MAX_RSS, INT64_C(2) << 40, false},
		{"MaxRSS", "99999999999E", 0, 0, true},
		{"MaxRSS", "1X", 0, 0, true},
		{"MaxRSS", "1Mc", 0, 0, true},
		{"MaxRSS", "0x10", 0, 0, true},
		{"MaxRSS", "nan", 0, 0, true},
		{"ReqMem", "2000Mc", SACCT_REQUESTED_MEMORY, INT64_C(8000) << 20, false},
		{"ReqMem", "4Gn", SACCT_REQUESTED_MEMORY, INT64_C(8) << 30, false},
		{"ReqMem", "4G", SACCT_REQUESTED_MEMORY, INT64_C(4) << 30, false},
		{"TimelimitRaw", "90", SACCT_REQUESTED_US, 5400 * S, false},
		{"TimelimitRaw", "UNLIMITED", SACCT_REQUESTED_US, NO, false},
		{"TimelimitRaw", "Partition_Limit", SACCT_REQUESTED_US, NO, false},
		{"TimelimitRaw", "99999999999999999999", 0, 0, true},
		{"Start", "1795281022", SACCT_START_US, 1795281022 * S, false},
		{"Start", "2026-11-21T17:10:22", SACCT_START_US, 1795281022 * S, false},
		{"Start", "Unknown", SACCT_START_US, NO, false},
		{"Start", "None", SACCT_START_US, NO, false},
		{"Start", "2026-11-21", 0, 0, true},
		{"Start", "2026-11-21T17:10:22Z", 0, 0, true},
		{"Start", "99999999999999999", 0, 0, true},
		{"ExitCode", "0:9", SACCT_EXIT_SIGNAL, 9, false},
		{"ExitCode", "255:0", SACCT_EXIT_CODE, 255, false},
		{"ExitCode", "0", 0, 0, true},
		{"ExitCode", "1:2:3", 0, 0, true},
		{"AllocCPUS", "-1", 0, 0, true},
		{"AllocCPUS", "1 ", 0, 0, true},
		{"SLUID", "s0123456789ABC", 0, NO, false},
		{"SLUID", "s0123456789ABU", 0, 0, true},
		{"SLUID", "123", 0, 0, true},
		{"UID", "4294967294", SACCT_UID, 4294967294, false},
		{"Comment", "of no interest", 0, NO, false},
	};

	(void)state;
	setenv("TZ", "UTC0", 1);
	tzset();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char heading[128], line[128], why[SACCT_WHY_SIZE] = "";
		int r;

		snprintf(heading, sizeof(heading), "%s|JobIDRaw|State|NNodes|ReqCPUS",
			 cases[i].column);
		snprintf(line, sizeof(line), "%s|7|RUNNING|2|4", cases[i].value);
		r = read_one(heading, line, why);
		if (r != (cases[i].is_wrong ? -EINVAL : 0))
			fail_msg("%s %s: %d %s", cases[i].column, cases[i].value, r, why);
		if (r < 0)
			assert_non_null(strstr(why, cases[i].column));
		else if (cases[i].number && job.numbers[cases[i].number] != cases[i].want)
			fail_msg("%s %s: %lld", cases[i].column, cases[i].value,
				 (long long)job.numbers[cases[i].number]);
	}
}

static void ids_say_what_a_job_is_part_of(void **state)
{
	static const struct {
		const char *raw, *id, *array, *task, *het;
		int64_t offset;
		bool is_step, is_wrong;
	} cases[] = {
		{"7", "7", "", "", "", NO, false, false},
		{"5", "4_1", "4", "1", "", NO, false, false},
		{"9", "9_[1-9]", "9", "", "", NO, false, false},
		{"9", "9_[2,4-7%2]", "9", "", "", NO, false, false},
		{"12", "11+1", "", "", "11", 1, false, false},
		{"11", "11+0", "", "", "11", 0, false, false},
		{"5.batch", "4_1.batch", "4", "1", "", NO, true, false},
		{"5.0", "4_1.0", "4", "1", "", NO, true, false},
		{"5.extern", "5.extern", "", "", "", NO, true, false},
		{"12.0", "11+1.0", "", "", "11", 1, true, false},
		{"x", "7", "", "", "", NO, false, true},
		{"7_1", "7_1", "", "", "", NO, false, true},
		{"", "7", "", "", "", NO, false, true},
		{"7", "7_", "", "", "", NO, false, true},
		{"7", "7_x", "", "", "", NO, false, true},
		{"7", "7+", "", "", "", NO, false, true},
		{"7", "7x", "", "", "", NO, false, true},
		{"123456789012345678901", "7", "", "", "", NO, false, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char line[128], why[SACCT_WHY_SIZE] = "";
		int r;

		snprintf(line, sizeof(line), "%s|%s|PENDING", cases[i].raw, cases[i].id);
		r = read_one("JobIDRaw|JobID|State", line, why);
		if (r != (cases[i].is_wrong ? -EINVAL : 0))
			fail_msg("%s: %d %s", line, r, why);
		if (r < 0)
			continue;
		assert_int_equal(job.is_step, cases[i].is_step);
		assert_string_equal(job.texts[SACCT_ARRAY_ID], cases[i].array);
		assert_string_equal(job.texts[SACCT_ARRAY_TASK], cases[i].task);
		assert_string_equal(job.texts[SACCT_HET_ID], cases[i].het);
		assert_true(job.numbers[SACCT_HET_OFFSET] == cases[i].offset);
		assert_memory_equal(job.texts[SACCT_JOB_ID], cases[i].raw,
				    strspn(cases[i].raw, "0123456789"));
	}
}

static void states_have_stages(void **state)
{
	static const struct {
		const char *text, *want;
		int stage; /* -1: wrong */
	} cases[] = {
		{"PENDING", "PENDING", SACCT_WAITS},
		{"RUNNING", "RUNNING", SACCT_RUNS},
		{"SUSPENDED", "SUSPENDED", SACCT_RUNS},
		{"COMPLETED", "COMPLETED", SACCT_ENDED},
		{"CANCELLED by 1009", "CANCELLED", SACCT_ENDED},
		{"CANCELLED+", "CANCELLED", SACCT_ENDED},
		{"OUT_OF_MEMORY", "OUT_OF_MEMORY", SACCT_ENDED},
		{"NODE_FAIL", "NODE_FAIL", SACCT_ENDED},
		{"REQUEUED", "REQUEUED", SACCT_ENDED},
		{"done", NULL, -1},
		{" RUNNING", NULL, -1},
		{"", NULL, -1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char line[64], why[SACCT_WHY_SIZE] = "";
		int r;

		snprintf(line, sizeof(line), "7|%s", cases[i].text);
		r = read_one("jobidraw|state", line, why);
		assert_int_equal(r, cases[i].stage < 0 ? -EINVAL : 0);
		if (r < 0)
			continue;
		assert_string_equal(job.texts[SACCT_STATE], cases[i].want);
		assert_int_equal(job.stage, cases[i].stage);
	}
}

static void what_sacct_does_not_print_is_refused(void **state)
{
	static const struct {
		struct bytes heading, line;
		const char *why;
	} cases[] = {
		{BYTES_INIT(""), BYTES_INIT(""), "no heading"},
		{BYTES_INIT("JobID State"), BYTES_INIT(""), "no heading"},
		{BYTES_INIT("JobID|State"), BYTES_INIT(""), "no column JobIDRaw"},
		{BYTES_INIT("JobIDRaw|User"), BYTES_INIT(""), "no column State"},
		{BYTES_INIT("JobIDRaw|State|\033"), BYTES_INIT(""), "no heading"},
		{BYTES_INIT("JobIDRaw|State"), BYTES_INIT("7"), "1 fields instead of 2"},
		{BYTES_INIT("JobIDRaw|State"), BYTES_INIT("7|RUNNING|"), "3 fields instead of 2"},
		{BYTES_INIT("JobIDRaw|State|User"), BYTES_INIT("7|RUNNING|a\0b"), "control"},
		{BYTES_INIT("JobIDRaw|State|User"), BYTES_INIT("7|RUNNING|a\xff"), "UTF-8"},
	};
	char long_name[400];
	char why[SACCT_WHY_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sacct sacct;
		int r = sacct_heading(cases[i].heading, &sacct, why);

		if (r == 0)
			r = sacct_line(&sacct, cases[i].line, &job, why);
		assert_int_equal(r, -EINVAL);
		if (!strstr(why, cases[i].why))
			fail_msg("%zu: %s", i, why);
	}
	snprintf(long_name, sizeof(long_name), "7|RUNNING|%0300d", 0);
	assert_int_equal(read_one("JobIDRaw|State|User", long_name, why), -EINVAL);
}

static void a_step_adds_its_peak_of_memory(void **state)
{
	static struct sacct_job first, step;
	char why[SACCT_WHY_SIZE];

	(void)state;
	assert_int_equal(read_one("JobIDRaw|State|MaxRSS", "7|COMPLETED|", why), 0);
	first = job;
	/* what isn't looked at of a step may be anything */
	assert_int_equal(read_one("JobIDRaw|State|MaxRSS|Start", "7.0|COMPLETED|5K|?", why), 0);
	step = job;
	assert_true(sacct_add_step(&first, &step));
	assert_int_equal(first.numbers[SACCT_MAX_RSS], 5120);
	assert_int_equal(read_one("JobIDRaw|State|MaxRSS", "7.1|COMPLETED|3K", why), 0);
	assert_true(sacct_add_step(&first, &job));
	assert_int_equal(first.numbers[SACCT_MAX_RSS], 5120);
	assert_int_equal(read_one("JobIDRaw|State|MaxRSS", "70.1|COMPLETED|9K", why), 0);
	assert_false(sacct_add_step(&first, &job));
	assert_int_equal(first.numbers[SACCT_MAX_RSS], 5120);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_read),
		cmocka_unit_test(values_have_their_forms),
		cmocka_unit_test(ids_say_what_a_job_is_part_of),
		cmocka_unit_test(states_have_stages),
		cmocka_unit_test(what_sacct_does_not_print_is_refused),
		cmocka_unit_test(a_step_adds_its_peak_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
