// SPDX-License-Identifier: BSD-2-Clause
/* Which rule takes an exec, with every condition, and names that must be looked up. */
#include "tests/unit/unit.h"

#include "daemon/rules.h"
#include "tests/unit/daemon_events.h"

#include <grp.h>
#include <pwd.h>

#define STEP "/system.slice/slurmstepd.scope/job_123/step_0/user/task_2"

static union event_room room;

/* The rules of that text, one a line; of one text at a time. */
static struct rules *rules_of(const char *text, enum config_scope scope)
{
	struct config config = {.scope = scope};
	struct config_rule items[16] = {{0}};
	static char copy[1024];
	char *rest = copy;
	struct rules *rules;

	strcpy(copy, text);
	config.rules.items = items;
	for (char *line; *text && (line = strsep(&rest, "\n"));) {
		items[config.rules.count].line = config.rules.count + 7;
		items[config.rules.count++].text = line;
	}
	assert_int_equal(rules_new(&config, &rules), 0);
	return rules;
}

static const struct event_exec *exec_of(const struct exec_texts *texts, uint32_t uid, uint32_t gid)
{
	event_make_exec(&room, &(struct event){.pid = 7, .exec_id = 1}, texts);
	room.exec.uid = uid;
	room.exec.gid = gid;
	return &room.exec;
}

static size_t decide(const struct rules *rules, const struct event_exec *exec,
		     unsigned int *ret_verdict)
{
	static struct subject subject;

	subject_of_exec(exec, &subject);
	return rules_decide(rules, &subject, ret_verdict);
}

static void each_condition(void **state)
{
	static const struct {
		const char *rule;
		struct exec_texts texts;
		uint32_t uid, gid;
		bool holds;
	} cases[] = {
		{"ignore", {.exe = BYTES_INIT("/x")}, 0, 0, true},
		{"ignore path=/usr/*", {.exe = BYTES_INIT("/usr/bin/a")}, 0, 0, true},
		{"ignore path=/usr/*", {.exe = BYTES_INIT("/usr")}, 0, 0, false},
		{"ignore path!=/usr/*", {.exe = BYTES_INIT("/usr")}, 0, 0, true},
		{"ignore path=/a?b",
		 {.exe = BYTES_INIT("/a\xff"
				    "b")},
		 0,
		 0,
		 true},
		{"ignore user=5-9", {.exe = BYTES_INIT("/x")}, 5, 0, true},
		{"ignore user=5-9", {.exe = BYTES_INIT("/x")}, 9, 0, true},
		{"ignore user=5-9", {.exe = BYTES_INIT("/x")}, 10, 5, false},
		{"ignore user!=5-9", {.exe = BYTES_INIT("/x")}, 4, 5, true},
		{"ignore group=5", {.exe = BYTES_INIT("/x")}, 4, 5, true},
		{"ignore group=5", {.exe = BYTES_INIT("/x")}, 5, 4, false},
		{"ignore job=yes", {.cgroup = BYTES_INIT(STEP)}, 0, 0, true},
		{"ignore job=no", {.cgroup = BYTES_INIT(STEP)}, 0, 0, false},
		{"ignore job!=yes", {.cgroup = BYTES_INIT(STEP)}, 0, 0, false},
		{"ignore job=no", {.cgroup = BYTES_INIT("/user.slice")}, 0, 0, true},
		{"ignore job=12?", {.cgroup = BYTES_INIT(STEP)}, 0, 0, true},
		{"ignore job=*", {.cgroup = BYTES_INIT("/user.slice")}, 0, 0, false},
		{"ignore job!=12?", {.cgroup = BYTES_INIT("/user.slice")}, 0, 0, true},
		{"ignore container=no", {.cgroup = BYTES_INIT(STEP)}, 0, 0, true},
		{"ignore cgroup=/system.slice/*", {.cgroup = BYTES_INIT(STEP)}, 0, 0, true},
		{"ignore cgroup=/system.slice/*",
		 {.cgroup = BYTES_INIT("/"), .cgroup_v1 = BYTES_INIT("/system.slice/x")},
		 0,
		 0,
		 true},
		{"ignore cgroup=/", {.cgroup = BYTES_INIT("/")}, 0, 0, true},
		/* the last part of what was asked for, cut at 15 */
		{"ignore comm=run.sh",
		 {.exe = BYTES_INIT("/usr/bin/bash"), .requested = BYTES_INIT("./a/run.sh")},
		 0,
		 0,
		 true},
		{"ignore comm=abcdefghijklmno",
		 {.requested = BYTES_INIT("abcdefghijklmnop")},
		 0,
		 0,
		 true},
		{"ignore comm=abcdefghijklmnop",
		 {.requested = BYTES_INIT("abcdefghijklmnop")},
		 0,
		 0,
		 false},
		{"ignore path=/x user=3 job=no", {.exe = BYTES_INIT("/x")}, 3, 0, true},
		{"ignore path=/x user=3 job=yes", {.exe = BYTES_INIT("/x")}, 3, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct rules *rules = rules_of(cases[i].rule, CONFIG_SCOPE_ALL);
		unsigned int verdict;
		size_t which = decide(rules, exec_of(&cases[i].texts, cases[i].uid, cases[i].gid),
				      &verdict);

		if (which != !cases[i].holds)
			print_message("# case %zu: %s\n", i, cases[i].rule);
		assert_int_equal(which, !cases[i].holds);
		assert_int_equal(verdict, cases[i].holds ? RULE_IGNORE : RULE_FULL);
		rules_free(rules, NULL);
	}
}

static void the_first_that_matches_decides(void **state)
{
	static const char text[] = "group user=5\nignore user=5-6\nfull user=6\ngroup user=5-7";
	static const struct {
		uint32_t uid;
		unsigned int rule, verdict;
	} cases[] = {
		{5, 0, RULE_GROUP}, {6, 1, RULE_IGNORE}, {7, 3, RULE_GROUP}, {8, 4, RULE_FULL}};
	struct rules *rules = rules_of(text, CONFIG_SCOPE_ALL);

	(void)state;
	assert_int_equal(rules_count(rules), 5);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned int verdict;

		assert_int_equal(
			decide(rules, exec_of(&(struct exec_texts){}, cases[i].uid, 0), &verdict),
			cases[i].rule);
		assert_int_equal(verdict, cases[i].verdict);
	}
	assert_int_equal(rules_line(rules, 3), 10);
	assert_int_equal(rules_line(rules, 4), 0);
	rules_free(rules, NULL);
}

static void scope_jobs_is_a_rule_in_front(void **state)
{
	struct rules *rules = rules_of("group", CONFIG_SCOPE_JOBS);
	unsigned int verdict;

	(void)state;
	assert_int_equal(decide(rules, exec_of(&(struct exec_texts){}, 0, 0), &verdict), 0);
	assert_int_equal(verdict, VERDICT_OUT_OF_SCOPE);
	assert_false(verdict_is_recorded(verdict));
	assert_int_equal(
		decide(rules, exec_of(&(struct exec_texts){.cgroup = BYTES(STEP)}, 0, 0), &verdict),
		1);
	assert_int_equal(verdict, RULE_GROUP);
	rules_free(rules, NULL);
}

/* Until a name's number is known, the condition doesn't hold, with = or with !=. */
static void names_are_looked_up_by_workers(void **state)
{
	struct group *group = getgrgid(0);
	static struct facts *facts; /* for ever: workers hold them */
	char text[256];
	struct rules *rules;
	unsigned int verdict;

	(void)state;
	assert_int_equal(facts_new(1, &facts), 0);
	snprintf(text, sizeof(text),
		 "ignore user=root\nignore user!=root group=%s\ngroup user!=nobody-has-this-name",
		 group->gr_name);
	rules = rules_of(text, CONFIG_SCOPE_ALL);
	assert_true(rules_are_waiting(rules));
	assert_int_equal(decide(rules, exec_of(&(struct exec_texts){}, 0, 0), &verdict), 3);
	assert_int_equal(decide(rules, exec_of(&(struct exec_texts){}, 5, 0), &verdict), 3);
	for (int i = 0; rules_are_waiting(rules); i++) {
		assert_in_range(i, 0, 10000);
		facts_collect(facts);
		rules_advance(rules, facts, NS_PER_S);
		usleep(1000);
	}
	assert_int_equal(decide(rules, exec_of(&(struct exec_texts){}, 0, 0), &verdict), 0);
	assert_int_equal(decide(rules, exec_of(&(struct exec_texts){}, 5, 0), &verdict), 1);
	assert_int_equal(decide(rules, exec_of(&(struct exec_texts){}, 5, 1), &verdict), 3);
	rules_free(rules, facts);
}

static void a_rank_that_the_parent_has_not_makes_a_task(void **state)
{
	static const struct {
		struct bytes env, parent;
		bool is_task;
	} cases[] = {
		{BYTES_INIT(""), BYTES_INIT(""), false},
		{BYTES_INIT("A=1\0PMI_RANK=3\0"), BYTES_INIT("A=1\0"), true},
		{BYTES_INIT("A=1\0PMI_RANK=3"), BYTES_INIT("PMI_RANK=3"), false},
		{BYTES_INIT("SLURM_PROCID=0\0"), BYTES_INIT(""), true},
		/* mpirun in a batch script */
		{BYTES_INIT("OMPI_COMM_WORLD_RANK=0\0SLURM_PROCID=0\0"),
		 BYTES_INIT("SLURM_PROCID=0\0"), true},
		{BYTES_INIT("PMIX_RANK=0\0"), BYTES_INIT("PMIX_RANK=1\0PMI_RANK=1"), false},
		{BYTES_INIT("PMI_RANKS=3\0XPMI_RANK=3\0PMI_RANK"), BYTES_INIT(""), false},
		{BYTES_INIT("MV2_COMM_WORLD_RANK=3\0"), BYTES_INIT("Z=\0"), true},
		{BYTES_INIT("\0\0\0PALS_RANKID="), BYTES_INIT("Z=\0"), true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(is_task(ranks_of_env(cases[i].env), ranks_of_env(cases[i].parent)),
				 cases[i].is_task);
}

static void a_verdict_stands_in_the_event(void **state)
{
	(void)state;
	for (unsigned int verdict = 0; verdict < VERDICTS; verdict++) {
		exec_of(&(struct exec_texts){}, 0, 0);
		room.head.traits = TRAIT_COMPAT | TRAIT_SCANNED | TRAIT_VERDICT;
		exec_set_verdict(&room.exec, verdict, 21);
		assert_int_equal(exec_verdict(&room.exec), verdict);
		assert_int_equal(exec_ranks(&room.exec), 21);
		assert_int_equal(room.head.traits & ~TRAIT_VERDICT, TRAIT_COMPAT | TRAIT_SCANNED);
	}
	room.head.traits = TRAIT_VERDICT; /* from a damaged journal */
	assert_int_equal(exec_verdict(&room.exec), RULE_FULL);
}

/* What the kernel side is given: ids and whole names, while nothing in front records. */
static void the_kernel_side_is_given_what_it_can_ask(void **state)
{
	static const struct {
		const char *rules;
		size_t count;
		struct kernel_rule first;
	} cases[] = {
		{"ignore user=5-9", 1, {5, 9, {0, 0}}},
		{"ignore user=5-9 user=7-20", 1, {7, 9, {0, 0}}},
		{"ignore comm=sh", 1, {0, (uint32_t)-1, {'s' | 'h' << 8, 0}}},
		{"ignore comm=sh user=0", 1, {0, 0, {'s' | 'h' << 8, 0}}},
		{"ignore", 1, {0, (uint32_t)-1, {0, 0}}},
		{"ignore path=/x\nignore user=3", 1, {3, 3, {0, 0}}},
		{"ignore user=1\nignore user=2\nfull\nignore user=3", 2, {1, 1, {0, 0}}},
		{"full path=/x\nignore user=3", 0, {0}},
		{"group job=yes\nignore user=3", 0, {0}},
		{"ignore comm=s*", 0, {0}},
		{"ignore comm=s?", 0, {0}},
		{"ignore comm=[s]h", 0, {0}},
		{"ignore comm=fifteen-letters", 1, {0}},
		{"ignore comm=sixteen--letters", 0, {0}},
		{"ignore comm!=sh", 0, {0}},
		{"ignore user!=3", 0, {0}},
		{"ignore user=somebody", 0, {0}},
		{"ignore user=3 job=no", 0, {0}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct rules *rules = rules_of(cases[i].rules, CONFIG_SCOPE_ALL);
		struct kernel_rule got[KERNEL_RULES_MAX];

		assert_int_equal(rules_for_kernel(rules, got), cases[i].count);
		if (cases[i].first.uid_high)
			assert_memory_equal(&got[0], &cases[i].first, sizeof(got[0]));
		rules_free(rules, NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_condition),
		cmocka_unit_test(the_first_that_matches_decides),
		cmocka_unit_test(scope_jobs_is_a_rule_in_front),
		cmocka_unit_test(names_are_looked_up_by_workers),
		cmocka_unit_test(a_rank_that_the_parent_has_not_makes_a_task),
		cmocka_unit_test(a_verdict_stands_in_the_event),
		cmocka_unit_test(the_kernel_side_is_given_what_it_can_ask),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
