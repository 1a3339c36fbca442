// SPDX-License-Identifier: BSD-2-Clause
/* Who we are, and the ids of runs: the same whoever computes them, whatever is done to the clock.
 */
#include "tests/unit/daemon_folder.h"

#include "common/id.h"
#include "daemon/node.h"

static char folder[64];

static int begin(void **state)
{
	(void)state;
	folder_new(folder);
	return 0;
}

static int end(void **state)
{
	(void)state;
	folder_free(folder);
	return 0;
}

static void node_of(struct node *node)
{
	static char state[80];
	struct config config = {.host = "n1", .cluster = "c1", .state = state};

	snprintf(state, sizeof(state), "%s/state/deep", folder);
	assert_int_equal(node_init(node, &config), 0);
}

static void a_node_knows_itself(void **state)
{
	struct node node, again;

	(void)state;
	node_of(&node);
	assert_string_equal(node.host, "n1");
	assert_string_equal(node.cluster, "c1");
	assert_int_equal(strlen(node.boot_id), 36);
	assert_int_equal(strspn(node.instance, "0123456789abcdef"), 16);
	assert_in_range(node.started_unix_ns, 1600000000 * NS_PER_S, UINT64_MAX);
	node_of(&again);
	assert_string_not_equal(node.instance, again.instance);
}

/* The wall clock may be set between two starts: the relation of the first one counts. */
static void the_epoch_is_a_boots(void **state)
{
	static const struct {
		const char *text; /* %s: this boot */
		bool is_kept;
	} cases[] = {
		{"%s 1234567890123456789\n", true},
		{"%s -5\n", true},
		{"0b6a2d4e-0000-4000-8000-000000000001 1234567890123456789\n", false},
		{"%s", false},
		{"", false},
		{"%s x\n", false},
	};
	struct node node, first;
	char path[80], text[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/state/deep", folder);
	node_of(&first);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *left = NULL;

		snprintf(text, sizeof(text), cases[i].text, first.boot_id);
		file_make(path, "epoch", bytes_of(text));
		node_of(&node);
		if (cases[i].is_kept)
			assert_int_equal(node.epoch_ns, strtoll(text + 36, NULL, 10));
		else
			assert_in_range(node.epoch_ns - first.epoch_ns + 60 * NS_PER_S, 0,
					120 * NS_PER_S);
		/* what is there now is this boot's, and what a next one finds */
		snprintf(text, sizeof(text), "%s %lld\n", first.boot_id, (long long)node.epoch_ns);
		left = file_text(path, "epoch", NULL);
		assert_string_equal(left, text);
	}
}

/* Version 8, first the start in milliseconds, then what tells runs apart. */
static void ids_of_runs(void **state)
{
	struct node node = {.epoch_ns = 1700000000000000000, .tick_ns = 10000000};
	static const struct {
		struct live_key key;
		bool is_same;
	} cases[] = {
		{{1234567890, 7, 1}, true},
		{{1230000000, 7, 1}, true}, /* /proc tells ticks: floored, it is the same */
		{{1239999999, 7, 1}, true},
		{{1240000000, 7, 1}, false},
		{{1229999999, 7, 1}, false},
		{{1234567890, 8, 1}, false},
		{{1234567890, 7, 2}, false},
	};
	uuid_t first, id;
	uint64_t ms = 0;

	(void)state;
	node_run_id(&node, &cases[0].key, first);
	for (int i = 0; i < 6; i++)
		ms = ms << 8 | first[i];
	assert_int_equal(ms, 1700000001230);
	assert_int_equal(first[6] >> 4, 8);
	assert_int_equal(first[8] >> 6, 2);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		node_run_id(&node, &cases[i].key, id);
		assert_int_equal(!memcmp(id, first, sizeof(id)), cases[i].is_same);
	}
	node.boot_uuid[0] = 1;
	node_run_id(&node, &cases[0].key, id);
	assert_memory_not_equal(id, first, sizeof(id));
}

static void a_state_folder_that_can_not_be_made_is_an_error(void **state)
{
	struct config config = {.host = "n1", .state = "/proc/nowhere"};
	struct node node;

	(void)state;
	assert_true(node_init(&node, &config) < 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(a_node_knows_itself),
		TEST(the_epoch_is_a_boots),
		TEST(ids_of_runs),
		TEST(a_state_folder_that_can_not_be_made_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
