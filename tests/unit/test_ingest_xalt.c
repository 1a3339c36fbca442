/* SPDX-License-Identifier: BSD-2-Clause */
/* What XALT writes: lines of a log, pieces of records, texts and their checksums, the three kinds
 * of records. */
#include "tests/unit/unit.h"

#include "ingest/arena.h"
#include "ingest/xalt_line.h"
#include "ingest/xalt_pieces.h"
#include "ingest/xalt_record.h"
#include "common/record.h"

#include <errno.h>

#define HEAD "<14>Nov 21 10:14:19 XALT_LOGGING_c1: "
#define V4   "V:4 kind:run syshost:c1 key:run_fini_u crcStr:0xE111 nb:04 idx:02 value:"
#define NONE -1

static void assert_bytes(struct bytes got, const char *want, const char *line)
{
	if (!got.data != !want ||
	    (want && (got.len != strlen(want) || memcmp(got.data, want, got.len) != 0)))
		fail_msg("%s: got %.*s, want %s", line, (int)got.len, got.data ?: "",
			 want ?: "nothing");
}

static void lines_are_read(void **state)
{
	static const struct {
		const char *line;
		int result, version, count, index;
		const char *host, *key, *crc, *value;
	} cases[] = {
		{HEAD V4 "a b ", 0, 4, 4, 2, NULL, "run_fini_u", "0xE111", "a b "},
		{HEAD V4, 0, 4, 4, 2, NULL, "run_fini_u", "0xE111", ""},
		{HEAD V4 "x\r", 0, 4, 4, 2, NULL, "run_fini_u", "0xE111", "x"},
		{"XALT_LOGGING_c1 V:3 kind:link nb:8 syshost:c1 key:link_u idx:0 value:{\"a:b\"", 0,
		 3, 8, 0, NULL, "link_u", NULL, "{\"a:b\""},
		{"2021-06-10T00:00:00.883030-04:00 p0199 XALT_LOGGING_c1: V:4 idx:5 nb:9 "
		 "crc:0x09C1 key:pkg_u_1a value:v",
		 0, 4, 9, 5, "p0199", "pkg_u_1a", "0x09C1", "v"},
		{"Nov 21 10:14:19 n042 XALT_LOGGING_c1[77]: V:4 key:k nb:1 idx:0 value:value:", 0,
		 4, 1, 0, "n042", "k", NULL, "value:"},
		{"Nov 21 10:14:19 n0$2 XALT_LOGGING_c1: V:4 key:k nb:1 idx:0 value:1", 0, 4, 1, 0,
		 NULL, "k", NULL, "1"},
		{HEAD "run:{\"crc\":1}", 0, 1, 1, NONE, NULL, NULL, NULL, "{\"crc\":1}"},
		{HEAD "pkg:x", 0, 1, 1, NONE, NULL, NULL, NULL, "x"},
		/* others' */
		{"", -ENOENT, 0, 0, 0, NULL, NULL, NULL, NULL},
		{"Nov 21 10:14:19 n042 sshd[1]: V:4 key:k nb:1 idx:0 value:", -ENOENT, 0, 0, 0,
		 NULL, NULL, NULL, NULL},
		{"XALT_LOGGING_ERROR_c1: waitpid() returned -1", -ENOENT, 0, 0, 0, NULL, NULL, NULL,
		 NULL},
		{"XALT_LOGGING_", -ENOENT, 0, 0, 0, NULL, NULL, NULL, NULL},
		{"XALT_LOGGING_c1", -ENOENT, 0, 0, 0, NULL, NULL, NULL, NULL},
		{"XALT_LOGGING_c1[7", -ENOENT, 0, 0, 0, NULL, NULL, NULL, NULL},
		/* cut or wrong */
		{HEAD "V:4", -EINVAL, 0, 0, 0, NULL, NULL, NULL, NULL},
		{HEAD "V:4 kind:run nb:04 idx:0", -EINVAL, 0, 0, 0, NULL, NULL, NULL, NULL},
		{HEAD "V:4 kind:run nb:04 idx:0 val", -EINVAL, 0, 0, 0, NULL, NULL, NULL, NULL},
		{HEAD "V:2 kind:run nb:04 idx:0 key:k value:v", -EINVAL, 0, 0, 0, NULL, NULL, NULL,
		 NULL},
		{HEAD "V:99999999999 key:k nb:1 idx:0 value:v", -EINVAL, 0, 0, 0, NULL, NULL, NULL,
		 NULL},
		{HEAD "V:4 key:k nb:0 idx:0 value:v", -EINVAL, 0, 0, 0, NULL, NULL, NULL, NULL},
		{HEAD "V:4 key:k nb:-1 idx:0 value:v", -EINVAL, 0, 0, 0, NULL, NULL, NULL, NULL},
		{HEAD "V:4 key:k nb:8193 idx:0 value:v", -EINVAL, 0, 0, 0, NULL, NULL, NULL, NULL},
		{HEAD "V:4 key:k nb:4 idx:4 value:v", -EINVAL, 0, 0, 0, NULL, NULL, NULL, NULL},
		{HEAD "V:4 key:k nb:4 value:v", -EINVAL, 0, 0, 0, NULL, NULL, NULL, NULL},
		{HEAD "V:4 nb:4 idx:0 value:v", -EINVAL, 0, 0, 0, NULL, NULL, NULL, NULL},
		{HEAD "V:4 key:k idx:0 value:v", -EINVAL, 0, 0, 0, NULL, NULL, NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *line = cases[i].line;
		char reason[XALT_REASON_SIZE] = "";
		struct xalt_piece piece;
		int r = xalt_line_parse(bytes_of(line), &piece, reason);

		if (r != cases[i].result || (r == -EINVAL) != !!*reason)
			fail_msg("%s: %d, %s", line, r, reason);
		if (r)
			continue;
		assert_int_equal(piece.version, cases[i].version);
		assert_int_equal(piece.count, cases[i].count);
		if (cases[i].index != NONE)
			assert_int_equal(piece.index, cases[i].index);
		assert_bytes(piece.host, cases[i].host, line);
		assert_bytes(piece.key, cases[i].key, line);
		assert_bytes(piece.crc, cases[i].crc, line);
		assert_bytes(piece.value, cases[i].value, line);
	}
}

static int partials;
static char missing[64];

static void note_partial(void *arg, const struct xalt_partial *partial)
{
	(void)arg;
	partials++;
	assert_true(partial->have < partial->count);
	for (unsigned int i = 0, n = 0; i < partial->count && n < sizeof(missing) - 1; i++) {
		missing[n++] = partial->is_there[i] ? '+' : '-';
		missing[n] = '\0';
	}
}

static struct xalt_piece make_piece(const char *key, const char *crc, unsigned int count,
				    unsigned int index, const char *value)
{
	return (struct xalt_piece){.version = 4,
				   .syshost = bytes_of("c1"),
				   .key = bytes_of(key),
				   .crc = bytes_of(crc),
				   .count = count,
				   .index = index,
				   .value = bytes_of(value)};
}

/* Pieces as "key index value", in the order in which they come. */
static void pieces_make_records(void **state)
{
	static const struct {
		const char *name;
		unsigned int count;
		const char *keys, *order;
		const char *parts[3];
		const char *texts[2]; /* that come out, in their order */
		int repeated, left;
		bool is_cut;
	} cases[] = {
		{"in order", 3, "aaa", "012", {"ab", "cd", "e"}, {"abcde"}, 0, 0, false},
		{"backwards", 3, "aaa", "210", {"ab", "cd", "e"}, {"abcde"}, 0, 0, false},
		{"doubled", 3, "aaaaaa", "001122", {"ab", "cd", "e"}, {"abcde"}, 3, 0, false},
		{"again when done",
		 3,
		 "aaaaaa",
		 "012012",
		 {"ab", "cd", "e"},
		 {"abcde"},
		 3,
		 0,
		 false},
		{"interleaved",
		 3,
		 "ababab",
		 "002211",
		 {"ab", "cd", "e"},
		 {"abcde", "abcde"},
		 0,
		 0,
		 false},
		{"one missing", 3, "aab", "020", {"ab", "cd", "e"}, {NULL}, 0, 2, false},
		{"a blank is gone", 3, "aaa", "012", {"ab", "c", "e"}, {"abc e"}, 0, 0, false},
		{"the last is short", 3, "aaa", "012", {"ab", "cd", ""}, {"abcd"}, 0, 0, false},
		{"one is cut", 3, "aaa", "012", {"abcdefgh", "c", "e"}, {"abcdefghce"}, 0, 0, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(cleanup_xalt_pieces) struct xalt_pieces *pieces = NULL;
		size_t whole = 0;
		int repeated = 0;

		partials = 0;
		assert_int_equal(xalt_pieces_new(note_partial, NULL, &pieces), 0);
		for (size_t n = 0; cases[i].keys[n]; n++) {
			const char key[] = {cases[i].keys[n], '\0'};
			unsigned int index = (unsigned int)(cases[i].order[n] - '0');
			struct xalt_piece piece =
				make_piece(key, "", cases[i].count, index, cases[i].parts[index]);
			struct xalt_whole ret;
			int r = xalt_pieces_add(pieces, &piece, n, &ret);

			repeated += r == XALT_REPEATED;
			if (r != XALT_WHOLE)
				continue;
			assert_true(whole < 2);
			assert_bytes(ret.text, cases[i].texts[whole++], cases[i].name);
			assert_int_equal(ret.is_cut, cases[i].is_cut);
		}
		xalt_pieces_end(pieces);
		if (repeated != cases[i].repeated || partials != cases[i].left ||
		    (whole < 2 && cases[i].texts[whole]))
			fail_msg("%s: %d repeated, %d left", cases[i].name, repeated, partials);
	}
}

/* Records that never end push the oldest out, and memory stays. */
static void memory_is_bounded(void **state)
{
	_cleanup_(cleanup_xalt_pieces) struct xalt_pieces *pieces = NULL;
	static char value[65536];
	struct xalt_whole whole;
	char key[16];

	(void)state;
	memset(value, 'x', sizeof(value) - 1);
	partials = 0;
	assert_int_equal(xalt_pieces_new(note_partial, NULL, &pieces), 0);
	for (unsigned int i = 0; i < 997; i++) {
		struct xalt_piece piece;

		snprintf(key, sizeof(key), "k%u", i);
		piece = make_piece(key, "", 2, 0, value);
		assert_int_equal(xalt_pieces_add(pieces, &piece, i, &whole), XALT_WAITS);
	}
	assert_in_range(partials, 997 - XALT_PIECES_MEMORY / 65536,
			997 - XALT_PIECES_MEMORY / 65536 + 17);
	/* the youngest is there still */
	{
		struct xalt_piece piece = make_piece(key, "", 2, 1, "");

		assert_int_equal(xalt_pieces_add(pieces, &piece, 0, &whole), XALT_WHOLE);
		assert_int_equal(whole.text.len, sizeof(value) - 1);
	}
	/* one record alone may not grow for ever either */
	partials = 0;
	for (unsigned int i = 0; i < 997; i++) {
		struct xalt_piece piece = make_piece("one", "", XALT_PIECES_MAX, i, value);

		assert_in_range(xalt_pieces_add(pieces, &piece, i, &whole), XALT_WAITS,
				XALT_REPEATED);
	}
	assert_in_range(partials, 3, 997);
}

static void missing_pieces_are_named(void **state)
{
	_cleanup_(cleanup_xalt_pieces) struct xalt_pieces *pieces = NULL;
	struct xalt_piece first = make_piece("k", "0x1", 5, 1, "x"),
			  last = make_piece("k", "0x1", 5, 4, "y");
	struct xalt_piece other = make_piece("k", "0x2", 1, 0, "z"); /* another of that name */
	struct xalt_whole whole;

	(void)state;
	assert_int_equal(xalt_pieces_new(note_partial, NULL, &pieces), 0);
	assert_int_equal(xalt_pieces_add(pieces, &first, 1, &whole), XALT_WAITS);
	assert_int_equal(xalt_pieces_add(pieces, &other, 2, &whole), XALT_WHOLE);
	assert_int_equal(xalt_pieces_add(pieces, &last, 3, &whole), XALT_WAITS);
	xalt_pieces_end(pieces);
	assert_string_equal(missing, "-+--+");
}

static void texts_are_checked(void **state)
{
	static const struct {
		const char *text;
		enum xalt_crc crc;
	} cases[] = {
		{"{\"crc\":\"0xEE6E\",\"a\":1}", XALT_CRC_RIGHT},
		{" {\"crc\":\"0xEE6E\",\"a\":1}\n", XALT_CRC_RIGHT},
		{"{\"crc\":\"0xEE6E\",\"a\":2}", XALT_CRC_WRONG},
		{"{\"crc\":\"0x1CD\"}", XALT_CRC_NONE},
		{"{\"crc\": \"0xEE6E\"}", XALT_CRC_NONE},
		{"{}", XALT_CRC_NONE},
		{"", XALT_CRC_NONE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (xalt_text_crc(bytes_of(cases[i].text)) != cases[i].crc)
			fail_msg("%s: %d", cases[i].text, xalt_text_crc(bytes_of(cases[i].text)));
}

static void texts_are_parsed(void **state)
{
	static const struct {
		const char *text;
		size_t len; /* 0: of the text */
		const char *member, *reason;
	} cases[] = {
		{"{\"a\":\"x\"}\n\n", 0, "x", NULL},
		{"{\"a\":\"\\u0000\\u00e9\"}", 0, "\xef\xbf\xbd\xc3\xa9", NULL},
		{"{\"a\":\"\\ud83d\\ude00\"}", 0, "\xf0\x9f\x98\x80", NULL},
		{"{\"a\":\"\\ud83dx\"}", 0, "\xef\xbf\xbdx", NULL},
		{"{\"a\":\"\\ude00\\ud83d\"}", 0, "\xef\xbf\xbd\xef\xbf\xbd", NULL},
		{"{\"a\":\"\\\\u0000\"}", 0, "\\u0000", NULL},
		{"{\"a\":\"\xff\x01\"}", 0, "\xff\x01", NULL},
		{"", 0, NULL, "is empty"},
		{" \n", 0, NULL, "is empty"},
		{"[]", 0, NULL, "is not a JSON object"},
		{"{\"a\":\"x\"", 0, NULL, "is not a JSON object"},
		{"{\"a\":\"x\"} {}", 0, NULL, "is not a JSON object"},
		{"{\"a\":\"\\u00", 0, NULL, "is not a JSON object"},
		{"{\"a\":\"x\\", 0, NULL, "is not a JSON object"},
		{"{\"a\":\"x\0\"}", 10, NULL, "holds a NUL byte"},
		{"[[[[[[[[[[[[[[[[[", 0, NULL, "is nested deeper than 16"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bytes text = {cases[i].text, cases[i].len ?: strlen(cases[i].text)};
		struct problem problem = {};
		cJSON *json = NULL;
		int r;

		arena_reset();
		r = xalt_text_parse(text, &json, &problem);
		if (r != (cases[i].reason ? -EINVAL : 0))
			fail_msg("%s: %d %s", cases[i].text, r, problem.reason);
		if (cases[i].reason)
			assert_string_equal(problem.reason, cases[i].reason);
		else
			assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(json, "a")),
					    cases[i].member);
	}
}

#define UUID	"01a1fd85-696d-72e8-b87c-c1de98b1266b"
#define USER	"\"userT\":{\"run_uuid\":\"" UUID "\",\"syshost\":\"c1\"}"
#define NUMBERS "\"userDT\":{\"start_time\":1795254741.3577,\"end_time\":0}"
#define RESULT	"\"resultT\":{\"uuid\":\"" UUID "\",\"build_epoch\":\"1795254741.1865\"}"

static void faults_have_xalts_names(void **state)
{
	static const struct {
		const char *text, *field, *reason;
	} cases[] = {
		{"{" USER "," NUMBERS "}", NULL, NULL},
		{"{" RESULT "}", NULL, NULL},
		{"{\"xalt_run_uuid\":\"" UUID "\",\"program\":\"R\",\"package_name\":\"x\"}", NULL,
		 NULL},
		{"{}", "",
		 "is no record of XALT: it has neither userT nor resultT nor xalt_run_uuid"},
		{"{\"userT\":{}," NUMBERS "}", "run_uuid", "is missing"},
		{"{\"userT\":[]," NUMBERS "}", "run_uuid", "is missing"},
		{"{\"userT\":{\"run_uuid\":\"x\"}," NUMBERS "}", "run_uuid", "is not a UUID"},
		{"{" USER ",\"userDT\":{}}", "start_time", "is missing"},
		{"{" USER ",\"userDT\":{\"start_time\":-1}}", "start_time",
		 "is not a time from 1970 to 2255"},
		{"{" USER ",\"userDT\":{\"start_time\":1e300}}", "start_time",
		 "is not a time from 1970 to 2255"},
		{"{" USER ",\"userDT\":{\"start_time\":1e999}}", "start_time", "is not a number"},
		{"{" USER ",\"userDT\":{\"start_time\":[]}}", "start_time", "is not a number"},
		{"{" USER "," NUMBERS ",\"libA\":{}}", "libA", "is not an array"},
		{"{" USER "," NUMBERS ",\"libA\":[[]]}", "libA", "has a member that is no path"},
		{"{" USER "," NUMBERS ",\"envT\":[]}", "envT", "is not an object"},
		{"{" USER "," NUMBERS ",\"envT\":{\"A\":1}}", "envT",
		 "has a value that is not a text"},
		{"{" USER "," NUMBERS ",\"cmdlineA\":[1]}", "cmdlineA",
		 "has a member that is not a text"},
		{"{" USER "," NUMBERS ",\"hash_id\":7}", "hash_id", "is not a text"},
		{"{\"resultT\":{\"uuid\":\"" UUID "\"}}", "build_epoch", "is missing"},
		{"{\"xalt_run_uuid\":\"1\"}", "xalt_run_uuid", "is not a UUID"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct xalt_context context = {};
		struct xalt_record record;
		struct problem problem = {};
		int r;

		arena_reset();
		r = xalt_record_read(bytes_of(cases[i].text), &context, &record, &problem);
		if (r != (cases[i].reason ? -EINVAL : 0))
			fail_msg("%s: %d %s %s", cases[i].text, r, problem.field, problem.reason);
		if (!r)
			continue;
		assert_string_equal(problem.field, cases[i].field);
		assert_string_equal(problem.reason, cases[i].reason);
	}
}

static void plans_faults_get_xalts_names(void **state)
{
	static const struct {
		const char *own, *xalt;
	} cases[] = {
		{"cores", "num_cores"},		{"objects[7].path", "libA[7]"},
		{"inputs[0].path", "linkA[0]"}, {"env", "envT"},
		{"version", "package_version"}, {"host", "build_host"},
		{"start_time", "start_time"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct problem problem;

		problem_set(&problem, cases[i].own, "x");
		xalt_record_blame(&problem);
		assert_string_equal(problem.field, cases[i].xalt);
	}
}

/* Ids lie in the order of time, whatever UUID XALT drew. */
static void ids_begin_with_the_start(void **state)
{
	static const struct {
		const char *uuid, *id; /* its beginning */
	} cases[] = {
		{UUID, UUID},
		{"11a1fd85-696d-72e8-b87c-c1de98b1266b", "01a1fd85-696d-8"},
		{"eed25b7e-9e2e-11eb-b710-95f05aae2a91", "01a1fd85-696d-8"},
		{"c241b974-2d84-4d58-a09c-1cf9e3c7a3c7", "01a1fd85-696d-8"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct xalt_context context = {};
		struct xalt_record record;
		struct problem problem;
		char text[256];
		const char *id;

		arena_reset();
		snprintf(text, sizeof(text), "{\"userT\":{\"run_uuid\":\"%s\"}," NUMBERS "}",
			 cases[i].uuid);
		assert_int_equal(xalt_record_read(bytes_of(text), &context, &record, &problem), 0);
		assert_int_equal(record.is_end, false);
		id = cJSON_GetStringValue(cJSON_GetObjectItem(record.record, "run_id"));
		if (strncmp(id, cases[i].id, strlen(cases[i].id)) != 0)
			fail_msg("%s: %s", cases[i].uuid, id);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_read),
		cmocka_unit_test(pieces_make_records),
		cmocka_unit_test(memory_is_bounded),
		cmocka_unit_test(missing_pieces_are_named),
		cmocka_unit_test(texts_are_checked),
		cmocka_unit_test(texts_are_parsed),
		cmocka_unit_test(faults_have_xalts_names),
		cmocka_unit_test(plans_faults_get_xalts_names),
		cmocka_unit_test(ids_begin_with_the_start),
	};
	int failed;

	arena_install();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	arena_done();
	return failed;
}
