/* SPDX-License-Identifier: BSD-2-Clause */
/* What reports add up with: numbers for keys, texts, unions of stretches of time, distinct things.
 */
#include "tests/unit/unit.h"

#include "cli/busy.h"
#include "cli/labels.h"
#include "cli/number.h"
#include "cli/report_rows.h"
#include "cli/spans.h"
#include "cli/tally.h"

#include <errno.h>

#define KEYS	  9973
#define STRETCHES 7919
#define BUSY_KEYS 13

static uint64_t random_state = 1;

static uint64_t draw(uint64_t below)
{
	random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (random_state >> 33) % below;
}

static void maps_number_keys(void **state)
{
	static const uint64_t odd[] = {0, UINT64_MAX, UINT64_C(1) << 63, UINT64_C(1) << 32};
	struct map map = {0};
	uint32_t number;
	bool is_new;

	(void)state;
	assert_false(map_find(&map, 7, &number));
	for (uint32_t round = 0; round < 2; round++)
		for (uint32_t i = 0; i < KEYS; i++) {
			assert_int_equal(map_add(&map, i * UINT64_C(0x100000000), &number, &is_new),
					 0);
			assert_int_equal(number, i);
			assert_int_equal(is_new, round == 0);
		}
	for (size_t i = 1; i < ARRAY_SIZE(odd) - 1; i++) {
		assert_false(map_find(&map, odd[i], &number));
		assert_int_equal(map_add(&map, odd[i], &number, &is_new), 0);
		assert_int_equal(number, KEYS + i - 1);
	}
	assert_true(map_find(&map, 0, &number));
	assert_int_equal(number, 0);
	map_done(&map);
}

static void indexes_number_rows(void **state)
{
	static const int64_t ids[] = {0,  1,	     3, INDEX_DENSE_MAX - 1, INDEX_DENSE_MAX,
				      -1, INT64_MAX, 2, INT64_MIN,	     INT64_C(1) << 40};
	struct index index = {0};
	uint32_t number;
	bool is_new;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		assert_false(index_find(&index, ids[i], &number));
	for (uint32_t round = 0; round < 2; round++)
		for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
			assert_int_equal(index_add(&index, ids[i], &number, &is_new), 0);
			assert_int_equal(number, i);
			assert_int_equal(is_new, round == 0);
			assert_true(index_find(&index, ids[i], &number));
			assert_int_equal(number, i);
			assert_true(index.ids[i] == ids[i]);
		}
	assert_int_equal(index.count, ARRAY_SIZE(ids));
	index_done(&index);
}

/* Two texts that are known to have the same FNV-1a of 64 bits. */
static void labels_bear_collisions(void **state)
{
	struct labels labels;
	uint32_t first, second, third, none, empty;
	char text[24];

	(void)state;
	assert_int_equal(labels_init(&labels), 0);
	assert_int_equal(labels_add(&labels, (struct bytes){0}, &none), 0);
	assert_int_equal(none, LABEL_NONE);
	assert_int_equal(labels_add(&labels, bytes_of(""), &empty), 0);
	assert_int_not_equal(empty, LABEL_NONE);
	for (uint32_t round = 0; round < 2; round++)
		for (uint32_t i = 0; i < KEYS; i++) {
			snprintf(text, sizeof(text), "text %u", i);
			assert_int_equal(labels_add(&labels, bytes_of(text), &first), 0);
			assert_int_equal(first, empty + 1 + i);
		}
	assert_int_equal(labels_add(&labels, bytes_of("8yn0iYCKYHlIj4-BwPqk"), &first), 0);
	assert_int_equal(labels_add(&labels, bytes_of("GReLUrM4wMqfg9yzV3KQ"), &second), 0);
	assert_int_equal(labels_add(&labels, bytes_of("8yn0iYCKYHlIj4-BwPqk"), &third), 0);
	assert_int_not_equal(first, second);
	assert_int_equal(first, third);
	assert_true(labels_compare(&labels, first, second) < 0);
	assert_true(labels_compare(&labels, second, none) < 0);
	assert_true(labels_compare(&labels, none, none) == 0);
	labels_done(&labels);
}

struct stretch {
	uint64_t key;
	int64_t from_us, to_us;
};

/* The union, as spans.h has it: sorted, then united. */
static int64_t united(const struct stretch *stretches, uint64_t key)
{
	struct spans spans = {0};
	int64_t length;

	for (size_t i = 0; i < STRETCHES; i++)
		if (stretches[i].key == key)
			assert_int_equal(
				spans_add(&spans, stretches[i].from_us, stretches[i].to_us), 0);
	spans_settle(&spans);
	length = spans_length(&spans);
	spans_done(&spans);
	return length;
}

static void busy_time_is_the_union(void **state)
{
	static struct stretch stretches[STRETCHES];
	/* Dense, so that nearly all overlap; sparse; and with keys that come once, to be swept
	 * away. */
	static const struct {
		int64_t gap, length;
		uint64_t keys;
	} cases[] = {{1, 1000, BUSY_KEYS}, {1000, 1, BUSY_KEYS},      {10, 100, BUSY_KEYS},
		     {0, 10, BUSY_KEYS},   {100, 300, 2 * STRETCHES}, {1, INT32_MAX, BUSY_KEYS}};

	(void)state;
	for (size_t c = 0; c < ARRAY_SIZE(cases); c++) {
		struct busy busy = {0};
		int64_t now_us = 0, sums[BUSY_KEYS] = {0}, total = 0, wanted = 0, added;

		for (size_t i = 0; i < STRETCHES; i++) {
			now_us += (int64_t)draw((uint64_t)cases[c].gap + 1);
			stretches[i] = (struct stretch){
				draw(cases[c].keys), now_us,
				now_us + (int64_t)draw((uint64_t)cases[c].length + 1)};
			assert_int_equal(busy_add(&busy, stretches[i].key, stretches[i].from_us,
						  stretches[i].to_us, &added),
					 0);
			total += added;
			if (stretches[i].key < BUSY_KEYS)
				sums[stretches[i].key] += added;
		}
		for (uint64_t key = 0; key < BUSY_KEYS; key++)
			assert_true(sums[key] == united(stretches, key));
		for (uint64_t key = 0; key < cases[c].keys && cases[c].keys == BUSY_KEYS; key++)
			wanted += united(stretches, key);
		if (wanted)
			assert_true(total == wanted);
		busy_done(&busy);
	}
}

/* What is over is forgotten: a million keys, of which few are busy at once. */
static void busy_time_forgets(void **state)
{
	struct busy busy = {0};
	int64_t added;

	(void)state;
	for (int64_t i = 0; i < 1000003; i++) {
		assert_int_equal(busy_add(&busy, (uint64_t)i, i, i + 7, &added), 0);
		assert_int_equal(added, 7);
	}
	assert_true(busy.keys.size <= 16384);
	busy_done(&busy);
}

static void different_things_count_once(void **state)
{
	struct report_names names = {0};
	struct report_program program = {.path = 5};
	struct tally tally;
	struct tally_cell *cell;

	(void)state;
	names.programs = &program;
	tally_init(&tally, &names);
	for (size_t i = 0; i < DISTINCTS; i++)
		tally.is_measured[i] = true;
	for (uint32_t i = 0; i < KEYS; i++) {
		struct report_row row = {.start_us = i,
					 .elapsed_us = INT64_MAX,
					 .cores = REPORT_CORES_MAX,
					 .cpu_us = i % 2 ? 3 : -1,
					 .count = 2,
					 .failed = i % 3 == 0,
					 .person = i % 7,
					 .job_index = i % 11 ? i % 11 : REPORT_NO_INDEX,
					 .host_index = i % 13};

		assert_int_equal(tally_cell(&tally, i % 2, 0, &cell), 0);
		assert_int_equal(tally_add(&tally, cell, &row, NULL), 0);
	}
	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(tally_cell(&tally, i, 0, &cell), 0);
		assert_int_equal(cell->runs, 2 * (KEYS / 2 + !i));
		assert_int_equal(cell->distinct[DISTINCT_USERS], 7);
		assert_int_equal(cell->distinct[DISTINCT_JOBS], 10);
		assert_int_equal(cell->distinct[DISTINCT_HOSTS], 13);
		assert_int_equal(cell->distinct[DISTINCT_PROGRAMS], 1);
		assert_int_equal(cell->has_cpu, i);
		assert_true(cell->core_us ==
			    (tally_us)INT64_MAX * REPORT_CORES_MAX * (KEYS / 2 + !i));
		assert_true(cell->first_us == i && cell->last_us >= KEYS - 2);
	}
	assert_int_equal(tally.map.count, 2);
	tally_done(&tally);
}

static void numbers_are_readable(void **state)
{
	static const struct {
		double value;
		const char *count, *hours;
	} cases[] = {
		{0, "0", "0"},
		{1e-9, "0", "<0.001"},
		{0.0012, "0", "0.001"},
		{0.5, "0", "0.500"},
		{0.9999, "1", "1.00"},
		{9.994, "10", "9.99"},
		{9.996, "10", "10.0"},
		{99.94, "100", "99.9"},
		{99.96, "100", "100"},
		{999, "999", "999"},
		{1000, "1,000", "1,000"},
		{12345678, "12,345,678", "12,345,678"},
		{123456.7, "123,457", "123,457"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *count = number_format_count(cases[i].value);
		_cleanup_free_ char *hours = number_format_hours(cases[i].value);

		assert_string_equal(count, cases[i].count);
		assert_string_equal(hours, cases[i].hours);
	}
}

static void ends_have_names(void **state)
{
	static const struct {
		bool is_signal, is_oom;
		int64_t number;
		const char *name;
	} cases[] = {
		{false, false, 1, "1"},
		{false, false, 255, "255"},
		{true, false, 9, "SIGKILL"},
		{true, true, 9, "SIGKILL,oom"},
		{true, false, 64, "signal 64"},
		{true, false, 200, "signal 200"},
		{true, true, INT64_MAX, "signal 16777215,oom"},
	};
	char text[REPORT_END_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t end =
			report_end_make(cases[i].is_signal, cases[i].number, cases[i].is_oom);

		assert_int_not_equal(end, REPORT_END_NONE);
		assert_string_equal(report_end_name(end, text), cases[i].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maps_number_keys),
		cmocka_unit_test(indexes_number_rows),
		cmocka_unit_test(labels_bear_collisions),
		cmocka_unit_test(busy_time_is_the_union),
		cmocka_unit_test(busy_time_forgets),
		cmocka_unit_test(different_things_count_once),
		cmocka_unit_test(numbers_are_readable),
		cmocka_unit_test(ends_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
