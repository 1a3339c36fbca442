/* SPDX-License-Identifier: BSD-2-Clause */
/* Which joins of show are verified by the build-id, and when links contradict each other. */
#include "tests/unit/unit.h"

#include "cli/show.h"
#include "common/record.h"

#define LINK(watermark, build_id)                                                                  \
	"{\"watermark\":" watermark ",\"output\":{\"build_id\":" build_id "}}"
#define RUN(watermark, build_id) "{\"exe\":{\"watermark\":" watermark ",\"build_id\":" build_id "}}"
#define RUN_WITH(watermark, build_id)                                                              \
	"{\"exe\":{\"watermark\":null,\"build_id\":\"99\"},\"objects\":[{\"watermark\":null,"      \
	"\"build_id\":null},{\"watermark\":" watermark ",\"build_id\":" build_id "}]}"
#define W "\"w\""
#define V "\"v\""
#define A "\"aa\""
#define B "\"bb\""
#define N "null"

/* t, f or ?, one for each link, then each run. */
static const struct {
	const char *program, *links, *runs, *verdicts;
	bool conflict;
} cases[] = {
	{N, "", "", "", false},
	/* a file, its link, its run */
	{A, LINK(W, A), RUN(W, A), "tt", false},
	/* the link made another program: watermark copied */
	{A, LINK(W, B), RUN(W, A), "ff", false},
	/* one honest, one forged */
	{A, LINK(W, A) "," LINK(W, B), RUN(W, A) "," RUN(W, B), "tftt", true},
	/* a reproducible build: many links, one program */
	{A, LINK(W, A) "," LINK(W, A), RUN(W, A), "ttt", false},
	/* asked by watermark alone: links are held against the runs */
	{N, LINK(W, A) "," LINK(W, B), RUN(W, A), "t?t", true},
	{N, LINK(W, A), "", "?", false},
	/* no link: nothing to compare with */
	{A, "", RUN(W, A), "?", false},
	/* without build-ids nothing is verified */
	{N, LINK(W, N), RUN(W, N), "??", false},
	{A, LINK(W, N), RUN(W, A), "??", false},
	{N, LINK(W, A), RUN(W, N), "??", false},
	/* equal build-ids under different watermarks are no join by watermark */
	{A, LINK(V, A), RUN(W, A), "t?", false},
	{N, LINK(V, A), RUN(W, A), "??", false},
	/* different programs of different watermarks don't contradict each other */
	{N, LINK(W, A) "," LINK(V, B), "", "??", false},
	/* not linked through us: by build-id */
	{A, "", RUN(N, A), "?", false},
	/* a library of the run */
	{A, LINK(W, A), RUN_WITH(W, A), "tt", false},
	{A, LINK(W, A), RUN_WITH(W, B), "tf", false},
	{A, LINK(W, A), RUN_WITH(V, A), "t?", false},
};

static char verdict_of(const cJSON *record)
{
	const cJSON *verified = record_get(record, "verified");

	return cJSON_IsTrue(verified) ? 't' : cJSON_IsFalse(verified) ? 'f' : '?';
}

static void verdicts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = NULL;
		_cleanup_json_ cJSON *answer = NULL;
		const cJSON *record;
		char found[16] = "";
		size_t count = 0;

		assert_true(asprintf(&text,
				     "{\"program\":{\"build_id\":%s},\"links\":[%s],\"runs\":[%s]}",
				     cases[i].program, cases[i].links, cases[i].runs) > 0);
		answer = cJSON_Parse(text);
		assert_non_null(answer);
		assert_int_equal(show_verify(answer), 0);
		cJSON_ArrayForEach (record, record_get(answer, "links"))
			found[count++] = verdict_of(record);
		cJSON_ArrayForEach (record, record_get(answer, "runs"))
			found[count++] = verdict_of(record);
		if (strcmp(found, cases[i].verdicts) ||
		    cJSON_IsTrue(record_get(answer, "conflict")) != cases[i].conflict)
			fail_msg("case %zu: %s, not %s", i, found, cases[i].verdicts);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts),
	};

	return cmocka_run_group_tests_name("cli_verify", tests, NULL, NULL);
}
