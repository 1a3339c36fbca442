// SPDX-License-Identifier: BSD-2-Clause
/* The fast allow-list says what config_list_matches() says, and leaves the rest of an event alone.
 */
#include "tests/unit/unit.h"

#include "daemon/env_filter.h"
#include "tests/unit/daemon_events.h"

static char *lists[][8] = {
	{NULL},
	{"HOME", "OMP_*", "A?", "*_ID"},
	{"*"},
	{"B", "A", "AA", "C", "AB*", "AB"},
	{"A[BC]*", "\\*", "[", "A*B", "A**", "?"},
	{"", "*A", "B*C*"},
	{"OMP_*", "OMP_[!N]*", "[a-z]*", "\xc3\xbc*", "\xff?"},
};

static struct env_filter *filter_of(char **items, struct config_list *list)
{
	struct env_filter *filter;

	*list = (struct config_list){items, 0};
	while (list->count < ARRAY_SIZE(lists[0]) && items[list->count])
		list->count++;
	assert_int_equal(env_filter_new(list, &filter), 0);
	return filter;
}

/* Names of few different characters, so that they meet globs. */
static size_t name_make(char *out, unsigned int max)
{
	static const char letters[] = "ABCOMP_ID*[?\\az\xc3\xbc\xff N!";
	size_t len = random() % max;

	for (size_t i = 0; i < len; i++)
		out[i] = letters[random() % (sizeof(letters) - 1)];
	out[len] = '\0';
	return len;
}

static void it_agrees_with_the_plain_way(void **state)
{
	(void)state;
	srandom(23);
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		struct config_list list;
		struct env_filter *filter = filter_of(lists[i], &list);

		for (unsigned int n = 0; n < 20011; n++) {
			char entry[64];
			size_t len =
				n % 11 ? name_make(entry, 7)
				       : (size_t)sprintf(entry, "%s", n % 2 ? "OMP_N" : "HOME");
			bool is_allowed = len && config_list_matches(&list, entry);

			strcpy(entry + len, n % 3 ? "=" : "=A=B");
			if (env_filter_allows(filter, bytes_of(entry)) != is_allowed)
				print_message("# list %zu: %s\n", i, entry);
			assert_int_equal(env_filter_allows(filter, bytes_of(entry)), is_allowed);
		}
		env_filter_free(filter);
	}
}

static void names_fit_a_record(void **state)
{
	static const struct {
		char letter;
		size_t len;
		bool is_allowed;
	} cases[] = {{'A', 255, true},
		     {'A', 256, false},
		     {'A', 4096, false},
		     {'\xff', 85, true},
		     {'\xff', 86, false}};
	static char *all[] = {"*", "A*", "\xff*", NULL};
	struct config_list list;
	struct env_filter *filter = filter_of(all, &list);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char entry[4099];

		memset(entry, cases[i].letter, cases[i].len);
		strcpy(entry + cases[i].len, "=1");
		assert_int_equal(env_filter_allows(filter, bytes_of(entry)), cases[i].is_allowed);
	}
	env_filter_free(filter);
}

static void what_is_no_variable_is_never_allowed(void **state)
{
	static const struct bytes entries[] = {BYTES_INIT(""),	   BYTES_INIT("="),
					       BYTES_INIT("=A"),   BYTES_INIT("A"),
					       BYTES_INIT("HOME"), {NULL, 0}};
	static char *all[8] = {"*", "HOME", "A"};
	struct config_list list;
	struct env_filter *filter = filter_of(all, &list);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
		assert_false(env_filter_allows(filter, entries[i]));
	env_filter_free(filter);
}

static void an_event_keeps_only_what_is_allowed(void **state)
{
	static const struct {
		struct bytes before, after;
	} cases[] = {
		{BYTES_INIT(""), BYTES_INIT("")},
		{BYTES_INIT("A=1\0"), BYTES_INIT("A=1\0")},
		{BYTES_INIT("X=1\0A=1\0Y=2\0B=\0"), BYTES_INIT("A=1\0B=\0")},
		{BYTES_INIT("A=1\0X=2\0B=cut"), BYTES_INIT("A=1\0B=cut")},
		{BYTES_INIT("A=1\0X=cut"), BYTES_INIT("A=1\0")},
		{BYTES_INIT("\0\0A=1\0\0\0\0B=2\0"), BYTES_INIT("A=1\0B=2\0")},
		{BYTES_INIT("A\0A=\xff\n\0noequals\0"), BYTES_INIT("A=\xff\n\0")},
		{BYTES_INIT("A=1\0A=2\0A=1\0"), BYTES_INIT("A=1\0A=2\0A=1\0")},
	};
	static char *items[8] = {"A", "B*"};
	static union event_room in, out;
	struct config_list list;
	struct env_filter *filter = filter_of(items, &list);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct event *event;
		struct bytes env;

		event_make_exec(&in, &(struct event){.pid = 7},
				&(struct exec_texts){.env = cases[i].before});
		memset(&out, 0xee, sizeof(out));
		env_filter_event(filter, &in.exec, &out.exec);
		assert_int_equal(event_check((struct bytes){out.bytes, out.head.size}, &event), 0);
		env = event_bytes(event, out.exec.env);
		assert_int_equal(env.len, cases[i].after.len);
		assert_memory_equal(env.data, cases[i].after.data, env.len);
		assert_memory_equal(out.bytes + sizeof(in.exec), in.bytes + sizeof(in.exec),
				    in.exec.env.off - sizeof(in.exec));
	}
	env_filter_free(filter);
}

/* As long as an event can be, all of it allowed: nothing is written behind the room. */
static void the_longest_event_fits(void **state)
{
	static union event_room in, out;
	static char env[ENV_MAX_BYTES], argv[ARGV_MAX_BYTES], path[PATH_MAX_BYTES];
	static char *items[8] = {"A*"};
	struct config_list list;
	struct env_filter *filter = filter_of(items, &list);
	struct bytes name = {path, sizeof(path) - 1000};

	(void)state;
	memset(env, 'A', sizeof(env));
	env[1] = '=';
	event_make_exec(&in, &(struct event){.pid = 7},
			&(struct exec_texts){.exe = name,
					     .requested = name,
					     .cwd = name,
					     .argv = {argv, sizeof(argv)},
					     .env = {env, sizeof(env)}});
	assert_true(in.head.size <= EVENT_MAX_BYTES);
	env_filter_event(filter, &in.exec, &out.exec);
	assert_int_equal(out.head.size, in.head.size);
	assert_memory_equal(&out, &in, in.head.size);
	env_filter_free(filter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_agrees_with_the_plain_way),
		cmocka_unit_test(what_is_no_variable_is_never_allowed),
		cmocka_unit_test(names_fit_a_record),
		cmocka_unit_test(an_event_keeps_only_what_is_allowed),
		cmocka_unit_test(the_longest_event_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
