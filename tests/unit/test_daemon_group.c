// SPDX-License-Identifier: BSD-2-Clause
/* A group against the run records of its members: the same numbers, to the last microsecond; and
 * what makes runs equal. */
#include "tests/unit/daemon_image.h"

#include "daemon/group.h"
#include "daemon/group_record.h"
#include "daemon/rules.h"

#include <math.h>

#define MEMBERS 997
#define STEP	"/system.slice/slurmstepd.scope/job_123/step_0/user/task_"

static struct facts *facts;

static int begin(void **state)
{
	(void)state;
	return facts_new(0, &facts);
}

static uint64_t some(uint64_t max)
{
	return (uint64_t)random() % max;
}

/* One of a load: usage, times and exit as they come. */
static struct image *member_make(unsigned int number)
{
	static const uint32_t exits[] = {0, 0, 0, 1 << 8, 77 << 8, 9, 11 | 0x80, 15, 64};
	struct image *image = image_of(facts, &(struct exec_texts){.cgroup = BYTES(STEP "0")}, 0,
				       exits[some(ARRAY_SIZE(exits))]);

	image->s.key.pid = 100 + number;
	image->s.begin_ns += some(NS_PER_S);
	image->s.end_ns = image->s.begin_ns + some(3 * NS_PER_S);
	image->s.usage =
		(struct event_usage){some(7),  some(7),	 some(NS_PER_S), some(1 << 30),
				     some(99), some(99), some(3),	 4096 * some(99999)};
	image->s.folded = image->s.usage;
	image->s.forks = some(5);
	if (!some(5))
		image->s.traits &= ~TRAIT_RSS_EXACT;
	if (!some(11))
		image->s.traits |= TRAIT_OOM;
	if (!some(7))
		image->s.end = END_EXEC;
	return image;
}

/* The oracle: sum, least and greatest of what the records show. */
struct oracle {
	double sum, min, max;
	unsigned int known;
};

static const char *const fields[] = {
	"elapsed_s",	      "usage.user_s",	    "usage.system_s",
	"usage.max_rss",      "usage.read_bytes",   "usage.write_bytes",
	"usage.minor_faults", "usage.major_faults", "usage.forks"};

static void oracle_add(struct oracle *o, const cJSON *record, const char *field)
{
	double value;

	if (record_get_number(record, field, &value))
		return;
	o->sum += round(value * 1e6); /* exact below 2^53 */
	o->min = o->known ? MIN(o->min, value) : value;
	o->max = o->known ? MAX(o->max, value) : value;
	o->known++;
}

static unsigned int exit_count(const cJSON *group, const cJSON *exit)
{
	const cJSON *one;
	double count = 0;

	cJSON_ArrayForEach (one, record_get(group, "exits"))
		if (cJSON_Compare(cJSON_GetObjectItem(one, "exit"), exit, true))
			record_get_number(one, "count", &count);
	return count;
}

static void check_numbers(const cJSON *group, const struct oracle *oracles)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		static const char *const parts[] = {"sum", "min", "max"};
		const double wants[] = {oracles[i].sum, oracles[i].min, oracles[i].max};

		for (size_t k = 0; k < ARRAY_SIZE(parts); k++) {
			char path[64];
			double got;

			snprintf(path, sizeof(path), "%s.%s", fields[i], parts[k]);
			assert_int_equal(record_get_number(group, path, &got), 0);
			assert_true((k ? got : round(got * 1e6)) == wants[k]);
		}
	}
}

static cJSON *record_of(const struct group *group)
{
	_cleanup_json_ cJSON *record = NULL;
	_cleanup_free_ char *line = NULL;
	char objects[ID_HASH_SIZE], env[ID_HASH_SIZE] = "";
	cJSON *read = NULL;
	size_t len;

	run_object_hash(group->first, objects);
	if (group_has_env(group))
		run_env_hash(group->first, env);
	record = group_record(image_node(), group, objects, env);
	assert_non_null(record);
	line = record_print(record, &len);
	assert_int_equal(record_parse((struct bytes){line, len - 1}, &read), 0);
	return read;
}

/* No reader takes a number over 2^53. */
static void a_sum_that_is_over_is_null(void **state)
{
	struct image *image = member_make(0), *other = member_make(1);
	_cleanup_json_ cJSON *record = NULL;
	struct group *group;
	const cJSON *item;
	uint64_t hash[2];
	bool is_named = false;

	(void)state;
	group_hash(image, hash);
	image->s.usage.read_bytes = other->s.usage.read_bytes = RECORD_NUMBER_MAX;
	group = group_new(image, hash);
	assert_true(group_add(group, other));
	record = record_of(group);
	assert_true(cJSON_IsNull(record_get(record, "usage.read_bytes")));
	assert_true(cJSON_IsObject(record_get(record, "usage.write_bytes")));
	cJSON_ArrayForEach (item, record_get(record, "incomplete"))
		is_named |=
			!strcmp(item->valuestring, "usage.read_bytes: more than a record holds");
	assert_true(is_named);
	image_free(facts, other);
	group_free(facts, group);
}

static void a_group_says_what_its_members_would_have_said(void **state)
{
	_cleanup_json_ cJSON *exits = cJSON_CreateArray(), *record = NULL;
	struct oracle oracles[ARRAY_SIZE(fields)] = {{0}};
	struct group *group = NULL;
	unsigned int total = 0, rss = 0;
	char text[96];

	(void)state;
	srandom(23);
	for (unsigned int i = 0; i < MEMBERS; i++) {
		struct image *image = member_make(i);
		_cleanup_json_ cJSON *run = image_record(image);
		uint64_t hash[2];

		for (size_t k = 0; k < ARRAY_SIZE(fields); k++)
			oracle_add(&oracles[k], run, fields[k]);
		rss += run_rss_is_own(image);
		cJSON_AddItemToArray(exits, cJSON_DetachItemFromObject(run, "exit"));
		group_hash(image, hash);
		if (!group) {
			group = group_new(image, hash);
			continue;
		}
		assert_memory_equal(group->s.hash, hash, sizeof(hash));
		assert_true(group_add(group, image));
		image_free(facts, image);
	}
	record = record_of(group);
	check_numbers(record, oracles);
	for (const cJSON *exit = exits->child; exit; exit = exit->next) {
		unsigned int same = 0;

		for (const cJSON *other = exits->child; other; other = other->next)
			same += cJSON_Compare(exit, other, true);
		assert_int_equal(exit_count(record, exit), same);
	}
	for (const cJSON *one = record_get(record, "exits")->child; one; one = one->next)
		total += cJSON_GetObjectItem(one, "count")->valueint;
	assert_int_equal(total, MEMBERS);
	assert_int_equal(record_get(record, "count")->valueint, MEMBERS);
	snprintf(text, sizeof(text), "usage.max_rss: known of %u runs only", rss);
	assert_string_equal(record_get(record, "incomplete")->child->valuestring, text);
	group_free(facts, group);
}

#define SCRIPTS(cwd_a, script_a, cwd_b, script_b, are_equal)                                       \
	{                                                                                          \
		.a = {.interp = BYTES_INIT("/bin/sh"),                                             \
		      .cwd = BYTES_INIT(cwd_a),                                                    \
		      .requested = BYTES_INIT(script_a)},                                          \
		.b = {.interp = BYTES_INIT("/bin/sh"),                                             \
		      .cwd = BYTES_INIT(cwd_b),                                                    \
		      .requested = BYTES_INIT(script_b)},                                          \
		.is_equal = are_equal, .null = (are_equal) ? "exe.requested" : NULL                \
	}

/* Two images that differ in one thing: equal or not, and what is told then. */
static void what_makes_runs_equal(void **state)
{
	static const struct {
		struct exec_texts a, b;
		uint32_t uid, device;
		bool is_equal;
		const char *null; /* what isn't told any more */
	} cases[] = {
		{.is_equal = true},
		{.b.argv = BYTES_INIT("program\0other\0"), .is_equal = true},
		{.b.cwd = BYTES_INIT("/tmp"), .is_equal = true},
		{.b.env = BYTES_INIT("A=1\0"), .is_equal = true, .null = "env_set"},
		{.b.requested = BYTES_INIT("program"), .is_equal = true, .null = "exe.requested"},
		{.a.cgroup = BYTES_INIT(STEP "0"),
		 .b.cgroup = BYTES_INIT(STEP "1"),
		 .is_equal = true,
		 .null = "cgroup"},
		{.a.cgroup = BYTES_INIT(STEP "0"),
		 .b.cgroup =
			 BYTES_INIT("/system.slice/slurmstepd.scope/job_123/step_1/user/task_0")},
		{.b.cgroup = BYTES_INIT("/elsewhere")},
		{.uid = 7},
		{.device = 9},
		{.b.exe = BYTES_INIT("/usr/bin/program2")},
		{.a.interp = BYTES_INIT("/bin/sh"),
		 .b.interp = BYTES_INIT("/bin/sh"),
		 .b.requested = BYTES_INIT("other.sh")},
		{.a.interp = BYTES_INIT("/bin/sh"), .b.interp = BYTES_INIT("")},
		SCRIPTS("/a", "./s.sh", "/b", "./s.sh", false),
		SCRIPTS("/a", "./s.sh", "/a", "s.sh", true),
		SCRIPTS("/a", "./s.sh", "/b", "/a/s.sh", true),
		SCRIPTS("/a/b", "././/s.sh", "/", "/a//./b/s.sh", true),
		SCRIPTS("/", "s.sh", "/b", "/s.sh", true),
		SCRIPTS("/a", "b/s.sh", "/a/b", "s.sh", true),
		SCRIPTS("/a", "../s.sh", "/b", "../s.sh", false),
		SCRIPTS("/a", "/x/s.sh", "/b", "/x/.s.sh", false),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct image *a = image_of(facts, &cases[i].a, 0, 0);
		struct image *b = image_of(facts, &cases[i].b, 0, 0);
		uint64_t hash_a[2], hash_b[2];
		struct group *group;

		b->exec->uid += cases[i].uid;
		b->exec->file.device += cases[i].device;
		group_hash(a, hash_a);
		group_hash(b, hash_b);
		if (!memcmp(hash_a, hash_b, sizeof(hash_a)) != cases[i].is_equal)
			print_message("# case %zu\n", i);
		assert_int_equal(!memcmp(hash_a, hash_b, sizeof(hash_a)), cases[i].is_equal);
		group = group_new(a, hash_a);
		assert_true(group_add(group, b));
		if (cases[i].is_equal) {
			static const char *const all[] = {"env_set", "exe.requested", "cgroup"};
			_cleanup_json_ cJSON *record = record_of(group);

			for (size_t k = 0; k < ARRAY_SIZE(all); k++)
				assert_int_equal(cJSON_IsNull(record_get(record, all[k])),
						 cases[i].null && !strcmp(cases[i].null, all[k]));
		}
		group_free(facts, group);
		image_free(facts, b);
	}
}

static void an_exit_too_many_is_refused(void **state)
{
	struct image *image = image_of(facts, &(struct exec_texts){}, 0, 0);
	struct group *group = group_new(image, (const uint64_t[2]){1, 2});

	(void)state;
	for (unsigned int i = 1; i < GROUP_EXITS_MAX + 2; i++) {
		struct image *other = image_of(facts, &(struct exec_texts){}, 0, i << 8);
		struct group_state before = group->s;

		if (i < GROUP_EXITS_MAX) {
			assert_true(group_add(group, other));
		} else {
			assert_false(group_add(group, other));
			assert_memory_equal(&before, &group->s, sizeof(before));
		}
		other->s.wait_status = 5 << 8; /* one that is there */
		if (i > 5)
			assert_true(group_add(group, other));
		image_free(facts, other);
	}
	group_free(facts, group);
}

/* Found by hash, kept by age. */
static void the_table(void **state)
{
	struct group *made[101], *oldest;
	struct groups *groups;
	uint64_t last = 0;

	(void)state;
	assert_int_equal(groups_new(&groups), 0);
	for (uint64_t i = 0; i < ARRAY_SIZE(made); i++) {
		struct image *image = image_of(facts, &(struct exec_texts){}, 0, 0);

		image->s.end_ns = (i * 37 % 101 + 1) * NS_PER_S;
		made[i] = group_new(image, (const uint64_t[2]){i / 2, i % 2}); /* buckets of two */
		groups_put(groups, made[i]);
	}
	assert_int_equal(groups_count(groups), ARRAY_SIZE(made));
	for (uint64_t i = 0; i < ARRAY_SIZE(made); i++)
		assert_ptr_equal(groups_find(groups, (const uint64_t[2]){i / 2, i % 2}), made[i]);
	assert_null(groups_find(groups, (const uint64_t[2]){77, 0}));
	while ((oldest = groups_oldest(groups))) {
		assert_true(oldest->s.since_ns > last);
		last = oldest->s.since_ns;
		groups_take(groups, oldest);
		assert_null(groups_find(groups, oldest->s.hash));
		group_free(facts, oldest);
	}
	assert_int_equal(groups_count(groups), 0);
	assert_int_equal(groups_cost(groups), 0);
	groups_free(groups);
}

static void ids_are_the_firsts_and_of_groups(void **state)
{
	struct live_key key = {5, 7, 1}, other = {5, 7, 2};
	uuid_t run, group, again, third;

	(void)state;
	node_run_id(image_node(), &key, run);
	group_id(image_node(), &key, group);
	group_id(image_node(), &key, again);
	group_id(image_node(), &other, third);
	assert_int_equal(uuid_compare(group, again), 0);
	assert_int_not_equal(uuid_compare(group, run), 0);
	assert_int_not_equal(uuid_compare(group, third), 0);
	assert_int_equal(group[6] >> 4, 8);
	assert_memory_equal(group, run, 6); /* the time */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sum_that_is_over_is_null),
		cmocka_unit_test(a_group_says_what_its_members_would_have_said),
		cmocka_unit_test(what_makes_runs_equal),
		cmocka_unit_test(an_exit_too_many_is_refused),
		cmocka_unit_test(the_table),
		cmocka_unit_test(ids_are_the_firsts_and_of_groups),
	};

	return cmocka_run_group_tests(tests, begin, NULL);
}
