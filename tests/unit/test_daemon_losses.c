// SPDX-License-Identifier: BSD-2-Clause
/* Losses: each cause has a name of its own, and shows when it grew. */
#include "tests/unit/unit.h"

#include "common/record.h"
#include "daemon/losses.h"

static void each_cause_has_its_words(void **state)
{
	(void)state;
	for (enum loss cause = 0; cause < LOSSES; cause++) {
		const char *name = loss_name(cause);

		assert_int_equal(name[strspn(name, "abcdefghijklmnopqrstuvwxyz_")], 0);
		assert_true(strlen(name) > 3 && strlen(loss_text(cause)) > 10);
		for (enum loss other = 0; other < cause; other++)
			assert_string_not_equal(name, loss_name(other));
	}
}

static void what_grew_is_told(void **state)
{
	static const struct losses base = {.count = {[LOSS_SPOOL_QUOTA] = 5, [LOSS_NO_STATE] = 7}},
				   now = {.count = {[LOSS_SPOOL_QUOTA] = 28,
						    [LOSS_NO_STATE] = 7,
						    [LOSS_RING_FULL_EXEC] = 1}};
	static const struct {
		const struct losses *base;
		const char *json;
	} cases[] = {
		{NULL, "{\"ring_full_exec\":1,\"no_state\":7,\"spool_quota\":28}"},
		{&base, "{\"ring_full_exec\":1,\"spool_quota\":23}"},
		{&now, "{}"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_json_ cJSON *json = losses_json(&now, cases[i].base, true);
		_cleanup_free_ char *text = cJSON_PrintUnformatted(json);

		assert_string_equal(text, cases[i].json);
	}
}

static void all_are_told_where_asked(void **state)
{
	static const struct losses now = {.count = {[LOSS_END_UNSEEN] = 3}};
	_cleanup_json_ cJSON *json = losses_json(&now, NULL, false);
	uint64_t value;

	(void)state;
	assert_int_equal(cJSON_GetArraySize(json), LOSSES);
	for (enum loss cause = 0; cause < LOSSES; cause++) {
		assert_int_equal(record_get_u64(json, loss_name(cause), &value), 0);
		assert_int_equal(value, cause == LOSS_END_UNSEEN ? 3 : 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_cause_has_its_words),
		cmocka_unit_test(what_grew_is_told),
		cmocka_unit_test(all_are_told_where_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
