/* SPDX-License-Identifier: BSD-2-Clause */
/* What the watermark linker writes, read back by the readers of records, and beside what their
 * writers write. */
#include "tests/unit/unit.h"

#include "ldwrap/json.h"

#include "common/record.h"

#include <uuid/uuid.h>

static const struct bytes texts[] = {
	BYTES_INIT(""),
	BYTES_INIT("plain"),
	BYTES_INIT("\"quoted\" \\ back/slash"),
	BYTES_INIT("\n\t\r\b\f\x01\x1f\x7f"),
	BYTES_INIT("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
	BYTES_INIT("\xff"),
	BYTES_INIT("a\xc3"),
	BYTES_INIT("\xed\xa0\x80 surrogate"),
	BYTES_INIT("\xc0\x80 overlong"),
	BYTES_INIT("in\0side"),
	BYTES_INIT("% {} [] , : \\u0000"),
};

/* The object that json holds, parsed. */
static cJSON *parsed(struct json *json)
{
	cJSON *record = NULL;

	assert_false(json->failed);
	assert_int_equal(record_parse((struct bytes){json->data, json->len}, &record), 0);
	json_done(json);
	return record;
}

static void assert_same(const cJSON *got, const cJSON *want)
{
	_cleanup_free_ char *a = cJSON_PrintUnformatted(got), *b = cJSON_PrintUnformatted(want);

	assert_string_equal(a, b);
}

static void test_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_json_ cJSON *got = NULL, *want = cJSON_CreateObject();
		_cleanup_free_ char *exact = NULL;
		struct json json = {.data = NULL};
		size_t len;

		json_open(&json, NULL, '{');
		json_text(&json, "a", texts[i]);
		json_text(&json, "b", (struct bytes){NULL, 0});
		json_close(&json, '}');
		got = parsed(&json);
		record_add_text(want, "a", texts[i]);
		record_add_text(want, "b", (struct bytes){NULL, 0});
		assert_same(got, want);
		assert_int_equal(record_get_text(got, "a", &exact, &len), 0);
		assert_int_equal(len, texts[i].len);
		assert_memory_equal(exact, texts[i].data, len);
	}
}

static void test_arrays_of_text(void **state)
{
	(void)state;
	for (size_t count = 0; count <= ARRAY_SIZE(texts); count++) {
		_cleanup_json_ cJSON *got = NULL, *want = cJSON_CreateObject();
		struct json json = {.data = NULL};

		json_open(&json, NULL, '{');
		json_texts(&json, "a", texts, count);
		json_texts(&json, "z", NULL, 0);
		json_close(&json, '}');
		got = parsed(&json);
		record_add_texts(want, "a", texts, count);
		record_add_texts(want, "z", NULL, 0);
		assert_same(got, want);
	}
}

static void test_other_values(void **state)
{
	static const uint8_t uuid[16] = {1, 0xff, 0x80, 3}, hex[64] = {0xab, 0xcd};
	_cleanup_json_ cJSON *got = NULL;
	struct json json = {.data = NULL}, inner = {.data = NULL}, none = {.data = NULL};
	_cleanup_free_ char *text = NULL;
	uint64_t time_ns;

	(void)state;
	json_open(&inner, NULL, '[');
	json_open(&inner, NULL, '{');
	json_close(&inner, '}');
	json_count(&inner, NULL, 1ULL << 40);
	json_close(&inner, ']');
	json_open(&json, NULL, '{');
	json_value(&json, "none", &none);
	json_value(&json, "inner", &inner);
	json_null(&json, "null");
	json_count(&json, "zero", 0);
	json_seconds(&json, "seconds", 12 * NS_PER_S + 34);
	json_uuid(&json, "uuid", uuid);
	json_uuid(&json, "no_uuid", NULL);
	json_hex(&json, "hex", hex, 2);
	json_hex(&json, "no_hex", hex, 0);
	json_time(&json, "time", 1795267683030400999ULL);
	json_close(&json, '}');
	json_done(&inner);
	got = parsed(&json);
	assert_int_equal(record_get_time(got, "time", &time_ns), 0);
	assert_int_equal(time_ns, 1795267683030400000ULL);
	cJSON_DeleteItemFromObject(got, "time");
	text = cJSON_PrintUnformatted(got);
	assert_string_equal(text, "{\"inner\":[{},1099511627776],\"null\":null,\"zero\":0,"
				  "\"seconds\":12.000000034,"
				  "\"uuid\":\"01ff8003-0000-0000-0000-000000000000\","
				  "\"no_uuid\":null,\"hex\":\"abcd\",\"no_hex\":null}");
}

static void test_long_values(void **state)
{
	size_t len = 1000003;
	_cleanup_free_ char *text = malloc(len), *exact = NULL;
	_cleanup_json_ cJSON *got = NULL;
	struct json json = {.data = NULL};

	(void)state;
	for (size_t i = 0; i < len; i++)
		text[i] = (char)(i % 127 + 1);
	json_open(&json, NULL, '{');
	json_text(&json, "a", (struct bytes){text, len});
	json_close(&json, '}');
	got = parsed(&json);
	assert_int_equal(record_get_text(got, "a", &exact, &len), 0);
	assert_int_equal(len, 1000003);
	assert_memory_equal(exact, text, len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_arrays_of_text),
		cmocka_unit_test(test_other_values),
		cmocka_unit_test(test_long_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
