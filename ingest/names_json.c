/* SPDX-License-Identifier: BSD-2-Clause */
#include "ingest/names_json.h"

#include <errno.h>

_Static_assert(NAMES_JSON_DEPTH_MAX <= 32, "bits of objects");

void names_json_init(struct names_json *json, FILE *in, uint64_t max)
{
	*json = (struct names_json){.in = in, .left = max, .line = 1};
}

static int fail(struct names_json *json, const char *fault)
{
	json->fault = fault;
	return -EINVAL;
}

/* False at the end, and behind max. The last byte of before stays, for unget(). */
static bool fill(struct names_json *json)
{
	size_t len;

	if (!json->left)
		json->is_cut_off |= getc(json->in) != EOF;
	if (json->end)
		json->buffer[0] = json->buffer[json->end - 1];
	len = fread(json->buffer + 1, 1, MIN(sizeof(json->buffer) - 1, json->left), json->in);
	json->left -= len;
	json->at = 1;
	json->end = len + 1;
	return len;
}

/* The next byte; EOF at the end, and behind max. */
static int get(struct names_json *json)
{
	int c;

	if (json->at == json->end && !fill(json))
		return EOF;
	c = json->buffer[json->at++];
	if (c == '\n')
		json->line++;
	return c;
}

static void unget(struct names_json *json, int c)
{
	if (c == EOF)
		return;
	json->at--;
	if (c == '\n')
		json->line--;
}

static int get_behind_blanks(struct names_json *json)
{
	int c;

	do
		c = get(json);
	while (c == ' ' || c == '\t' || c == '\n' || c == '\r');
	return c;
}

/* Why there is nothing where there should be something. */
static int fail_at_end(struct names_json *json)
{
	if (json->is_cut_off) {
		json->fault = "is too long";
		return -EFBIG;
	}
	if (ferror(json->in)) {
		json->fault = "cannot be read";
		return -EIO;
	}
	return fail(json, "ends before its JSON does: perhaps it was still being written");
}

static void put(struct names_json *json, char c)
{
	if (json->len == NAMES_JSON_TEXT_MAX)
		json->is_cut = true;
	else
		json->text[json->len++] = c;
}

static void put_code(struct names_json *json, uint32_t code)
{
	if (!code)
		json->is_cut = true;
	if (code < 0x80) {
		put(json, (char)code);
		return;
	}
	if (code < 0x800) {
		put(json, (char)(0xc0 | code >> 6));
	} else {
		if (code < 0x10000) {
			put(json, (char)(0xe0 | code >> 12));
		} else {
			put(json, (char)(0xf0 | code >> 18));
			put(json, (char)(0x80 | (code >> 12 & 0x3f)));
		}
		put(json, (char)(0x80 | (code >> 6 & 0x3f)));
	}
	put(json, (char)(0x80 | (code & 0x3f)));
}

static int get_hex(struct names_json *json, uint32_t *ret)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";

	*ret = 0;
	for (int i = 0; i < 4; i++) {
		int c = get(json);
		const char *digit = c > 0 ? strchr(digits, c) : NULL;

		if (!digit)
			return c == EOF ? fail_at_end(json) : fail(json, "has a wrong \\u");
		*ret = *ret << 4 | (uint32_t)((digit - digits) & 0xf);
	}
	return 0;
}

/* Behind "\u". A half of a pair that stands alone is U+FFFD. */
static int get_code(struct names_json *json)
{
	uint32_t code, low;
	int r = get_hex(json, &code), c;

	while (r == 0 && code >= 0xd800 && code < 0xdc00) {
		c = get(json);
		if (c != '\\') {
			unget(json, c);
			break;
		}
		c = get(json);
		if (c != 'u') {
			/* One byte only can be given back: another escape is done here. */
			static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
			const char *escape = c > 0 ? strchr(from, c) : NULL;

			if (!escape)
				return fail(json, "has a wrong \\");
			put_code(json, 0xfffd);
			put(json, to[escape - from]);
			return 0;
		}
		r = get_hex(json, &low);
		if (r == 0 && low >= 0xdc00 && low < 0xe000) {
			put_code(json, 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00));
			return 0;
		}
		put_code(json, 0xfffd);
		code = low;
	}
	if (r == 0)
		put_code(json, code >= 0xd800 && code < 0xe000 ? 0xfffd : code);
	return r;
}

/* Behind the opening quote. */
static int get_string(struct names_json *json)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	int c, r;

	json->len = 0;
	json->is_cut = false;
	while ((c = get(json)) != '"') {
		const char *escape;

		if (c == EOF)
			return fail_at_end(json);
		if (c < ' ')
			return fail(json, "has a control character in a string");
		if (c != '\\') {
			put(json, (char)c);
			continue;
		}
		c = get(json);
		if (c == 'u') {
			r = get_code(json);
			if (r < 0)
				return r;
			continue;
		}
		escape = c > 0 ? strchr(from, c) : NULL;
		if (!escape)
			return c == EOF ? fail_at_end(json) : fail(json, "has a wrong \\");
		put(json, to[escape - from]);
	}
	return 0;
}

/* c: its first byte. */
static int get_scalar(struct names_json *json, int c)
{
	char word[32];
	size_t len = 0;

	for (; c != EOF && c > ' ' && !strchr(",]}\"[{:", c); c = get(json)) {
		if (len == sizeof(word) - 1)
			return fail(json, "is no JSON");
		word[len++] = (char)c;
	}
	unget(json, c);
	word[len] = '\0';
	if (strspn(word, "+-.0123456789eE") == len && len && strpbrk(word, "0123456789"))
		return JSON_SCALAR;
	if (!strcmp(word, "true") || !strcmp(word, "false") || !strcmp(word, "null"))
		return JSON_SCALAR;
	return fail(json, "is no JSON");
}

static int open_level(struct names_json *json, bool is_object)
{
	if (json->depth == NAMES_JSON_DEPTH_MAX)
		return fail(json, "is nested too deeply");
	json->objects &= ~(UINT32_C(1) << json->depth);
	json->objects |= (uint32_t)is_object << json->depth;
	json->depth++;
	json->is_first = true;
	return is_object ? JSON_OBJECT : JSON_ARRAY;
}

static int close_level(struct names_json *json, bool is_object)
{
	json->depth--;
	json->is_first = false;
	json->is_value_done = !json->depth;
	return is_object ? JSON_OBJECT_END : JSON_ARRAY_END;
}

static int get_value(struct names_json *json, int c)
{
	int r;

	json->is_key_done = json->is_first = false;
	if (c == '{' || c == '[')
		return open_level(json, c == '{');
	if (c == '"') {
		r = get_string(json);
		r = r < 0 ? r : JSON_STRING;
	} else {
		r = get_scalar(json, c);
	}
	json->is_value_done = !json->depth;
	return r;
}

int names_json_next(struct names_json *json)
{
	bool is_object = json->depth && json->objects >> (json->depth - 1) & 1;
	int c = get_behind_blanks(json), r;

	if (json->is_value_done) {
		if (c != EOF)
			return fail(json, "goes on behind its JSON");
		return json->is_cut_off || ferror(json->in) ? fail_at_end(json) : JSON_END;
	}
	if (c == EOF)
		return fail_at_end(json);
	if (!json->depth || json->is_key_done)
		return get_value(json, c);
	if (c == (is_object ? '}' : ']'))
		return close_level(json, is_object);
	if (!json->is_first) {
		if (c != ',')
			return fail(json, "is no JSON: a comma is missing");
		c = get_behind_blanks(json);
		if (c == EOF)
			return fail_at_end(json);
	}
	if (!is_object)
		return get_value(json, c);
	if (c != '"')
		return fail(json, "is no JSON: a key is missing");
	r = get_string(json);
	if (r < 0)
		return r;
	c = get_behind_blanks(json);
	if (c != ':')
		return c == EOF ? fail_at_end(json) : fail(json, "is no JSON: a colon is missing");
	json->is_key_done = true;
	return JSON_KEY;
}

int names_json_skip(struct names_json *json, int token)
{
	size_t depth = json->depth;

	if (token != JSON_OBJECT && token != JSON_ARRAY)
		return 0;
	while (json->depth >= depth) {
		int r = names_json_next(json);

		if (r < 0)
			return r;
	}
	return 0;
}
