/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes made fit to show: UTF-8, terminal, CSV, base64, hex. */
#include "tests/unit/unit.h"

#include "common/text.h"

#include <errno.h>
#include <locale.h>

/* Ill-formed parts after Unicode 15, table 3-8 to 3-11; what each becomes. */
static void utf8_parts(void **state)
{
	static const struct {
		struct bytes data;
		const char *shown;
		bool is_utf8;
	} cases[] = {
		{BYTES_INIT(""), "", true},
		{BYTES_INIT("abc"), "abc", true},
		{BYTES_INIT("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
		 "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", true},
		{BYTES_INIT("\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf"),
		 "\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf", true},
		{BYTES_INIT("a\0b"), "a\ufffdb", true},
		{BYTES_INIT("\xff"), "\ufffd", false},
		{BYTES_INIT("a\x80z"), "a\ufffdz", false},
		/* table 3-8: overlong, each byte its own */
		{BYTES_INIT("\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41"),
		 "\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd"
		 "A",
		 false},
		/* table 3-9: surrogates */
		{BYTES_INIT("\xed\xa0\x80\xed\xbf\xbf\xed\xaf\x41"),
		 "\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd"
		 "A",
		 false},
		/* table 3-10: behind U+10FFFF */
		{BYTES_INIT("\xf4\x91\x92\x93\xff\x41\x80\xbf\x42"),
		 "\ufffd\ufffd\ufffd\ufffd\ufffd"
		 "A"
		 "\ufffd\ufffd"
		 "B",
		 false},
		/* table 3-11: truncated, one for each maximal part */
		{BYTES_INIT("\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41"),
		 "\ufffd\ufffd\ufffd\ufffd"
		 "A",
		 false},
		{BYTES_INIT("x\xf0\x9f\x98"), "x\ufffd", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *shown = text_to_utf8(cases[i].data);

		assert_string_equal(shown, cases[i].shown);
		assert_int_equal(text_is_utf8(cases[i].data), cases[i].is_utf8);
		assert_true(text_is_utf8(bytes_of(shown)));
	}
}

static size_t encode(uint32_t code, char *out)
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xc0 | code >> 6);
		out[1] = (char)(0x80 | (code & 63));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (char)(0xe0 | code >> 12);
		out[1] = (char)(0x80 | (code >> 6 & 63));
		out[2] = (char)(0x80 | (code & 63));
		return 3;
	}
	out[0] = (char)(0xf0 | code >> 18);
	out[1] = (char)(0x80 | (code >> 12 & 63));
	out[2] = (char)(0x80 | (code >> 6 & 63));
	out[3] = (char)(0x80 | (code & 63));
	return 4;
}

static void every_code_point(void **state)
{
	(void)state;
	for (uint32_t code = 0; code < 0x110100; code++) {
		bool is_character = code < 0x110000 && (code < 0xd800 || code > 0xdfff);
		char text[4];
		size_t len = encode(code, text);
		uint32_t found;
		size_t n = text_next((struct bytes){text, len}, &found);

		assert_int_equal(found, is_character ? code : TEXT_ILL_FORMED);
		if (is_character)
			assert_int_equal(n, len);
	}
}

static void a_wrong_byte_is_found_wherever_it_stands(void **state)
{
	(void)state;
	for (size_t len = 1; len < 23; len++) {
		for (size_t at = 0; at < len; at++) {
			char text[23];

			memset(text, 'a', len);
			assert_true(text_is_utf8((struct bytes){text, len}));
			text[at] = '\x80';
			assert_false(text_is_utf8((struct bytes){text, len}));
		}
	}
}

static void terminal_escapes(void **state)
{
	static const struct {
		struct bytes data;
		const char *shown;
	} cases[] = {
		{BYTES_INIT("plain text"), "plain text"},
		{BYTES_INIT("a\nb\tc\rd"), "a\\nb\\tc\\x0dd"},
		{BYTES_INIT("\x1b]0;owned\x07"), "\\e]0;owned\\x07"},
		{BYTES_INIT("C:\\x"), "C:\\\\x"},
		{BYTES_INIT("\x7f"), "\\x7f"},
		{BYTES_INIT("nul\0"), "nul\\x00"},
		{BYTES_INIT("\xc2\x9b"
			    "31m"),
		 "\\xc2\\x9b31m"}, /* C1: CSI */
		{BYTES_INIT("\x9b"
			    "31m"),
		 "\\x9b31m"},
		{BYTES_INIT("\u202e\u2066\u2069\u200f"),
		 "\\xe2\\x80\\xae\\xe2\\x81\\xa6\\xe2\\x81\\xa9\\xe2\\x80\\x8f"},
		{BYTES_INIT("\u2028"), "\\xe2\\x80\\xa8"},
		{BYTES_INIT("m\xc3\xbcll"), "m\xc3\xbcll"},
		{BYTES_INIT("\xe2\x82"), "\\xe2\\x82"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *shown = text_for_terminal(cases[i].data);

		assert_string_equal(shown, cases[i].shown);
	}
}

static void csv_fields(void **state)
{
	static const struct {
		struct bytes data;
		const char *field;
	} cases[] = {
		{BYTES_INIT(""), ""},
		{BYTES_INIT("plain"), "plain"},
		{BYTES_INIT("a,b"), "\"a,b\""},
		{BYTES_INIT("say \"x\""), "\"say \"\"x\"\"\""},
		{BYTES_INIT("a\nb"), "\"a\nb\""},
		{BYTES_INIT("=1+1"), "'=1+1"},
		{BYTES_INIT("+a"), "'+a"},
		{BYTES_INIT("-n"), "'-n"},
		{BYTES_INIT("@a"), "'@a"},
		{BYTES_INIT("\tx"), "'\tx"},
		{BYTES_INIT("\rx"), "\"'\rx\""},
		{BYTES_INIT("=a,\"b\""), "\"'=a,\"\"b\"\"\""},
		{BYTES_INIT("a=b"), "a=b"},
		{BYTES_INIT("\xff"), "\ufffd"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *field = text_for_csv(cases[i].data);

		assert_string_equal(field, cases[i].field);
	}
}

static void width_is_the_same_in_every_locale(void **state)
{
	static const struct {
		const char *text;
		size_t width;
	} cases[] = {
		{"", 0},	{"abc", 3},  {"m\xc3\xbcll", 4}, {"\u65e5\u672c", 4},
		{"e\u0301", 1}, {"\xff", 1},
	};
	static const char *locales[] = {"C", "C.UTF-8"};

	(void)state;
	for (size_t l = 0; l < ARRAY_SIZE(locales); l++) {
		setlocale(LC_ALL, locales[l]);
		for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
			assert_int_equal(text_width(cases[i].text), cases[i].width);
	}
}

/* RFC 4648, 10 */
static void base64_vectors(void **state)
{
	static const struct {
		struct bytes data;
		const char *base64;
	} cases[] = {
		{BYTES_INIT(""), ""},
		{BYTES_INIT("f"), "Zg=="},
		{BYTES_INIT("fo"), "Zm8="},
		{BYTES_INIT("foo"), "Zm9v"},
		{BYTES_INIT("foob"), "Zm9vYg=="},
		{BYTES_INIT("fooba"), "Zm9vYmE="},
		{BYTES_INIT("foobar"), "Zm9vYmFy"},
		{BYTES_INIT("\xfb\xff\0"), "+/8A"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *base64 = text_to_base64(cases[i].data), *back = NULL;
		size_t len;

		assert_string_equal(base64, cases[i].base64);
		assert_int_equal(text_from_base64(base64, &back, &len), 0);
		assert_int_equal(len, cases[i].data.len);
		assert_memory_equal(back, cases[i].data.data, len);
		assert_int_equal(back[len], 0);
	}
}

static void base64_that_is_none(void **state)
{
	static const char *cases[] = {"A",    "AB",	 "ABC",	     "A===", "====",
				      "Zh==", "Zm9=",	 "Zg==Zg==", "Z=g=", "Zm9v\n",
				      "Zm 9", "Zm9\x80", "-_8A"};
	char *untouched = (char *)cases;
	size_t len = 4711;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(text_from_base64(cases[i], &untouched, &len), -EINVAL);
		assert_ptr_equal(untouched, cases);
		assert_int_equal(len, 4711);
	}
}

static void hex_both_ways(void **state)
{
	static const struct {
		const char *hex;
		int result;
	} cases[] = {{"", 0},	      {"00ff", 2},     {"DeadBEEF", 4},	       {"abc", -EINVAL},
		     {"0g", -EINVAL}, {"0x", -EINVAL}, {"0011223344", -EINVAL}};
	char text[9];
	uint8_t data[4];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(text_from_hex(cases[i].hex, data, sizeof(data)), cases[i].result);
	assert_int_equal(text_from_hex("DEADbeef", data, sizeof(data)), 4);
	assert_string_equal(text_to_hex(data, 4, text), "deadbeef");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utf8_parts),
		cmocka_unit_test(every_code_point),
		cmocka_unit_test(a_wrong_byte_is_found_wherever_it_stands),
		cmocka_unit_test(terminal_escapes),
		cmocka_unit_test(csv_fields),
		cmocka_unit_test(width_is_the_same_in_every_locale),
		cmocka_unit_test(base64_vectors),
		cmocka_unit_test(base64_that_is_none),
		cmocka_unit_test(hex_both_ways),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
