/* SPDX-License-Identifier: BSD-2-Clause */
/* Ids: the same run has the same id everywhere; versions and variants after RFC 9562. */
#include "tests/unit/unit.h"

#include "common/id.h"

#include <time.h>

static const uint8_t boot[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

static int version(const uuid_t id)
{
	assert_int_equal(id[8] & 0xc0, 0x80); /* the variant */
	return id[6] >> 4;
}

static uint64_t time_ms(const uuid_t id)
{
	uint64_t ms = 0;

	for (size_t i = 0; i < 6; i++)
		ms = ms << 8 | id[i];
	return ms;
}

/* Whoever changes this splits every run that is seen by two versions. */
static void run_id_is_fixed(void **state)
{
	uuid_t id;
	char text[ID_TEXT_SIZE];

	(void)state;
	id_run(boot, 4711, 123456789, 3, 1795254741358, id);
	uuid_unparse_lower(id, text);
	assert_string_equal(text, "01a1fd85-696e-8a37-8033-420e6dc7d43d");
	assert_int_equal(version(id), 8);
	assert_int_equal(time_ms(id), 1795254741358);
}

static void each_fact_makes_another_run(void **state)
{
	static const struct {
		uint8_t boot;
		uint32_t pid;
		uint64_t ticks;
		uint32_t execs;
	} cases[] = {{1, 7, 11, 1}, {2, 7, 11, 1}, {1, 8, 11, 1},
		     {1, 7, 12, 1}, {1, 7, 11, 2}, {1, 7, 11 + (1ULL << 32), 1}};
	uuid_t ids[ARRAY_SIZE(cases)];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t boot_id[16] = {cases[i].boot};

		id_run(boot_id, cases[i].pid, cases[i].ticks, cases[i].execs, 1000, ids[i]);
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(uuid_compare(ids[i], ids[j]), 0);
	}
}

static void new_ids_differ_and_carry_the_time(void **state)
{
	uuid_t ids[997];
	uint64_t now_ms = (uint64_t)time(NULL) * 1000;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		id_new(ids[i]);
		assert_int_equal(version(ids[i]), 7);
		assert_in_range(time_ms(ids[i]), now_ms - 2000, now_ms + 10000);
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(uuid_compare(ids[i], ids[j]), 0);
	}
}

static void content_gives_the_id(void **state)
{
	uuid_t a, b, c;

	(void)state;
	id_from_content(BYTES("program\0one"), a);
	id_from_content(BYTES("program\0one"), b);
	id_from_content(BYTES("program\0two"), c);
	assert_int_equal(version(a), 8);
	assert_int_equal(uuid_compare(a, b), 0);
	assert_int_not_equal(uuid_compare(a, c), 0);
}

/* XXH3-128 of nothing with seed 0, from xxHash's own specification of test vectors. */
static void hash_is_xxh3_canonical(void **state)
{
	char text[ID_HASH_SIZE];

	(void)state;
	id_hash(BYTES(""), text);
	assert_string_equal(text, "99aa06d3014798d86001c324468d497f");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(run_id_is_fixed),
		cmocka_unit_test(each_fact_makes_another_run),
		cmocka_unit_test(new_ids_differ_and_carry_the_time),
		cmocka_unit_test(content_gives_the_id),
		cmocka_unit_test(hash_is_xxh3_canonical),
	};

	return cmocka_run_group_tests_name("id", tests, NULL, NULL);
}
