/* SPDX-License-Identifier: BSD-2-Clause */
/* Records: each kind of value goes out in one form and comes back the same. */
#include "tests/unit/unit.h"

#include "common/record.h"

#include <errno.h>
#include <math.h>

static char *print(const cJSON *record)
{
	size_t len = 0;
	char *line = record_print(record, &len);

	assert_non_null(line);
	assert_int_equal(len, strlen(line));
	assert_int_equal(line[len - 1], '\n');
	line[len - 1] = '\0';
	return line;
}

static void text_goes_out_and_back(void **state)
{
	static const struct {
		struct bytes data;
		const char *line;
	} cases[] = {
		{BYTES_INIT(""), "{\"a\":\"\"}"},
		{BYTES_INIT("x\ny\"\\"), "{\"a\":\"x\\ny\\\"\\\\\"}"},
		{BYTES_INIT("\x1b[0m\x7f"), "{\"a\":\"\\u001b[0m\x7f\"}"},
		{BYTES_INIT("m\xc3\xbcll"), "{\"a\":\"m\xc3\xbcll\"}"},
		{BYTES_INIT("a\xff"), "{\"a\":\"a\ufffd\",\"a_b64\":\"Yf8=\"}"},
		{BYTES_INIT("a\0b"), "{\"a\":\"a\ufffd"
				     "b\",\"a_b64\":\"YQBi\"}"},
		{BYTES_INIT("\ufffd"), "{\"a\":\"\ufffd\"}"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_json_ cJSON *record = cJSON_CreateObject(), *back = NULL;
		_cleanup_free_ char *line = NULL, *text = NULL;
		size_t len;

		assert_true(record_add_text(record, "a", cases[i].data));
		line = print(record);
		assert_string_equal(line, cases[i].line);
		assert_int_equal(record_parse(bytes_of(line), &back), 0);
		assert_int_equal(record_get_text(back, "a", &text, &len), 0);
		assert_int_equal(len, cases[i].data.len);
		assert_memory_equal(text, cases[i].data.data, len);
		assert_int_equal(text[len], 0);
	}
}

static void absent_is_null(void **state)
{
	_cleanup_json_ cJSON *record = cJSON_CreateObject();
	_cleanup_free_ char *line = NULL;
	char *text;
	double number;
	uint8_t uuid[16];

	(void)state;
	assert_true(record_add_text(record, "a", bytes_of(NULL)));
	assert_true(record_add_uuid(record, "b", NULL));
	assert_true(record_add_null(record, "c"));
	assert_true(record_add_number(record, "d", INFINITY));
	assert_true(record_add_number(record, "e", 2.0 * RECORD_NUMBER_MAX));
	assert_true(record_add_time(record, "f", RECORD_TIME_MAX));
	line = print(record);
	assert_string_equal(line,
			    "{\"a\":null,\"b\":null,\"c\":null,\"d\":null,\"e\":null,\"f\":null}");
	assert_int_equal(record_get_text(record, "a", &text, NULL), -ENOENT);
	assert_int_equal(record_get_uuid(record, "b", uuid), -ENOENT);
	assert_int_equal(record_get_number(record, "c", &number), -ENOENT);
	assert_int_equal(record_get_number(record, "e", &number), -ENOENT);
}

static void arrays_keep_exact_members(void **state)
{
	static const struct bytes plain[] = {BYTES_INIT("a"), BYTES_INIT("")};
	static const struct bytes mixed[] = {
		BYTES_INIT("a"), BYTES_INIT("\xff"), BYTES_INIT("b\0"), {NULL, 0}};
	_cleanup_json_ cJSON *record = cJSON_CreateObject();
	_cleanup_free_ char *line = NULL;

	(void)state;
	assert_true(record_add_texts(record, "none", NULL, 0));
	assert_true(record_add_texts(record, "plain", plain, ARRAY_SIZE(plain)));
	assert_true(record_add_texts(record, "mixed", mixed, ARRAY_SIZE(mixed)));
	line = print(record);
	assert_string_equal(line, "{\"none\":[],\"plain\":[\"a\",\"\"],"
				  "\"mixed\":[\"a\",\"\ufffd\",\"b\ufffd\",null],"
				  "\"mixed_b64\":[null,\"/w==\",\"YgA=\",null]}");
}

static void numbers_are_exact(void **state)
{
	static const struct {
		double value;
		const char *shown;
	} cases[] = {
		{0, "0"},
		{-1, "-1"},
		{0.5, "0.5"},
		{0.1, "0.1"},
		{1795254741.358243, "1795254741.358243"},
		{999999999999999.0, "999999999999999"},
		{1000000000000000.0, "1000000000000000"},
		{1234567890123450.0, "1234567890123450"},
		{4503599627370497.0, "4503599627370497"},
		{9007199254740992.0, "9007199254740992"},
		{-9007199254740990.0, "-9007199254740990"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_json_ cJSON *record = cJSON_CreateObject(), *back = NULL;
		_cleanup_free_ char *line = NULL, *expected = NULL;
		double value = NAN;

		assert_true(record_add_number(record, "n", cases[i].value));
		assert_int_equal(record_get_number(record, "n", &value), 0);
		assert_true(value == cases[i].value);
		line = print(record);
		assert_true(asprintf(&expected, "{\"n\":%s}", cases[i].shown) > 0);
		assert_string_equal(line, expected);
		assert_int_equal(record_parse(bytes_of(line), &back), 0);
		assert_int_equal(record_get_number(back, "n", &value), 0);
		assert_true(value == cases[i].value);
	}
}

/* Every whole microsecond has its own short form, and comes back as the same double. */
static void microseconds_are_exact(void **state)
{
	(void)state;
	for (uint64_t us = 1; us < 9000000000000000; us = us * 3 + us % 7 + 1) {
		_cleanup_json_ cJSON *record = cJSON_CreateObject(), *back = NULL;
		_cleanup_free_ char *line = NULL;
		double value = us / 1e6, got;
		size_t len;

		assert_true(record_add_number(record, "n", value));
		line = record_print(record, &len);
		assert_int_equal(record_parse((struct bytes){line, len - 1}, &back), 0);
		assert_int_equal(record_get_number(back, "n", &got), 0);
		assert_true(got == value);
	}
}

static void u64_by_text_or_number(void **state)
{
	static const struct {
		const char *line;
		int result;
		uint64_t value;
	} cases[] = {
		{"{\"n\":\"18446744073709551615\"}", 0, UINT64_MAX},
		{"{\"n\":\"0\"}", 0, 0},
		{"{\"n\":991}", 0, 991},
		{"{\"n\":9007199254740991}", 0, 9007199254740991},
		{"{\"n\":\"18446744073709551616\"}", -EINVAL, 0},
		{"{\"n\":\"\"}", -EINVAL, 0},
		{"{\"n\":\"-1\"}", -EINVAL, 0},
		{"{\"n\":\" 1\"}", -EINVAL, 0},
		{"{\"n\":\"1x\"}", -EINVAL, 0},
		{"{\"n\":-1}", -EINVAL, 0},
		{"{\"n\":1.5}", -EINVAL, 0},
		{"{\"n\":1e300}", -EINVAL, 0},
		{"{\"n\":1e999}", -EINVAL, 0},
		{"{\"n\":true}", -EINVAL, 0},
		{"{\"n\":[]}", -EINVAL, 0},
		{"{\"n\":null}", -ENOENT, 0},
		{"{}", -ENOENT, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_json_ cJSON *record = NULL;
		uint64_t value = 4711;

		assert_int_equal(record_parse(bytes_of(cases[i].line), &record), 0);
		assert_int_equal(record_get_u64(record, "n", &value), cases[i].result);
		assert_int_equal(value, cases[i].result ? 4711 : cases[i].value);
	}
}

static void times_both_ways(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} cases[] = {
		{"1970-01-01T00:00:00.000000Z", 0},
		{"2026-11-21T09:52:21.358243Z", 1795254741358243000},
		{"2024-02-29T23:59:59.999999Z", 1709251199999999000},
		{"2261-12-31T00:00:00.000001Z", 9214560000000001000ULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[RECORD_TIME_SIZE];
		uint64_t ns = 1;

		assert_string_equal(record_time_format(cases[i].ns, text), cases[i].text);
		assert_int_equal(record_time_parse(cases[i].text, &ns), 0);
		assert_int_equal(ns, cases[i].ns);
	}
}

static void times_by_others(void **state)
{
	static const struct {
		const char *text;
		int result;
	} cases[] = {
		{"2026-11-21T09:52:21Z", 0},	       {"2026-11-21T09:52:21.5Z", 0},
		{"2026-11-21T09:52:21.123456789Z", 0}, {"2026-11-21T09:52:21.1234567890Z", -EINVAL},
		{"2026-11-21T09:52:21.Z", -EINVAL},    {"2026-11-21T09:52:21", -EINVAL},
		{"2026-11-21 09:52:21Z", -EINVAL},     {"2026-11-21T09:52:21+01:00", -EINVAL},
		{"2026-13-21T09:52:21Z", -EINVAL},     {"2026-00-21T09:52:21Z", -EINVAL},
		{"2025-02-29T09:52:21Z", -EINVAL},     {"2026-11-31T09:52:21Z", -EINVAL},
		{"2026-11-21T24:00:00Z", -EINVAL},     {"2026-11-21T09:60:00Z", -EINVAL},
		{"1969-12-31T23:59:59Z", -EINVAL},     {"2262-01-01T00:00:00Z", -EINVAL},
		{"2026-11-21T09:52:21Zx", -EINVAL},    {"", -EINVAL},
		{"20261-1-21T09:52:21Z", -EINVAL},     {"+026-11-21T09:52:21Z", -EINVAL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t ns = 4711;

		assert_int_equal(record_time_parse(cases[i].text, &ns), cases[i].result);
		assert_int_equal(ns == 4711, cases[i].result < 0);
	}
}

static void lines_that_are_none(void **state)
{
	static const struct {
		struct bytes line;
		int result;
	} cases[] = {
		{BYTES_INIT("{}"), 0},
		{BYTES_INIT(" {\"a\":[1,{\"b\":null}]} \r\n"), 0},
		{BYTES_INIT("{\"a\":\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"}"), 0},
		{BYTES_INIT("{\"a\":\"\\ud83d\\ude00\"}"), 0},
		{BYTES_INIT(""), -EINVAL},
		{BYTES_INIT("\n"), -EINVAL},
		{BYTES_INIT("[]"), -EINVAL},
		{BYTES_INIT("17"), -EINVAL},
		{BYTES_INIT("\"a\""), -EINVAL},
		{BYTES_INIT("null"), -EINVAL},
		{BYTES_INIT("{"), -EINVAL},
		{BYTES_INIT("{}}"), -EINVAL},
		{BYTES_INIT("{} {}"), -EINVAL},
		{BYTES_INIT("{} x"), -EINVAL},
		{BYTES_INIT("{\"a\":1"), -EINVAL},
		{BYTES_INIT("{\"a\":\"b"), -EINVAL},
		{BYTES_INIT("{\"a\":\"b\\\"}"), -EINVAL},
		{BYTES_INIT("{\"a\":\"\xff\"}"), -EINVAL},
		{BYTES_INIT("{\"a\":\"\xed\xa0\x80\"}"), -EINVAL},
		/* what cJSON would let pass, or read otherwise */
		{BYTES_INIT("{\"a\":\"\\u0000\"}"), -EINVAL},
		{BYTES_INIT("{\"a\\u0000b\":1}"), -EINVAL},
		{BYTES_INIT("{\"a\":\"\\uZZZZ\"}"), -EINVAL},
		{BYTES_INIT("{\"a\":\"\\x41\"}"), -EINVAL},
		{BYTES_INIT("{\"a\":\"x\ny\"}"), -EINVAL},
		{BYTES_INIT("{\"a\":\"x\0y\"}"), -EINVAL},
		{BYTES_INIT("{\"a\":1}\0"), -EINVAL},
		{BYTES_INIT("{\0\"a\":1}"), -EINVAL},
		/* half a surrogate pair */
		{BYTES_INIT("{\"a\":\"\\ud800\"}"), -EINVAL},
		{BYTES_INIT("{\"a\":\"\\ud800x\"}"), -EINVAL},
		{BYTES_INIT("{\"a\":\"\\udc00\"}"), -EINVAL},
		{BYTES_INIT("{\"a\":\"\\ud800\\ud800\"}"), -EINVAL},
		{BYTES_INIT("{\"a\":\"\\ud800\\u0041\"}"), -EINVAL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_json_ cJSON *record = NULL;
		int r = record_parse(cases[i].line, &record);

		if (r != cases[i].result)
			print_error("case %zu: %s\n", i, cases[i].line.data);
		assert_int_equal(r, cases[i].result);
		assert_int_equal(!record, r < 0);
	}
}

/* {"a":[[...]]} with depth nested in all, in a buffer of its own so that a read past it is found.
 */
static struct bytes nested(size_t depth)
{
	size_t arrays = depth - 1, len = 5 + 2 * arrays + 2;
	char *line = malloc(len);

	memcpy(line, "{\"a\":", 5);
	memset(line + 5, '[', arrays);
	line[5 + arrays] = '1';
	memset(line + 6 + arrays, ']', arrays);
	line[len - 1] = '}';
	return (struct bytes){line, len};
}

static void depth_is_bounded(void **state)
{
	static const struct {
		size_t depth;
		int result;
	} cases[] = {
		{2, 0}, {RECORD_DEPTH_MAX, 0}, {RECORD_DEPTH_MAX + 1, -ELOOP}, {1000003, -ELOOP}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bytes line = nested(cases[i].depth);
		_cleanup_json_ cJSON *record = NULL;

		assert_int_equal(record_parse(line, &record), cases[i].result);
		free((char *)line.data);
	}
}

static void length_is_bounded(void **state)
{
	static const struct {
		size_t len;
		int result;
	} cases[] = {{RECORD_LINE_MAX, 0}, {RECORD_LINE_MAX + 1, -E2BIG}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *line = malloc(cases[i].len);
		_cleanup_json_ cJSON *record = NULL;

		memset(line, 'x', cases[i].len);
		memcpy(line, "{\"a\":\"", 6);
		memcpy(line + cases[i].len - 2, "\"}", 2);
		assert_int_equal(record_parse((struct bytes){line, cases[i].len}, &record),
				 cases[i].result);
	}
}

static void kinds(void **state)
{
	static const struct {
		const char *line, *kind;
	} cases[] = {
		{"{\"schema\":\"runmark.run/1\"}", "run"},
		{"{\"schema\":\"runmark.run/17\"}", "run"},
		{"{\"schema\":\"runmark.new-kind_2/1\"}", "new-kind_2"},
		{"{\"schema\":\"runmark.run/\"}", NULL},
		{"{\"schema\":\"runmark.run/1x\"}", NULL},
		{"{\"schema\":\"runmark.run\"}", NULL},
		{"{\"schema\":\"runmark./1\"}", NULL},
		{"{\"schema\":\"runmark.RUN/1\"}", NULL},
		{"{\"schema\":\"runmark.averyveryverylongkind/1\"}", NULL},
		{"{\"schema\":\"xalt.run/1\"}", NULL},
		{"{\"schema\":1}", NULL},
		{"{\"Schema\":\"runmark.run/1\"}", NULL},
		{"{}", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_json_ cJSON *record = NULL;
		char out[16];
		const char *kind;

		assert_int_equal(record_parse(bytes_of(cases[i].line), &record), 0);
		kind = record_kind(record, out, sizeof(out));
		assert_int_equal(!kind, !cases[i].kind);
		if (kind)
			assert_string_equal(kind, cases[i].kind);
	}
}

static void paths_name_nested_members(void **state)
{
	static const char line[] =
		"{\"exe\":{\"path\":\"/a\",\"ID\":true,\"path2\":\"\ufffd\","
		"\"path2_b64\":\"L/8=\",\"bad\":\"x\",\"bad_b64\":\"!\",\"odd\":\"x\","
		"\"odd_b64\":1,\"only_b64\":\"YQ==\"},\"exe.path\":\"no\",\"n\":1}";
	static const struct {
		const char *path;
		int result;
		const char *text;
	} cases[] = {
		{"exe.path", 0, "/a"},	     {"exe.path2", 0, "/\xff"},
		{"exe.bad", -EINVAL, NULL},  {"exe.odd", -EINVAL, NULL},
		{"exe.only", 0, "a"},	     {"exe", -EINVAL, NULL},
		{"exe.none", -ENOENT, NULL}, {"exe.path.x", -ENOENT, NULL},
		{"n", -EINVAL, NULL},	     {"n.a", -ENOENT, NULL},
		{"exe.", -ENOENT, NULL},     {"exe.PATH", -ENOENT, NULL},
	};
	_cleanup_json_ cJSON *record = NULL;
	bool value = false;

	(void)state;
	assert_int_equal(record_parse(bytes_of(line), &record), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = NULL;
		size_t len;

		assert_int_equal(record_get_text(record, cases[i].path, &text, &len),
				 cases[i].result);
		if (text)
			assert_string_equal(text, cases[i].text);
	}
	assert_int_equal(record_get_bool(record, "exe.ID", &value), 0);
	assert_true(value);
	assert_int_equal(record_get_bool(record, "n", &value), -EINVAL);
	assert_null(record_get(record, "exe.id"));
}

static void uuids(void **state)
{
	static const uint8_t id[16] = {0x01, 0xa1, 0xfd, 0x85, 0x69, 0x6e, 0x8a, 0x37,
				       0x80, 0x33, 0x42, 0x0e, 0x6d, 0xc7, 0xd4, 0x3d};
	_cleanup_json_ cJSON *record = cJSON_CreateObject();
	uint8_t back[16] = {};

	(void)state;
	assert_true(record_add_uuid(record, "id", id));
	assert_string_equal(record_get(record, "id")->valuestring,
			    "01a1fd85-696e-8a37-8033-420e6dc7d43d");
	assert_int_equal(record_get_uuid(record, "id", back), 0);
	assert_memory_equal(back, id, sizeof(id));
	assert_true(record_add_text(record, "no", BYTES("01a1fd85-696e-8a37-8033-420e6dc7d43")));
	assert_int_equal(record_get_uuid(record, "no", back), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_goes_out_and_back),
		cmocka_unit_test(absent_is_null),
		cmocka_unit_test(arrays_keep_exact_members),
		cmocka_unit_test(numbers_are_exact),
		cmocka_unit_test(microseconds_are_exact),
		cmocka_unit_test(u64_by_text_or_number),
		cmocka_unit_test(times_both_ways),
		cmocka_unit_test(times_by_others),
		cmocka_unit_test(lines_that_are_none),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(length_is_bounded),
		cmocka_unit_test(kinds),
		cmocka_unit_test(paths_name_nested_members),
		cmocka_unit_test(uuids),
	};

	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
