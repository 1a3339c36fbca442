/* SPDX-License-Identifier: BSD-2-Clause */
/* Layout of tables: padding, cutting, leaving out, streaming. */
#include "tests/unit/unit.h"

#include "cli/table.h"

#include <locale.h>

static const struct table_column two[] = {
	{"NAME", .min = 4},
	{"N", .is_right = true},
};
static const struct table_column path_last[] = {
	{"NAME", .min = 4},
	{"PATH", .is_cut_left = true, .min = 8},
};
static const struct table_column three[] = {
	{"FIRST", .nominal = 8},
	{"SECOND", .drop = 1},
	{"THIRD", .drop = 2},
};

struct sample {
	const struct table_column *columns;
	size_t count, width;
	const char *cells[9]; /* rows of count, up to a NULL row: "" ends */
	size_t rows;
	const char *printed;
	size_t dropped;
};

static const struct sample samples[] = {
	{two, 2, 0, {"a", "1", "bcdef", "22"}, 2, "NAME    N\na       1\nbcdef  22\n", 0},
	/* absent */
	{two, 2, 0, {NULL, NULL}, 1, "NAME  N\n-     -\n", 0},
	{two, 2, 0, {"", ""}, 1, "NAME  N\n-     -\n", 0},
	/* not on a terminal nothing is cut */
	{two,
	 2,
	 0,
	 {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "1"},
	 1,
	 "NAME                                                              N\n"
	 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa  1\n",
	 0},
	/* on a terminal: the end of names, the beginning of paths */
	{two, 2, 12, {"abcdefghijklmnop", "1"}, 1, "NAME       N\nabcdefgh\u2026  1\n", 0},
	{path_last, 2, 14, {"ab", "/usr/bin/python3"}, 1, "NAME  PATH\nab    \u2026python3\n", 0},
	{path_last,
	 2,
	 80,
	 {"ab", "/usr/bin/python3"},
	 1,
	 "NAME  PATH\nab    /usr/bin/python3\n",
	 0},
	/* what can't be cut below min stays */
	{two, 2, 3, {"abcdef", "1"}, 1, "NAME  N\nabc\u2026  1\n", 0},
	/* leaving out */
	{three, 3, 21, {"a", "b", "c"}, 1, "FIRST  SECOND  THIRD\na      b       c\n", 0},
	{three, 3, 19, {"a", "b", "c"}, 1, "FIRST  SECOND\na      b\n", 1},
	{three, 3, 12, {"a", "b", "c"}, 1, "FIRST\na\n", 2},
	/* wide and combining characters */
	{two,
	 2,
	 0,
	 {"\u65e5\u672c\u8a9e", "1", "e\u0301", "2"},
	 2,
	 "NAME    N\n\u65e5\u672c\u8a9e  1\ne\u0301       2\n",
	 0},
	{two,
	 2,
	 10,
	 {"\u65e5\u672c\u8a9e\u65e5\u672c", "1"},
	 1,
	 "NAME     N\n\u65e5\u672c\u8a9e\u2026  1\n",
	 0},
	{path_last,
	 2,
	 14,
	 {"ab", "\u65e5\u672c\u8a9e\u65e5\u672c\u8a9e"},
	 1,
	 "NAME  PATH\nab    \u2026\u65e5\u672c\u8a9e\n",
	 0},
};

static void layout(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		const struct sample *sample = &samples[i];
		_cleanup_free_ char *printed = NULL;
		struct table *table;
		size_t size;
		FILE *out = open_memstream(&printed, &size);

		table = table_new(sample->columns, sample->count, sample->width, 17, out);
		for (size_t row = 0; row < sample->rows; row++) {
			char *cells[3];

			for (size_t j = 0; j < sample->count; j++) {
				const char *cell = sample->cells[row * sample->count + j];

				cells[j] = cell ? strdup(cell) : NULL;
			}
			assert_int_equal(table_add(table, cells), 0);
		}
		assert_int_equal(table_flush(table), 0);
		assert_int_equal(table_dropped(table), sample->dropped);
		table_free(table);
		fclose(out);
		assert_string_equal(printed, sample->printed);
	}
}

static void add_number(struct table *table, int number)
{
	char *cells[2] = {NULL, NULL};

	assert_true(asprintf(&cells[0], "row%d", number) > 0);
	assert_true(asprintf(&cells[1], "%d", number) > 0);
	assert_int_equal(table_add(table, cells), 0);
}

/* What comes after the sample is printed at once, at the sample's widths. */
static void streams_after_the_sample(void **state)
{
	_cleanup_free_ char *printed = NULL;
	struct table *table;
	size_t size;
	FILE *out = open_memstream(&printed, &size);

	(void)state;
	table = table_new(two, 2, 0, 3, out);
	add_number(table, 1);
	add_number(table, 2);
	fflush(out);
	assert_int_equal(size, 0);
	add_number(table, 3);
	fflush(out);
	assert_string_equal(printed, "NAME  N\nrow1  1\nrow2  2\nrow3  3\n");
	add_number(table, 12345);
	fflush(out);
	assert_string_equal(printed, "NAME  N\nrow1  1\nrow2  2\nrow3  3\nrow12345  12345\n");
	assert_int_equal(table_flush(table), 0);
	table_free(table);
	fclose(out);
}

/* Without a sample the heading stands at once, at nominal widths; an empty sampled table prints
 * nothing. */
static void without_rows(void **state)
{
	_cleanup_free_ char *printed = NULL;
	struct table *table;
	size_t size;
	FILE *out = open_memstream(&printed, &size);

	(void)state;
	table = table_new(three, 3, 0, 7, out);
	assert_int_equal(table_flush(table), 0);
	table_free(table);
	fflush(out);
	assert_int_equal(size, 0);
	table = table_new(three, 3, 0, 0, out);
	assert_int_equal(table_flush(table), 0);
	table_free(table);
	fclose(out);
	assert_string_equal(printed, "FIRST     SECOND  THIRD\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(layout),
		cmocka_unit_test(streams_after_the_sample),
		cmocka_unit_test(without_rows),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests_name("cli_table", tests, NULL, NULL);
}
