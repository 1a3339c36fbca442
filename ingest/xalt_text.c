/* SPDX-License-Identifier: BSD-2-Clause */
#include "ingest/xalt_text.h"
#include "ingest/arena.h"
#include "common/record.h"
#include "common/text.h"

#include <errno.h>

#define REPLACEMENT "\\ufffd"
#define ESCAPE_LEN  6  /* of \uXXXX */
#define DIGITS_AT   10 /* of the check in a record */

/* The code of the escape \uXXXX at text; 0xfffd, which is harmless, if it is none. */
static unsigned int get_escape(const char *text, size_t len)
{
	uint8_t code[2];

	char digits[5] = {0};

	if (len < ESCAPE_LEN || text[0] != '\\' || text[1] != 'u')
		return 0xfffd;
	memcpy(digits, text + 2, 4);
	if (text_from_hex(digits, code, sizeof(code)) != sizeof(code))
		return 0xfffd;
	return (unsigned int)code[0] << 8 | code[1];
}

/* An escape that cJSON would refuse, or end the string at, becomes U+FFFD. Bytes of it. */
static size_t mend_escape(char *text, size_t len)
{
	unsigned int code, next;

	if (len < 2 || text[1] != 'u')
		return 2;
	code = get_escape(text, len);
	if (code >= 0xd800 && code < 0xdc00 && len >= 2UL * ESCAPE_LEN) {
		next = get_escape(text + ESCAPE_LEN, len - ESCAPE_LEN);
		if (next >= 0xdc00 && next < 0xe000)
			return 2UL * ESCAPE_LEN;
	}
	if (!code || (code >= 0xd800 && code < 0xe000))
		memcpy(text, REPLACEMENT, ESCAPE_LEN);
	return ESCAPE_LEN;
}

/* Mends escapes. The depth of nesting. */
static int mend(char *text, size_t len)
{
	bool is_string = false;
	int depth = 0, deepest = 0;

	for (size_t i = 0; i < len; i++) {
		if (is_string) {
			if (text[i] == '\\')
				i += mend_escape(text + i, len - i) - 1;
			else if (text[i] == '"')
				is_string = false;
		} else if (text[i] == '"') {
			is_string = true;
		} else if (text[i] == '{' || text[i] == '[') {
			depth++;
			deepest = MAX(deepest, depth);
		} else if (text[i] == '}' || text[i] == ']') {
			depth--;
		}
	}
	return deepest;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct bytes trim(struct bytes text)
{
	while (text.len && is_space(text.data[text.len - 1]))
		text.len--;
	while (text.len && is_space(*text.data)) {
		text.data++;
		text.len--;
	}
	return text;
}

int xalt_text_parse(struct bytes text, cJSON **ret, struct problem *problem)
{
	const char *end = NULL;
	cJSON *json;
	char *copy;

	text = trim(text);
	if (text.len > RECORD_LINE_MAX)
		return problem_set(problem, "", "is longer than %d bytes", RECORD_LINE_MAX);
	if (!text.len)
		return problem_set(problem, "", "is empty");
	if (memchr(text.data, '\0', text.len))
		return problem_set(problem, "", "holds a NUL byte");
	copy = arena_alloc(text.len + 1);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	if (mend(copy, text.len) > RECORD_DEPTH_MAX)
		return problem_set(problem, "", "is nested deeper than %d", RECORD_DEPTH_MAX);
	json = cJSON_ParseWithLengthOpts(copy, text.len + 1, &end, true);
	if (!json && arena_is_exhausted())
		return problem_set(problem, "", "holds too many values");
	if (!cJSON_IsObject(json))
		return problem_set(problem, "", "is not a JSON object");
	*ret = json;
	return 0;
}

static uint16_t add_to_crc(uint16_t crc, const char *data, size_t len)
{
	static uint16_t table[256]; /* made once, the second member, which is not 0, last */

	for (unsigned int i = 0; !table[1] && i < 255; i++) {
		unsigned int rest = (255 - i) << 8;

		for (int bit = 0; bit < 8; bit++)
			rest = rest & 0x8000 ? (rest << 1 ^ 0x1021) & 0xffff : rest << 1;
		table[255 - i] = (uint16_t)rest;
	}
	for (size_t i = 0; i < len; i++)
		crc = (uint16_t)(crc << 8 ^ table[(crc >> 8 ^ (uint8_t)data[i]) & 0xff]);
	return crc;
}

enum xalt_crc xalt_text_crc(struct bytes text)
{
	static const char begin[] = "{\"crc\":\"0x";
	char digits[5] = {0};
	uint8_t stated[2];
	uint16_t crc;

	text = trim(text);
	_Static_assert(sizeof(begin) - 1 == DIGITS_AT, "the digits follow");
	if (text.len < DIGITS_AT + 4 || memcmp(text.data, begin, DIGITS_AT) != 0)
		return XALT_CRC_NONE;
	memcpy(digits, text.data + DIGITS_AT, 4);
	if (text_from_hex(digits, stated, sizeof(stated)) != sizeof(stated))
		return XALT_CRC_NONE;
	crc = add_to_crc(0xffff, begin, DIGITS_AT);
	crc = add_to_crc(crc, "FFFF", 4);
	crc = add_to_crc(crc, text.data + DIGITS_AT + 4, text.len - DIGITS_AT - 4);
	return crc == (stated[0] << 8 | stated[1]) ? XALT_CRC_RIGHT : XALT_CRC_WRONG;
}
