/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One decoder (text_next) stands below all: it takes a well-formed character or a maximal
 * ill-formed part (Unicode 15, 3.9, D93b), so that every output agrees where a broken text breaks.
 */
#include "common/text.h"

#include <locale.h>
#include <pthread.h>
#include <wchar.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* Unicode 15, table 3-7: what may follow a lead byte. The second byte's range keeps out overlong
 * forms, surrogates and what lies behind U+10FFFF. */
static const struct {
	uint8_t first, last, second_first, second_last, len;
} forms[] = {
	{0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
	{0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
	{0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
};

size_t text_next(struct bytes data, uint32_t *ret_code)
{
	const uint8_t *p = (const uint8_t *)data.data;
	uint32_t code;

	if (p[0] < 0x80) {
		*ret_code = p[0];
		return 1;
	}
	*ret_code = TEXT_ILL_FORMED;
	for (size_t f = 0; f < ARRAY_SIZE(forms); f++) {
		if (p[0] < forms[f].first || p[0] > forms[f].last)
			continue;
		if (data.len < 2 || p[1] < forms[f].second_first || p[1] > forms[f].second_last)
			return 1;
		code = (p[0] & (0x7f >> forms[f].len)) << 6 | (p[1] & 0x3f);
		for (size_t i = 2; i < forms[f].len; i++) {
			if (i >= data.len || (p[i] & 0xc0) != 0x80)
				return i;
			code = code << 6 | (p[i] & 0x3f);
		}
		*ret_code = code;
		return forms[f].len;
	}
	return 1;
}

bool text_is_control(uint32_t code)
{
	/* Beside C0, DEL and C1: what turns the direction of a line or breaks it. */
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{0x00, 0x1f},	  {0x7f, 0x9f},	    {0x61c, 0x61c},   {0x200e, 0x200f},
		{0x2028, 0x2029}, {0x202a, 0x202e}, {0x2066, 0x2069},
	};

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		if (code >= ranges[i].first && code <= ranges[i].last)
			return true;
	return false;
}

/* The next character of data, which moves behind it. */
static struct bytes take(struct bytes *data, uint32_t *ret_code)
{
	struct bytes part = {data->data, text_next(*data, ret_code)};

	data->data += part.len;
	data->len -= part.len;
	return part;
}

bool text_is_utf8(struct bytes data)
{
	uint32_t code = 0;
	uint64_t word;

	while (data.len) {
		/* Nearly all there is to check is ASCII: whole words of it are passed at once. */
		if (data.len >= sizeof(word)) {
			memcpy(&word, data.data, sizeof(word));
			if (!(word & 0x8080808080808080)) {
				data.data += sizeof(word);
				data.len -= sizeof(word);
				continue;
			}
		}
		take(&data, &code);
		if (code == TEXT_ILL_FORMED)
			return false;
	}
	return true;
}

char *text_to_utf8(struct bytes data)
{
	/* No byte becomes more than the three of U+FFFD. */
	char *out = malloc(3 * data.len + 1), *end = out;
	uint32_t code;

	if (!out)
		return NULL;
	while (data.len) {
		struct bytes part = take(&data, &code);

		if (code == TEXT_ILL_FORMED || !code)
			part = (struct bytes){REPLACEMENT, strlen(REPLACEMENT)};
		memcpy(end, part.data, part.len);
		end += part.len;
	}
	*end = '\0';
	return out;
}

char *text_for_terminal(struct bytes data)
{
	static const struct {
		char from;
		const char *to;
	} named[] = {{'\n', "\\n"}, {'\t', "\\t"}, {'\x1b', "\\e"}, {'\\', "\\\\"}};
	char *out = malloc(4 * data.len + 1), *end = out;
	uint32_t code;

	if (!out)
		return NULL;
	while (data.len) {
		struct bytes part = take(&data, &code);
		const char *name = NULL;

		for (size_t i = 0; i < ARRAY_SIZE(named); i++)
			if (code == (uint8_t)named[i].from)
				name = named[i].to;
		if (name) {
			end = stpcpy(end, name);
		} else if (code == TEXT_ILL_FORMED || text_is_control(code)) {
			for (size_t i = 0; i < part.len; i++)
				end += sprintf(end, "\\x%02x", (uint8_t)part.data[i]);
		} else {
			memcpy(end, part.data, part.len);
			end += part.len;
		}
	}
	*end = '\0';
	return out;
}

char *text_for_csv(struct bytes data)
{
	_cleanup_free_ char *text = text_to_utf8(data);
	bool is_formula, is_quoted;
	char *out, *end;

	if (!text)
		return NULL;
	is_formula = *text && strchr("=+-@\t\r\n", *text);
	is_quoted = text[strcspn(text, ",\"\r\n")];
	out = end = malloc(2 * strlen(text) + 4);
	if (!out)
		return NULL;
	if (is_quoted)
		*end++ = '"';
	if (is_formula)
		*end++ = '\'';
	for (const char *p = text; *p; p++) {
		if (*p == '"')
			*end++ = '"';
		*end++ = *p;
	}
	if (is_quoted)
		*end++ = '"';
	*end = '\0';
	return out;
}

static locale_t width_locale;

static void make_width_locale(void)
{
	width_locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

size_t text_width(const char *utf8)
{
	/* wcwidth() knows no letters but ASCII in the C locale, which a program has until it asks.
	 */
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct bytes data = bytes_of(utf8);
	locale_t before = (locale_t)0;
	size_t width = 0;
	uint32_t code;

	pthread_once(&once, make_width_locale);
	if (width_locale)
		before = uselocale(width_locale);
	while (data.len) {
		int n;

		take(&data, &code);
		n = code == TEXT_ILL_FORMED ? 1 : wcwidth((wchar_t)code);
		width += n < 0 ? 1 : n;
	}
	if (before)
		uselocale(before);
	return width;
}
