// SPDX-License-Identifier: BSD-2-Clause
/* Execs that nobody told of: what two counts and the time between them say. */
#include "tests/unit/unit.h"

#include "daemon/untold.h"

struct step {
	int seconds, execs, told, want;
	bool is_last;
};

static void counted(void **state)
{
	static const struct {
		const char *name;
		struct step steps[8]; /* up to one at second 0 */
	} cases[] = {
		{.name = "all tell",
		 .steps = {{1, 0, 0}, {2, 23, 17}, {3, 29, 29}, {4, 29, 29}, {5, 29, 29}}},
		{.name = "a message may come a second later",
		 .steps = {{1, 0, 0}, {2, 23, 0}, {3, 23, 23}, {6, 23, 23}}},
		{.name = "nobody tells",
		 .steps = {{1, 0, 0}, {2, 23, 0}, {3, 23, 0}, {4, 23, 0, .want = 23}}},
		{.name = "some do",
		 .steps = {{1, 0, 0},
			   {2, 23, 6},
			   {3, 46, 13},
			   {4, 46, 13, .want = 10},
			   {5, 46, 13, .want = 33},
			   {6, 46, 13, .want = 33}}},
		{.name = "what comes at the end is not waited for",
		 .steps = {{1, 0, 0}, {2, 23, 6}, {2, 23, 6, .want = 17, .is_last = true}}},
		{.name = "messages from before the first exec hide none of the later ones",
		 .steps = {{1, 0, 31},
			   {2, 0, 31},
			   {3, 0, 31},
			   {4, 7, 31},
			   {5, 7, 31},
			   {6, 7, 31, .want = 7},
			   {7, 7, 31, .want = 7}}},
		{.name = "nor do those that somebody makes up later",
		 .steps = {{1, 0, 0},
			   {2, 5, 5},
			   {3, 5, 1005},
			   {4, 5, 1005},
			   {5, 5, 1005},
			   {6, 18, 1005},
			   {8, 18, 1005, .want = 13, .is_last = true}}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct untold untold = {0};

		for (const struct step *s = cases[i].steps; s->seconds; s++) {
			uint64_t got = untold_count(&untold, s->execs, s->told,
						    s->seconds * NS_PER_S, s->is_last);

			if (got != (uint64_t)s->want)
				fail_msg("%s, second %d: %llu, not %d", cases[i].name, s->seconds,
					 (unsigned long long)got, s->want);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(counted)};

	return cmocka_run_group_tests_name("untold", tests, NULL, NULL);
}
