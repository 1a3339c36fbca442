/* SPDX-License-Identifier: BSD-2-Clause */
/* Links seen against records that came, in every order; and what a link is. */
#include "tests/unit/unit.h"

#include "daemon/link_runs.h"

static struct bytes words(const char *text, char *out)
{
	size_t len = strlen(text);

	for (size_t i = 0; i <= len; i++)
		out[i] = text[i] == ' ' ? '\0' : text[i];
	return (struct bytes){out, len + 1};
}

static void test_what_a_linker_is(void **state)
{
	static const char *const linkers[] = {
		"/usr/bin/ld",
		"/usr/bin/x86_64-linux-gnu-ld.bfd",
		"/usr/lib/llvm-14/bin/lld",
		"/usr/bin/mold",
		"/opt/x/ld.gold",
		"/usr/bin/x86_64-linux-gnu-ld.bfd.distrib",
		"ld",
		"/usr/bin/x86_64-linux-gnu-gold",
	};
	static const char *const others[] = {
		"/usr/bin/fold",  "/usr/bin/ldd", "/lib/ld-linux.so.2", "", "/usr/bin/",
		"/usr/bin/xmold", ".distrib"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(linkers); i++)
		assert_true(link_run_is_linker(bytes_of(linkers[i])));
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_false(link_run_is_linker(bytes_of(others[i])));
}

static void test_what_a_link_is(void **state)
{
	static char *skip_items[] = {"*/conftest", "/home/skip/*"};
	struct config_list skip = {skip_items, ARRAY_SIZE(skip_items)};
	static const struct {
		const char *argv;
		bool is_link;
	} cases[] = {
		{"ld a.o", true},
		{"ld -o x a.o", true},
		{"ld a.o -o conftest", false},
		{"ld a.o -oconftest", false},
		{"ld a.o --output=/home/skip/x", false},
		{"ld a.o --output conftest", false},
		{"ld a.o -o conftester", true},
		{"ld @file", true},
		{"ld", false},
		{"ld -o x", false},
		{"ld --version", false},
		{"ld -v a.o", false},
		{"ld -r -o x a.o", false},
		{"ld -o -r a.o", false},
		{"", false},
	};
	char text[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(
			link_run_is_link(words(cases[i].argv, text), bytes_of("/home/me"), &skip),
			cases[i].is_link);
	/* a last argument that was cut isn't looked at */
	assert_false(link_run_is_link((struct bytes){"ld\0a.o", 6}, bytes_of("/"), &skip));
	assert_false(link_run_is_link((struct bytes){NULL, 0}, bytes_of("/"), &skip));
}

/* w: a wrapper, pid 1, ends; l: the linker it ran, pid 2, ends; p: a plain linker, pid 3; r, R:
 * records of pid 1 and 3; d: a record from the drop folder; u: one of another user's. */
static void test_every_order(void **state)
{
	static const struct {
		const char *order;
		unsigned int missing;
	} cases[] = {
		{"lwr", 0},  {"lrw", 0},  {"rlw", 0},	{"lw", 1},    {"p", 1},	   {"pR", 0},
		{"Rp", 0},   {"r", 0},	  {"lwd", 0},	{"lwpdd", 0}, {"lwpd", 1}, {"lwu", 1},
		{"lwpr", 1}, {"llwr", 0}, {"lwRpr", 0}, {"pp", 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct link_runs *runs = link_runs_new();
		uint64_t now_ns = 100 * NS_PER_S;

		for (const char *at = cases[i].order; *at; at++, now_ns += NS_PER_MS)
			switch (*at) {
			case 'w':
				link_runs_ended(runs, 1, 9, 7, now_ns);
				break;
			case 'l':
				link_runs_ended(runs, 2, 1, 7, now_ns);
				break;
			case 'p':
				link_runs_ended(runs, 3, 9, 7, now_ns);
				break;
			case 'r':
				link_runs_recorded(runs, 1, 7, now_ns);
				break;
			case 'R':
				link_runs_recorded(runs, 3, 7, now_ns);
				break;
			case 'd':
				link_runs_recorded(runs, 0, 7, now_ns);
				break;
			case 'u':
				link_runs_recorded(runs, 1, 8, now_ns);
				break;
			}
		assert_int_equal(link_runs_missing(runs, now_ns), 0);
		now_ns += LINK_PATIENCE_NS;
		if (link_runs_missing(runs, now_ns) != cases[i].missing)
			fail_msg("%s: %lu missing", cases[i].order,
				 (unsigned long)link_runs_missing(runs, now_ns));
		assert_int_equal(link_runs_missing(runs, now_ns), cases[i].missing);
		link_runs_free(runs);
	}
}

static void test_bounds(void **state)
{
	struct link_runs *runs = link_runs_new();
	const uint32_t count = 3 * LINK_RUNS_MAX + 7;

	(void)state;
	for (uint32_t i = 0; i < count; i++) {
		link_runs_ended(runs, 10 + i, 1, 7, NS_PER_S);
		link_runs_add_job(runs)->pid = 10 + i;
	}
	assert_in_range(link_runs_missing(runs, NS_PER_S), count - LINK_RUNS_MAX, count);
	assert_int_equal(link_runs_missing(runs, 2 * LINK_PATIENCE_NS), count);
	assert_non_null(link_runs_job(runs, 10 + count - 1));
	assert_non_null(link_runs_job(runs, 10 + count - LINK_SENDERS_KEPT + 1));
	assert_null(link_runs_job(runs, 10));
	assert_null(link_runs_job(runs, 3));
	link_runs_free(runs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_a_linker_is),
		cmocka_unit_test(test_what_a_link_is),
		cmocka_unit_test(test_every_order),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
