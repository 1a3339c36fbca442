/* SPDX-License-Identifier: BSD-2-Clause */
/* A record becomes rows: fields are found, converted, refused with their name, entities resolved.
 */
#include "tests/unit/unit.h"

#include "common/record.h"
#include "ingest/arena.h"
#include "ingest/convert.h"
#include "ingest/fields.h"
#include "ingest/plan.h"

#include <errno.h>
#include <time.h>

struct convert_case {
	enum column_kind kind;
	uint32_t max;
	const char *item, *exact; /* JSON; NULL absent */
	enum value_type type;
	int64_t integer;
	struct bytes bytes;
	const char *reason; /* begins with; NULL: good */
};

static const struct convert_case convert_cases[] = {
	{COLUMN_TEXT, 0, "\"a b\"", NULL, VALUE_TEXT, 0, BYTES_INIT("a b"), NULL},
	{COLUMN_TEXT, 0, "\"\"", NULL, VALUE_TEXT, 0, BYTES_INIT(""), NULL},
	{COLUMN_TEXT, 3, "\"abcd\"", NULL, VALUE_NULL, 0, {}, "is longer than 3 bytes"},
	{COLUMN_TEXT, 0, "7", NULL, VALUE_NULL, 0, {}, "is not a text"},
	{COLUMN_TEXT, 0, "null", NULL, VALUE_NULL, 0, {}, NULL},
	{COLUMN_BYTES, 0, "\"/a/b\"", NULL, VALUE_BYTES, 0, BYTES_INIT("/a/b"), NULL},
	{COLUMN_BYTES, 0, "\"x\"", "\"AP8K\"", VALUE_BYTES, 0, BYTES_INIT("\0\xff\n"), NULL},
	{COLUMN_BYTES, 0, "\"x\"", "null", VALUE_BYTES, 0, BYTES_INIT("x"), NULL},
	{COLUMN_BYTES, 0, "\"x\"", "\"?\"", VALUE_NULL, 0, {}, "has a _b64 that is not base64"},
	{COLUMN_BYTES, 2, "\"x\"", "\"AP8K\"", VALUE_NULL, 0, {}, "is longer"},
	{COLUMN_NAME, 0, "\"/a/b\"", NULL, VALUE_BYTES, 0, BYTES_INIT("b"), NULL},
	{COLUMN_NAME, 0, "\"b\"", NULL, VALUE_BYTES, 0, BYTES_INIT("b"), NULL},
	{COLUMN_NAME, 0, "\"/a/\"", NULL, VALUE_BYTES, 0, BYTES_INIT(""), NULL},
	{COLUMN_NUMBER, 0, "0", NULL, VALUE_INTEGER, 0, {}, NULL},
	{COLUMN_NUMBER, 0, "9007199254740992", NULL, VALUE_INTEGER, 1LL << 53, {}, NULL},
	{COLUMN_NUMBER, 0, "9007199254740994", NULL, VALUE_NULL, 0, {}, "is not a whole"},
	{COLUMN_NUMBER, 0, "\"18446744073709551615\"", NULL, VALUE_INTEGER, -1, {}, NULL},
	{COLUMN_NUMBER, 0, "\"18446744073709551616\"", NULL, VALUE_NULL, 0, {}, "is not a whole"},
	{COLUMN_NUMBER, 0, "\"-1\"", NULL, VALUE_NULL, 0, {}, "is not a whole"},
	{COLUMN_NUMBER, 0, "\"\"", NULL, VALUE_NULL, 0, {}, "is not a whole"},
	{COLUMN_NUMBER, 0, "1.5", NULL, VALUE_NULL, 0, {}, "is not a whole"},
	{COLUMN_NUMBER, 0, "-1", NULL, VALUE_NULL, 0, {}, "is not a whole"},
	{COLUMN_NUMBER, 0, "1e999", NULL, VALUE_NULL, 0, {}, "is not a whole"},
	{COLUMN_NUMBER, 255, "255", NULL, VALUE_INTEGER, 255, {}, NULL},
	{COLUMN_NUMBER, 255, "256", NULL, VALUE_NULL, 0, {}, "is more than 255"},
	{COLUMN_NUMBER, 0, "true", NULL, VALUE_NULL, 0, {}, "is not a number"},
	{COLUMN_BOOL, 0, "true", NULL, VALUE_INTEGER, 1, {}, NULL},
	{COLUMN_BOOL, 0, "false", NULL, VALUE_INTEGER, 0, {}, NULL},
	{COLUMN_BOOL, 0, "0", NULL, VALUE_NULL, 0, {}, "is neither"},
	{COLUMN_TIME, 0, "\"1970-01-01T00:00:00.000007Z\"", NULL, VALUE_INTEGER, 7, {}, NULL},
	{COLUMN_TIME,
	 0,
	 "\"2100-03-01T00:00:00Z\"",
	 NULL,
	 VALUE_INTEGER,
	 4107542400000000,
	 {},
	 NULL},
	{COLUMN_TIME, 0, "\"2026-13-01T00:00:00Z\"", NULL, VALUE_NULL, 0, {}, "is not a time"},
	{COLUMN_ZONE, 0, "\"2026-13-01T00:00:00Z\"", NULL, VALUE_NULL, 0, {}, "is not a time"},
	{COLUMN_SECONDS, 0, "0.1", NULL, VALUE_INTEGER, 100000, {}, NULL},
	{COLUMN_SECONDS, 0, "0.0000005", NULL, VALUE_INTEGER, 1, {}, NULL},
	{COLUMN_SECONDS, 0, "-0.1", NULL, VALUE_NULL, 0, {}, "is not a duration"},
	{COLUMN_SECONDS, 0, "1e12", NULL, VALUE_NULL, 0, {}, "is not a duration"},
	{COLUMN_UUID, 0, "\"00010203-0405-0607-0809-0a0b0c0d0eFF\"", NULL, VALUE_BYTES, 0,
	 BYTES_INIT("\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\xff"), NULL},
	{COLUMN_UUID,
	 0,
	 "\"00010203-0405-0607-0809-0a0b0c0d0e\"",
	 NULL,
	 VALUE_NULL,
	 0,
	 {},
	 "is not a UUID"},
	{COLUMN_HEX, 0, "\"00ff\"", NULL, VALUE_BYTES, 0, BYTES_INIT("\x00\xff"), NULL},
	{COLUMN_HEX, 0, "\"0\"", NULL, VALUE_NULL, 0, {}, "is not at most 64 bytes"},
	{COLUMN_HEX, 2, "\"00\"", NULL, VALUE_NULL, 0, {}, "is not 2 bytes"},
	{COLUMN_HEX, 2, "\"000102\"", NULL, VALUE_NULL, 0, {}, "is not at most 2 bytes"},
	{COLUMN_JSON, 0, "[ \"a\\n\" ,1]", NULL, VALUE_TEXT, 0, BYTES_INIT("[\"a\\n\",1]"), NULL},
	{COLUMN_JSON, 0, "[]", NULL, VALUE_NULL, 0, {}, NULL},
	{COLUMN_JSON_EXACT, 0, "[]", NULL, VALUE_TEXT, 0, BYTES_INIT("[]"), NULL},
	{COLUMN_JSON, 0, "\"a\"", NULL, VALUE_NULL, 0, {}, "is neither an array"},
};

static void fields_are_converted(void **state)
{
	(void)state;
	arena_install();
	for (size_t i = 0; i < ARRAY_SIZE(convert_cases); i++) {
		const struct convert_case *c = &convert_cases[i];
		struct column column = {.kind = c->kind, .max = c->max};
		cJSON *item = cJSON_Parse(c->item),
		      *exact = c->exact ? cJSON_Parse(c->exact) : NULL;
		struct problem problem = {};
		struct value value = {};
		int r = convert_field(&column, "f", item, exact, &value, &problem);

		if (r != (c->reason ? -EINVAL : 0) ||
		    strncmp(problem.reason, c->reason ?: "", strlen(c->reason ?: "")))
			fail_msg("case %zu (%s): %d %s", i, c->item, r, problem.reason);
		assert_string_equal(problem.field, c->reason ? "f" : "");
		if (r < 0)
			continue;
		if (value.type != c->type || value.integer != c->integer)
			fail_msg("case %zu (%s): type %d, %lld", i, c->item, value.type,
				 (long long)value.integer);
		assert_int_equal(value.bytes.len, c->bytes.len);
		if (c->bytes.len)
			assert_memory_equal(value.bytes.data, c->bytes.data, c->bytes.len);
	}
	arena_done();
}

/* What local time is ahead of UTC, in summer and in winter, where this program thinks it is. */
static void zones_are_of_the_time(void **state)
{
	static const struct {
		const char *zone, *time;
		int minutes;
	} cases[] = {
		{"UTC0", "\"2026-07-01T00:00:00Z\"", 0},
		{"XST-05:30", "\"2026-07-01T00:00:00Z\"", 330},
		{"XST8", "\"1970-01-01T00:00:00Z\"", -480},
		{"CET-1CEST,M3.5.0,M10.5.0/3", "\"2026-07-01T00:00:00Z\"", 120},
		{"CET-1CEST,M3.5.0,M10.5.0/3", "\"2100-12-01T00:00:00Z\"", 60},
	};
	const struct column column = {.name = "zone_minutes", .kind = COLUMN_ZONE};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cJSON *item = cJSON_Parse(cases[i].time);
		struct problem problem = {};
		struct value value;

		assert_int_equal(setenv("TZ", cases[i].zone, 1), 0);
		tzset();
		assert_int_equal(convert_field(&column, "f", item, NULL, &value, &problem), 0);
		assert_int_equal(value.type, VALUE_INTEGER);
		assert_int_equal(value.integer, cases[i].minutes);
	}
	arena_done();
}

static void fields_are_found_in_any_order(void **state)
{
	const cJSON *found[FIELDS_MAX];
	struct fields *fields;
	const char *path;
	cJSON *record;
	int a, b, c;

	(void)state;
	assert_int_equal(fields_new(&fields), 0);
	a = fields_add(fields, "a");
	b = fields_add(fields, "b.c");
	c = fields_add(fields, "b.d.e");
	assert_int_equal(fields_add(fields, "b.c"), b);
	assert_int_equal(fields_add(fields, ""), 0);

	record = cJSON_Parse(
		"{\"x\":{\"a\":9},\"b\":{\"y\":1,\"d\":{\"e\":3},\"c\":2},\"a\":1,\"a\":5}");
	assert_int_equal(fields_find(fields, record, found, &path), 0);
	assert_ptr_equal(found[0], record);
	assert_int_equal(found[a]->valueint, 1);
	assert_int_equal(found[b]->valueint, 2);
	assert_int_equal(found[c]->valueint, 3);

	record = cJSON_Parse("{\"b\":null}");
	assert_int_equal(fields_find(fields, record, found, &path), 0);
	assert_null(found[a]);
	assert_null(found[c]);

	record = cJSON_Parse("{\"b\":{\"d\":7}}");
	assert_int_equal(fields_find(fields, record, found, &path), -EINVAL);
	assert_string_equal(path, "b.d");
	fields_free(fields);
	arena_done();
}

#define RUN                                                                                        \
	"\"run_id\":\"00010203-0405-8607-8809-0a0b0c0d0e0f\",\"seq\":\"7\",\"host\":\"n1\","       \
	"\"boot_id\":\"10010203-0405-4607-8809-0a0b0c0d0e0f\",\"source\":\"bpf\",\"origin\":"      \
	"\"exec\","                                                                                \
	"\"pid\":11,\"start\":\"1970-01-01T00:00:01Z\""
#define EXE  "\"exe\":{\"path\":\"/bin/a\",\"watermark_state\":\"none\"}"
#define HASH "00112233445566778899aabbccddeeff"

struct record_case {
	const char *json, *field, *reason;
};

static const struct record_case record_cases[] = {
	{"{" RUN "," EXE "}", NULL, NULL},
	{"{" RUN "," EXE ",\"job\":null,\"user\":null,\"exit\":null,\"script\":null}", NULL, NULL},
	{"{" EXE "}", "run_id", "is missing"},
	{"{" RUN "}", "exe", "is missing"},
	{"{" RUN ",\"exe\":null}", "exe", "is missing"},
	{"{" RUN ",\"exe\":7}", "exe", "is not an object"},
	{"{" RUN ",\"exe\":{}}", "exe.watermark_state", "is missing"},
	{"{" RUN "," EXE ",\"job\":{}}", "job.id", "is missing"},
	{"{" RUN "," EXE ",\"job\":{\"id\":\"1\",\"manager\":\"slurm\"}}", NULL, NULL},
	{"{" RUN "," EXE ",\"object_set\":\"12\"}", "object_set", "is not 16 bytes"},
	{"{" RUN "," EXE ",\"exit\":{\"code\":256}}", "exit.code", "is more than 255"},
	{"{" RUN "," EXE ",\"usage\":[]}", "usage", "is not an object"},
};

static void bad_records_are_refused_by_field(void **state)
{
	struct value values[PLAN_VALUES_MAX];
	struct plan *plan;

	(void)state;
	arena_install();
	assert_int_equal(plan_new(SHAPE_RUN, &plan), 0);
	for (size_t i = 0; i < ARRAY_SIZE(record_cases); i++) {
		const struct record_case *c = &record_cases[i];
		struct problem problem = {};
		cJSON *record = NULL;
		int r;

		assert_int_equal(record_parse(bytes_of(c->json), &record), 0);
		r = plan_read(plan, record, values, &problem);
		if (r != (c->reason ? -EINVAL : 0) || strcmp(problem.field, c->field ?: "") ||
		    strncmp(problem.reason, c->reason ?: "", strlen(c->reason ?: "")))
			fail_msg("%s: %d %s: %s", c->json, r, problem.field, problem.reason);
	}
	plan_free(plan);
	arena_done();
}

struct asked {
	const struct table *table[16];
	struct value first[16]; /* key's first value */
	size_t count;
};

static int resolve(void *arg, const struct table *table, const struct value *key, int64_t *ret_id)
{
	struct asked *asked = arg;

	for (size_t i = 0; i < table->key_count; i++)
		assert_int_not_equal(key[i].type, VALUE_NULL);
	asked->table[asked->count] = table;
	asked->first[asked->count] = key[0];
	*ret_id = 100 + (int64_t)asked->count++;
	return 0;
}

static struct value column_of(const struct table *table, const struct value *row, const char *name)
{
	for (size_t i = 0; i < table->count; i++)
		if (!strcmp(table->columns[i].name, name))
			return row[i];
	fail_msg("no column %s", name);
	return value_null();
}

static void entities_are_asked_once_inner_first(void **state)
{
	static const char json[] =
		"{" RUN "," EXE
		",\"cwd\":\"?\",\"cwd_b64\":\"/w==\",\"argv\":[],\"object_set\":\"" HASH "\"}";
	static const enum table_number wanted[] = {TABLE_HOST, TABLE_BOOT, TABLE_PATH,
						   TABLE_PROGRAM, TABLE_OBJECT_SET};
	const struct shape *shape = &mapping_shapes[SHAPE_RUN];
	struct value values[PLAN_VALUES_MAX], row[MAPPING_COLUMNS_MAX];
	struct asked asked = {};
	struct problem problem;
	struct plan *plan;
	cJSON *record;

	(void)state;
	arena_install();
	assert_int_equal(plan_new(SHAPE_RUN, &plan), 0);
	assert_int_equal(record_parse(bytes_of(json), &record), 0);
	assert_int_equal(plan_read(plan, record, values, &problem), 0);
	assert_int_equal(plan_resolve(plan, values, resolve, &asked), 0);
	assert_int_equal(asked.count, ARRAY_SIZE(wanted));
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		assert_int_equal(asked.table[i]->number, wanted[i]);
	assert_int_equal(asked.first[3].integer, 102); /* the program's path is the path's id */
	values[CONTEXT_STATE] = value_integer(1);
	plan_row(plan, shape->table, values, row);
	assert_int_equal(column_of(shape->table, row, "host").integer, 100);
	assert_int_equal(column_of(shape->table, row, "program").integer, 103);
	assert_int_equal(column_of(shape->table, row, "object_set").integer, 104);
	assert_int_equal(column_of(shape->table, row, "state").integer, 1);
	assert_int_equal(column_of(shape->table, row, "job").type, VALUE_NULL);
	assert_int_equal(column_of(shape->table, row, "start_us").integer, 1000000);
	plan_row(plan, shape->text, values, row);
	assert_memory_equal(column_of(shape->text, row, "cwd").bytes.data, "\xff", 1);
	assert_string_equal(column_of(shape->text, row, "argv").bytes.data, "[]");
	plan_free(plan);
	arena_done();
}

static void every_shape_has_a_plan(void **state)
{
	(void)state;
	for (size_t i = 0; i < SHAPE_COUNT; i++) {
		struct plan *plan;

		assert_int_equal(plan_new((enum mapping_shape)i, &plan), 0);
		plan_free(plan);
	}
}

/* What a line may take is bounded, and the next line has all of it again. */
static void arena_is_bounded(void **state)
{
	(void)state;
	for (int round = 0; round < 3; round++) {
		size_t got = 0;

		while (arena_alloc(4099))
			got += 4099;
		assert_true(got > ARENA_MAX * 9 / 10 && got <= ARENA_MAX);
		assert_true(arena_is_exhausted());
		arena_reset();
		assert_false(arena_is_exhausted());
	}
	assert_null(arena_alloc(ARENA_MAX + 1));
	arena_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_converted),
		cmocka_unit_test(zones_are_of_the_time),
		cmocka_unit_test(fields_are_found_in_any_order),
		cmocka_unit_test(bad_records_are_refused_by_field),
		cmocka_unit_test(entities_are_asked_once_inner_first),
		cmocka_unit_test(every_shape_has_a_plan),
		cmocka_unit_test(arena_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
