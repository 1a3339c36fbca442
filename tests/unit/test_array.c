/* SPDX-License-Identifier: BSD-2-Clause */
/* Arrays keep what is in them when they grow. */
#include "tests/unit/unit.h"

#include "common/array.h"

static void grows_and_keeps(void **state)
{
	uint32_t *items = NULL;
	size_t size = 0;

	(void)state;
	for (uint32_t i = 0; i < 10007; i++) {
		items = array_grow(items, i, &size, sizeof(*items));
		assert_non_null(items);
		assert_true(size > i);
		items[i] = i * 7;
	}
	for (uint32_t i = 0; i < 10007; i++)
		assert_int_equal(items[i], i * 7);
	assert_ptr_equal(array_grow(items, size - 1, &size, sizeof(*items)), items);
	free(items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(grows_and_keeps)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
