/* SPDX-License-Identifier: BSD-2-Clause */
/* Which module a path belongs to: the site's table, Lmod's map, and the JSON that it is in. */
#include "tests/unit/unit.h"

#include "ingest/names_json.h"
#include "ingest/names_modules.h"

#include <cjson/cJSON.h>
#include <errno.h>

static char complaints_text[65536];

static struct names_complaints complaints_begin(void)
{
	FILE *out = fmemopen(complaints_text, sizeof(complaints_text), "w");

	assert_non_null(out);
	*complaints_text = '\0';
	return (struct names_complaints){.out = out};
}

static int read_table(struct bytes text, struct names_tree **ret)
{
	struct names_complaints complaints = complaints_begin();
	int r = names_table_read("f", text, &complaints, ret);

	fclose(complaints.out);
	assert_int_equal(r, complaints.count ? -EINVAL : 0);
	return r;
}

static int read_spider(struct bytes text, struct names_tree **ret, uint64_t *ret_skipped)
{
	struct names_complaints complaints = complaints_begin();
	FILE *in = fmemopen((void *)text.data, text.len, "r");
	int r = names_spider_read("f", in, &complaints, ret, ret_skipped);

	fclose(in);
	fclose(complaints.out);
	assert_int_equal(r, complaints.count ? -EINVAL : 0);
	return r;
}

struct path_case {
	const char *path, *module; /* NULL: none */
	size_t len;		   /* of path that was found */
};

static void check_paths(const struct names_tree *tree, const struct path_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct bytes module;
		size_t len;
		bool is_found = names_tree_find(tree, bytes_of(cases[i].path), &module, &len);

		if (is_found != (cases[i].module != NULL))
			fail_msg("%s: %d", cases[i].path, is_found);
		if (!is_found)
			continue;
		if (module.len != strlen(cases[i].module) ||
		    memcmp(module.data, cases[i].module, module.len) != 0)
			fail_msg("%s: %.*s", cases[i].path, (int)module.len, module.data);
		assert_int_equal(len, cases[i].len);
	}
}

static void the_longest_prefix_wins_at_a_component(void **state)
{
	static const char text[] = "# comment\n"
				   "/apps/gcc/12 gcc/12.2\n"
				   "  /apps/gcc\tgcc/any\r\n"
				   "/apps/gcc/12/plugin/ gcc-plugin/1\n"
				   "//opt///with blank/x with/1\n"
				   "/opt/none -\n"
				   "/apps/gcc gcc/any\n"
				   "/bytes/\xff\xfe bytes/1";
	static const struct path_case cases[] = {
		{"/apps/gcc/12/bin/gcc", "gcc/12.2", 12},
		{"/apps/gcc/12", "gcc/12.2", 12},
		{"/apps/gcc/12/", "gcc/12.2", 12},
		{"/apps//gcc/12//x", "gcc/12.2", 13},
		{"/apps/gcc/12.2/bin/gcc", "gcc/any", 9},
		{"/apps/gcc/1", "gcc/any", 9},
		{"/apps/gcc12/bin/gcc", NULL, 0},
		{"/apps/gcc/12/plugin/a.so", "gcc-plugin/1", 19},
		{"/apps/gcc/12/plugins/a.so", "gcc/12.2", 12},
		{"/opt/with blank/x/y", "with/1", 17},
		{"/opt/with", NULL, 0},
		{"/opt/none/x", "-", 9},
		{"/bytes/\xff\xfe/x", "bytes/1", 9},
		{"/apps", NULL, 0},
		{"/", NULL, 0},
		{"", NULL, 0},
		{"apps/gcc/12", NULL, 0},
	};
	struct names_tree *tree;

	(void)state;
	assert_int_equal(read_table(bytes_of(text), &tree), 0);
	assert_int_equal(names_tree_count(tree), 6);
	check_paths(tree, cases, ARRAY_SIZE(cases));
	names_tree_free(tree);
	assert_int_equal(read_table(bytes_of("/ all/1\n/a a/1"), &tree), 0);
	check_paths(tree, (struct path_case[]){{"/b/c", "all/1", 1}, {"/a/c", "a/1", 2}}, 2);
	names_tree_free(tree);
}

static void wrong_tables_are_told_with_their_lines(void **state)
{
	static const struct {
		struct bytes text;
		const char *why; /* a part of it */
	} cases[] = {
		{BYTES_INIT("\n/apps/gcc\n"), "f:2: the line has no module behind the path"},
		{BYTES_INIT("apps/gcc gcc/1"), "f:1: the line does not begin with the /"},
		{BYTES_INIT("/a x/1\n/b y/1\n/a/ x/2\n"),
		 "f:3: /a/ has another module already, x/1"},
		{BYTES_INIT("/a x\xff"), "f:1: the line has a module of"},
		{BYTES_INIT("/a x\x7f"), "f:1: the line has a module of"},
		{BYTES_INIT("/a\0b x"), "f:1: the line has a NUL byte"},
	};
	static char big[2 * NAMES_TABLE_LINE_MAX];
	struct names_tree *tree;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(read_table(cases[i].text, &tree), -EINVAL);
		if (!strstr(complaints_text, cases[i].why))
			fail_msg("%s: %s", cases[i].text.data, complaints_text);
	}
	memset(big, '/', sizeof(big));
	assert_int_equal(read_table((struct bytes){big, sizeof(big)}, &tree), -EINVAL);
	assert_non_null(strstr(complaints_text, "longer than 8192 bytes"));
	memset(big + 1, 'a', 4097);
	memcpy(big + 4098, " m/1", 5);
	assert_int_equal(read_table(bytes_of(big), &tree), -EINVAL);
	assert_non_null(strstr(complaints_text, "a part of more than 4096 bytes"));
}

/* As Lmod 8.6.19 printed them for the same module tree. */
static const char spider_xalt[] =
	"{\"xlibmap\":[\"libgfortran.so\",\"libx.a\"],\"reverseMapT\":{"
	"\"\\/a\\/gcc12\\/openmpi\\/4.1\\/lib\":\"openmpi\\/4.1(gcc\\/12.2)\","
	"\"\\/a\\/gcc\\/12.2\\/bin\":\"gcc\\/12.2\",\"\\/a\\/gcc\\/12.2\\/lib64\":\"gcc\\/"
	"12.2\"}}\n";
static const char spider_full[] =
	"{\"reverseMapT\":{\"\\/a\\/gcc\\/12.2\\/bin\":{\"flavor\":[\"default\"],"
	"\"pkg\":\"gcc\\/12.2\",\"moduleFn\":\"\\/mf\\/gcc\\/12.2.lua\",\"kind\":\"bin\"},"
	"\"\\/a\\/gcc\\/12.2\\/lib64\":{\"kind\":\"lib\",\"flavor\":[\"default\"],\"pkg\":\"gcc\\/"
	"12.2\"},"
	"\"\\/a\\/gcc12\\/openmpi\\/4.1\\/lib\":{\"flavor\":[\"default:gcc\\/"
	"12.2\",\"default:gcc\\/13\"],"
	"\"pkg\":\"openmpi\\/4.1\",\"moduleFn\":\"\\/mf\\/openmpi\\/4.1.lua\",\"kind\":\"lib\"}},"
	"\"xlibmap\":[\"libx.a\"],\"timestampFn\":false}";

static void both_forms_of_lmods_map_say_the_same(void **state)
{
	static const struct path_case cases[] = {
		{"/a/gcc/12.2/bin/gcc", "gcc/12.2", 15},
		{"/a/gcc/12.2/lib64/libgomp.so.1", "gcc/12.2", 17},
		{"/a/gcc12/openmpi/4.1/lib/openmpi/x.so", "openmpi/4.1(gcc/12.2)", 24},
		{"/a/gcc/12.2/libexec/cc1", NULL, 0},
	};
	const char *const texts[] = {spider_xalt, spider_full};
	struct names_tree *tree;
	uint64_t skipped;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		assert_int_equal(read_spider(bytes_of(texts[i]), &tree, &skipped), 0);
		assert_int_equal(skipped, 0);
		assert_int_equal(names_tree_count(tree), 3);
		check_paths(tree, cases, ARRAY_SIZE(cases));
		names_tree_free(tree);
	}
}

static void odd_maps_are_read_as_far_as_they_are_maps(void **state)
{
	static const struct {
		struct bytes text;
		uint64_t paths, skipped;
	} cases[] = {
		{BYTES_INIT("{\"reverseMapT\":[],\"xlibmap\":[]}"), 0, 0}, /* Lua's empty table */
		{BYTES_INIT("{\"reverseMapT\":{}}"), 0, 0},
		{BYTES_INIT("{\"reverseMapT\":null}"), 0, 0},
		{BYTES_INIT("{\"a\":{\"reverseMapT\":{\"/x\":\"y\"}},\"reverseMapT\":{}}"), 0, 0},
		{BYTES_INIT("{\"reverseMapT\":{\"/a\":7,\"/b\":[\"m\"],\"/c\":{},\"/"
			    "d\":null,\"e\":\"m\","
			    "\"\":\"m\",\"/g\":\"\",\"/h\":\"m\\u0000\",\"/i\\u0000\":\"m\",\"/"
			    "j\":\"\xff\","
			    "\"/k\":\"\\n\",\"/l\":\"good/1\",\"/l\":\"other/1\",\"/\xff\":\"good/"
			    "2\"}}"),
		 2, 12},
		{BYTES_INIT("{\"reverseMapT\":{\"/a\":{\"pkg\":[\"m\"]},\"/"
			    "b\":{\"pkg\":\"m\",\"flavor\":\"x\"},"
			    "\"/c\":{\"pkg\":\"m\",\"flavor\":[[],\"x\"]},\"/"
			    "d\":{\"pkg\":\"m\",\"x\":[{}]}}}"),
		 3, 1},
		{BYTES_INIT("{\"reverseMapT\":{\"\\/\\u00e9\\ud83d\\ude00\\ud800\":\"m\"}}"), 1, 0},
	};
	struct names_tree *tree;
	struct bytes module;
	uint64_t skipped;
	size_t len;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (read_spider(cases[i].text, &tree, &skipped))
			fail_msg("%zu: %s", i, complaints_text);
		assert_int_equal(names_tree_count(tree), cases[i].paths);
		assert_int_equal(skipped, cases[i].skipped);
		if (i == ARRAY_SIZE(cases) - 1)
			assert_true(names_tree_find(tree, bytes_of("/\u00e9\U0001f600\ufffd/x"),
						    &module, &len));
		names_tree_free(tree);
	}
}

static void what_is_no_map_is_refused(void **state)
{
	static const struct {
		struct bytes text;
		const char *why; /* a part of it */
	} cases[] = {
		{BYTES_INIT(" "), "ends before its JSON does"},
		{BYTES_INIT("{}"),
		 "f: has no \"reverseMapT\"; it must be what Lmod's spider -o xalt_rmapT"},
		{BYTES_INIT("[]"), "has no \"reverseMapT\""},
		{BYTES_INIT("{\"reverseMapT\":{\"/a\":\"m\"}"),
		 "ends before its JSON does: perhaps"},
		{BYTES_INIT("{\"reverseMapT\":{\"/a\":\"m"), "ends before its JSON does"},
		{BYTES_INIT("{\n\"reverseMapT\":{\"/a\" \"m\"}}"),
		 "f:2: is no JSON: a colon is missing"},
		{BYTES_INIT("{\"reverseMapT\":{\"/a\":\"m\" \"b\":1}}"), "a comma is missing"},
		{BYTES_INIT("{\"reverseMapT\":{\"/a\":\"m\",}}"), "a key is missing"},
		{BYTES_INIT("{\"reverseMapT\":{}} x"), "goes on behind its JSON"},
		{BYTES_INIT("{\"reverseMapT\":{\"/a\":\"m\0\"}}"), "control character"},
		{BYTES_INIT("{\"reverseMapT\":{\"/a\":\"\\x\"}}"), "has a wrong \\"},
		{BYTES_INIT("{\"reverseMapT\":{\"/a\":\"\\u12\"}}"), "has a wrong \\u"},
		{BYTES_INIT("reverseMapT = {}"), "is no JSON"}, /* spider -o reverseMapT: Lua */
		{BYTES_INIT("{\"reverseMapT\":tru}"), "is no JSON"},
		{BYTES_INIT("{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["),
		 "is nested too deeply"},
	};
	struct names_tree *tree;
	uint64_t skipped;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(read_spider(cases[i].text, &tree, &skipped), -EINVAL);
		if (!strstr(complaints_text, cases[i].why))
			fail_msg("%s: %s", cases[i].text.data, complaints_text);
	}
}

static struct names_json json;

static int read_all(const char *text, size_t len)
{
	FILE *in = fmemopen((void *)text, len, "r");
	int token;

	names_json_init(&json, in, len + 1);
	do
		token = names_json_next(&json);
	while (token > JSON_END);
	fclose(in);
	return token;
}

/* What cJSON, which is laxer, can't read, isn't read here either; and what it prints is. */
static void json_is_read_as_cjson_does(void **state)
{
	static const char from[] = "{}[]\"\"::,,a1\\ ";
	unsigned int seed = 5, read = 0;

	(void)state;
	for (int round = 0; round < 199999; round++) {
		char text[12];
		size_t len = 1 + rand_r(&seed) % 11;
		cJSON *tree;

		for (size_t i = 0; i < len; i++)
			text[i] = from[rand_r(&seed) % (sizeof(from) - 1)];
		tree = cJSON_ParseWithLengthOpts(text, len, NULL, false);
		if (read_all(text, len) == JSON_END) {
			read++;
			if (!tree)
				fail_msg("%.*s", (int)len, text);
		} else if (tree) {
			char *again = cJSON_PrintUnformatted(tree);

			assert_int_equal(read_all(again, strlen(again)), JSON_END);
			free(again);
		}
		cJSON_Delete(tree);
	}
	assert_true(read > 997);
}

/* A string without end, which is not kept. */
static void a_huge_string_takes_no_memory(void **state)
{
	static char text[1 << 20];
	struct names_tree *tree;
	uint64_t skipped;

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "{\"reverseMapT\":{\"/a\":\"", 22);
	memcpy(text + sizeof(text) - 16, "\",\"/b\":\"m\"}}    ", 16);
	assert_int_equal(read_spider((struct bytes){text, sizeof(text)}, &tree, &skipped), 0);
	assert_int_equal(names_tree_count(tree), 1);
	assert_int_equal(skipped, 1);
	names_tree_free(tree);
}

static void a_tree_has_bounds(void **state)
{
	_cleanup_names_tree_ struct names_tree *tree = NULL;
	struct bytes module;
	char path[64];
	size_t len;
	int r = 0;

	(void)state;
	assert_int_equal(names_tree_new(&tree), 0);
	for (unsigned int i = 0; r == 0; i++) {
		snprintf(path, sizeof(path), "/%u/%u", i % 997, i);
		r = names_tree_add(tree, bytes_of(path), bytes_of("m/1"));
		assert_true(i <= NAMES_TREE_NODES_MAX);
	}
	assert_int_equal(r, -E2BIG);
	assert_true(names_tree_count(tree) > NAMES_TREE_NODES_MAX - 1999);
	assert_true(names_tree_find(tree, bytes_of("/3/1000/x"), &module, &len));
	assert_false(names_tree_find(tree, bytes_of("/3/1001/x"), &module, &len));
	assert_int_equal(names_tree_add(tree, bytes_of("x"), bytes_of("m")), -EINVAL);
	assert_int_equal(names_tree_add(tree, bytes_of("/3/1000"), bytes_of("")), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_longest_prefix_wins_at_a_component),
		cmocka_unit_test(wrong_tables_are_told_with_their_lines),
		cmocka_unit_test(both_forms_of_lmods_map_say_the_same),
		cmocka_unit_test(odd_maps_are_read_as_far_as_they_are_maps),
		cmocka_unit_test(what_is_no_map_is_refused),
		cmocka_unit_test(json_is_read_as_cjson_does),
		cmocka_unit_test(a_huge_string_takes_no_memory),
		cmocka_unit_test(a_tree_has_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
