/* SPDX-License-Identifier: BSD-2-Clause */
/* Link records from users: what is taken over, what is refused, and that nothing else comes in. */
#include "tests/unit/unit.h"

#include "daemon/link_record.h"

#include <errno.h>

#define ID    "\"link_id\":\"0190a1fe-3893-7567-b0b0-8816949e2041\","
#define OUT   "\"output\":{\"path\":\"/a\",\"type\":\"pie\"},"
#define LD    "\"linker\":{\"path\":\"/usr/bin/ld\"},"
#define TIME  "\"time\":\"2026-11-21T13:08:03.030400Z\""
#define HEAD  "{\"schema\":\"runmark.link/1\","
#define LEAST HEAD ID OUT LD TIME "}"

static char *made(const char *message)
{
	cJSON *record;
	char *text;

	assert_int_equal(link_record_make(bytes_of(message), 1000, 100, 77, &record), 0);
	text = cJSON_PrintUnformatted(record);
	cJSON_Delete(record);
	return text;
}

static void test_least_record(void **state)
{
	_cleanup_free_ char *text = made(LEAST);

	(void)state;
	assert_string_equal(
		text, HEAD ID
		"\"watermark\":null,"
		"\"output\":{\"path\":\"/a\",\"build_id\":null,\"size\":null,\"type\":\"pie\"},"
		"\"linker\":{\"path\":\"/usr/bin/ld\",\"version\":null},\"link_line\":null,"
		"\"driver\":null,\"compiler\":null,\"compilers\":null,\"inputs\":null,\"language\":"
		"null,\"symbols\":null,\"cwd\":null,"
		"\"modules\":null," TIME ",\"elapsed_s\":null,\"own_s\":null,"
		"\"uid\":1000,\"gid\":100,\"pid\":77,\"incomplete\":[]}");
}

static void test_fields_of_others_stay_out(void **state)
{
	_cleanup_free_ char *text = made(
		HEAD "\"uid\":0,\"gid\":0,\"pid\":1,\"user\":\"root\",\"host\":\"h\",\"seq\":\"1\","
		     "\"job\":{\"id\":\"1\"},\"evil\":[1,2,3]," ID
		     "\"output\":{\"path\":\"/a\",\"type\":\"pie\",\"more\":1}," LD TIME "}");

	(void)state;
	assert_non_null(strstr(text, "\"uid\":1000,\"gid\":100,\"pid\":77"));
	assert_null(strstr(text, "user"));
	assert_null(strstr(text, "host"));
	assert_null(strstr(text, "seq"));
	assert_null(strstr(text, "job"));
	assert_null(strstr(text, "evil"));
	assert_null(strstr(text, "more"));
}

/* a member of the record, and how it comes out; NULL: as it went in; "-": refused, so null
 */
static const struct {
	const char *name, *in, *out;
} field_cases[] = {
	{"watermark", "\"0190a1fe-3893-7567-b0b0-8816949e2041\"", NULL},
	{"watermark", "\"nonsense\"", "-"},
	{"watermark", "7", "-"},
	{"link_line", "[\"ld\",\"-o\",\"\"]", NULL},
	{"link_line", "[]", NULL},
	{"link_line", "[\"ld\",7]", "-"},
	{"link_line", "\"ld\"", "-"},
	{"link_line", "{\"a\":1}", "-"},
	{"link_line", "[\"ld\"],\"link_line_b64\":[\"/w==\"]",
	 "[\"\xef\xbf\xbd\"],\"link_line_b64\":[\"/w==\"]"},
	{"link_line", "[\"ld\"],\"link_line_b64\":[\"bGQ=\"]", "[\"ld\"]"},
	{"link_line", "[\"ld\"],\"link_line_b64\":[]", "-"},
	{"link_line", "[\"ld\"],\"link_line_b64\":[\"!\"]", "-"},
	{"link_line", "[\"ld\"],\"link_line_b64\":[7]", "-"},
	{"link_line", "[\"ld\"],\"link_line_b64\":\"/w==\"", "-"},
	{"link_line", "[\"ld\"],\"link_line_b64\":[null]", "[\"ld\"]"},
	{"driver", "{\"path\":\"/usr/bin/gcc\",\"argv\":[\"gcc\"]}", NULL},
	{"driver", "{\"path\":7,\"argv\":null}", "{\"path\":null,\"argv\":null}"},
	{"driver", "[]", "-"},
	{"compiler", "{\"name\":\"GCC\",\"version\":null,\"text\":\"GCC: x\"}", NULL},
	{"compilers", "[\"GCC: x\",\"GNU AS 2.40\"]", NULL},
	{"inputs", "[]", NULL},
	{"inputs", "[{\"path\":\"a.o\",\"kind\":\"object\"}]",
	 "[{\"path\":\"a.o\",\"kind\":\"object\",\"build_id\":null,\"watermark\":null}]"},
	{"inputs", "[{\"path\":\"a.o\",\"kind\":\"program\"}]", "-"},
	{"inputs", "[{\"path\":\"a.o\",\"kind\":\"object shared\"}]", "-"},
	{"inputs", "[{\"path\":\"a.o\",\"kind\":\"\"}]", "-"},
	{"inputs", "[{\"kind\":\"object\"}]", "-"},
	{"inputs", "[7]", "-"},
	{"inputs", "{}", "-"},
	{"cwd", "\"/home/a\"", NULL},
	{"cwd", "\"x\",\"cwd_b64\":\"L/8=\"", "\"/\xef\xbf\xbd\",\"cwd_b64\":\"L/8=\""},
	{"cwd", "[]", "-"},
	{"modules", "\"a:b\"", NULL},
	{"elapsed_s", "0.25", NULL},
	{"elapsed_s", "-1", "-"},
	{"elapsed_s", "1e300", "-"},
	{"elapsed_s", "\"1\"", "-"},
};

static void test_each_field(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(field_cases); i++) {
		char message[1024], wanted[512];
		_cleanup_free_ char *text = NULL;
		bool is_refused = field_cases[i].out && !strcmp(field_cases[i].out, "-");

		snprintf(message, sizeof(message), HEAD ID OUT LD "\"%s\":%s," TIME "}",
			 field_cases[i].name, field_cases[i].in);
		text = made(message);
		snprintf(wanted, sizeof(wanted), "\"%s\":%s,", field_cases[i].name,
			 is_refused	      ? "null"
			 : field_cases[i].out ? field_cases[i].out
					      : field_cases[i].in);
		if (!strstr(text, wanted))
			fail_msg("%s: not in %s", wanted, text);
		snprintf(wanted, sizeof(wanted), "\"%s: refused", field_cases[i].name);
		if (!strstr(text, wanted) == is_refused)
			fail_msg("%s: incomplete in %s", message, text);
	}
}

static void test_what_is_no_link_record(void **state)
{
	static const char *const messages[] = {
		"",
		"{}",
		"[]",
		"null",
		"{",
		"\xff",
		"7",
		HEAD "}",
		"{\"schema\":\"runmark.run/1\"," ID OUT LD TIME "}",
		"{" ID OUT LD TIME "}",
		HEAD OUT LD TIME "}",
		HEAD ID LD TIME "}",
		HEAD ID OUT TIME "}",
		HEAD ID OUT LD "\"time\":\"yesterday\"}",
		HEAD "\"link_id\":\"x\"," OUT LD TIME "}",
		HEAD ID "\"output\":{\"path\":\"/a\",\"type\":\"object\"}," LD TIME "}",
		HEAD ID "\"output\":{\"path\":7,\"type\":\"pie\"}," LD TIME "}",
		HEAD ID "\"output\":[]," LD TIME "}",
		HEAD ID OUT "\"linker\":\"ld\"," TIME "}",
		LEAST "x",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
		cJSON *record = NULL;

		if (!link_record_make(bytes_of(messages[i]), 1, 1, 1, &record))
			fail_msg("taken: %s", messages[i]);
		assert_null(record);
	}
}

static void test_long_values(void **state)
{
	static char message[LINK_MODULES_MAX + 1024];
	_cleanup_free_ char *text = NULL, *fits = NULL;
	int len = snprintf(message, sizeof(message), HEAD ID OUT LD "\"modules\":\"");

	(void)state;
	memset(message + len, 'm', LINK_MODULES_MAX);
	snprintf(message + len + LINK_MODULES_MAX, 256, "\"," TIME "}");
	fits = made(message);
	assert_null(strstr(fits, "refused"));
	memset(message + len, 'm', LINK_MODULES_MAX + 1);
	snprintf(message + len + LINK_MODULES_MAX + 1, 256, "\"," TIME "}");
	text = made(message);
	assert_non_null(strstr(text, "\"modules\":null"));
	assert_non_null(strstr(text, "modules: refused"));
}

static void test_gaps_that_the_sender_names(void **state)
{
	_cleanup_free_ char *text =
		made(HEAD ID OUT LD TIME
		     ",\"incomplete\":[\"inputs: cut\",7,\"no fact\",\"X: y\",\"a:\","
		     "\": b\",\"cwd: it has no path\"]}");
	_cleanup_free_ char *odd = made(HEAD ID OUT LD TIME ",\"incomplete\":\"x\"}");
	static char many[LINK_INCOMPLETE_MAX * 32 + 1024];
	_cleanup_free_ char *cut = NULL;
	unsigned int count = 0;

	(void)state;
	assert_non_null(strstr(text, "\"incomplete\":[\"inputs: cut\",\"cwd: it has no path\"]"));
	assert_non_null(strstr(odd, "incomplete: refused"));
	strcpy(many, HEAD ID OUT LD TIME ",\"incomplete\":[\"a: b\"");
	for (unsigned int i = 0; i < 2 * LINK_INCOMPLETE_MAX; i++)
		strcat(many, ",\"a: b\"");
	strcat(many, "]}");
	cut = made(many);
	for (const char *at = cut; (at = strstr(at, "\"a: b\"")); at++)
		count++;
	assert_true(count <= LINK_INCOMPLETE_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_least_record),
		cmocka_unit_test(test_fields_of_others_stay_out),
		cmocka_unit_test(test_each_field),
		cmocka_unit_test(test_what_is_no_link_record),
		cmocka_unit_test(test_long_values),
		cmocka_unit_test(test_gaps_that_the_sender_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
