// SPDX-License-Identifier: BSD-2-Clause
/* Values of names: is the name one of a secret's, is the value one, and pairs of both in a text. */
#include "common/scrub_rules.h"

#include <fnmatch.h>

#define BLANKS_MAX 8 /* around the sign of a pair */

static const char not_secrets[] = " false no none null off on true yes ";

static bool name_is_listed(const struct scrub *s, struct bytes name)
{
	char text[SCRUB_NAME_MAX + 1];

	if (!s->names->count || name.len > SCRUB_NAME_MAX)
		return false;
	memcpy(text, name.data, name.len);
	text[name.len] = '\0';
	for (size_t i = 0; i < s->names->count; i++)
		if (!fnmatch(s->names->items[i] + strspn(s->names->items[i], "-"), text,
			     FNM_CASEFOLD))
			return true;
	return false;
}

unsigned int scrub_name_traits(const struct scrub *s, struct bytes name)
{
	unsigned int traits;
	size_t dashes = 0;

	while (name.len && name.data[0] == '-') {
		name.data++;
		name.len--;
		dashes++;
	}
	if (!name.len)
		return 0;
	if (name_is_listed(s, name))
		return NAME_SECRET;
	traits = scrub_name(name);
	if (!traits && dashes == 1 && name.len > 1) /* -DAPI_KEY=X */
		traits = scrub_name((struct bytes){name.data + 1, name.len - 1});
	return traits;
}

static bool is_path(struct bytes value)
{
	static const char *const begins[] = {"/", "./", "../", "~/"};

	for (size_t i = 0; i < ARRAY_SIZE(begins); i++)
		if (value.len > strlen(begins[i]) &&
		    !memcmp(value.data, begins[i], strlen(begins[i])))
			return true;
	return false;
}

static bool is_plain_word(struct bytes value)
{
	char low[8];

	if (value.len >= sizeof(low))
		return false;
	for (size_t i = 0; i < value.len; i++)
		low[i] = to_lower(value.data[i]);
	return words_have(not_secrets, low, value.len);
}

/* All bytes are of set. */
static bool is_of(struct bytes value, const char *set)
{
	for (size_t i = 0; i < value.len; i++)
		if (!value.data[i] || !strchr(set, value.data[i]))
			return false;
	return true;
}

/* What a name of several meanings has as its value says which is meant. */
static bool is_harmless(struct bytes value, unsigned int traits)
{
	static const char digits[] = "0123456789";

	if (!value.len || is_plain_word(value) || ((traits & NAME_OFTEN_PATH) && is_path(value)))
		return true;
	if ((traits & (NAME_OFTEN_COUNT | NAME_PIN)) && value.len <= 2 && is_of(value, digits))
		return true;
	if (!(traits & NAME_PIN))
		return false;
	for (size_t i = 0; i < value.len; i++)
		if (value.data[i] >= '0' && value.data[i] <= '9') /* a list of processors */
			return is_of(value, "0123456789,-:") && !is_of(value, digits);
	return true;
}

bool scrub_value(struct scrub *s, struct bytes text, size_t begin, size_t end,
		 const struct pending *how)
{
	struct bytes value = {text.data + begin, end - begin};
	const char *divider;

	if (is_harmless(value, how->traits))
		return false;
	if (how->part == VALUE_DATA && !memchr(value.data, '=', value.len))
		return false;
	if (how->part == VALUE_AFTER) {
		divider = memchr(value.data, how->divider, value.len);
		if (!divider || divider + 1 == text.data + end)
			return false;
		begin = divider + 1 - text.data;
	}
	memset(s->mask + begin, 1, end - begin);
	return true;
}

size_t scrub_quote_end(struct bytes text, size_t i, char quote, bool is_escaped)
{
	size_t begin = i;

	for (; i < text.len; i++) {
		bool has_backslash = i > begin && text.data[i - 1] == '\\';

		if (text.data[i] != quote || has_backslash != is_escaped)
			continue;
		while (is_escaped && i > begin && text.data[i - 1] == '\\')
			i--;
		return i;
	}
	return text.len;
}

/* The end of a value without quotes. "Bearer X" is one value. */
static size_t bare_end(struct bytes text, size_t begin)
{
	static const char schemes[] = " basic bearer digest negotiate token ";
	char low[12];
	size_t i = begin;

	while (i < text.len && !is_blank(text.data[i]) && !strchr(";&,|)}]<>\"'`", text.data[i]))
		i++;
	if (i - begin < sizeof(low) && i < text.len && text.data[i] == ' ') {
		for (size_t at = begin; at < i; at++)
			low[at - begin] = to_lower(text.data[at]);
		if (words_have(schemes, low, i - begin))
			return bare_end(text, i + 1);
	}
	return i;
}

struct pair {
	size_t begin, end; /* of the name */
	size_t value;
	bool is_name_quoted, is_apart; /* blanks around the sign */
};

/* The pair whose sign is at i. False if there is none. */
static bool pair_find(struct bytes text, size_t i, struct pair *ret)
{
	size_t end = i, begin, value = i + 1;
	struct pair p = {0};

	if (text.data[i] == '=' && end && text.data[end - 1] == ':')
		end--;
	while (end && text.data[end - 1] == ' ' && i - end < BLANKS_MAX)
		end--;
	p.is_apart = end + 1 < i;
	if (end && scrub_is_quote(text.data[end - 1])) {
		end -= end > 1 && text.data[end - 2] == '\\' ? 2 : 1;
		p.is_name_quoted = true;
	}
	begin = end;
	while (begin && end - begin <= SCRUB_NAME_MAX && is_name_byte(text.data[begin - 1]))
		begin--;
	if (begin == end)
		return false;
	if (value < text.len && text.data[i] == '=' && text.data[value] == '=')
		value++;
	for (int n = 0; n < BLANKS_MAX && value < text.len && is_blank(text.data[value]); n++) {
		value++;
		p.is_apart |= text.data[i] == '=';
	}
	p.begin = begin;
	p.end = end;
	p.value = value;
	*ret = p;
	return true;
}

/* Where to go on behind the sign at i. */
static size_t pair_mark(struct scrub *s, struct bytes text, size_t i, bool *any)
{
	struct pending how = {true, 0, VALUE_ALL, 0};
	bool is_escaped, is_quoted;
	struct pair p;
	size_t end;
	char quote;

	if (!pair_find(text, i, &p))
		return i;
	how.traits = scrub_name_traits(s, (struct bytes){text.data + p.begin, p.end - p.begin});
	if (!(how.traits & NAME_SECRET))
		return i;
	is_escaped = p.value + 1 < text.len && text.data[p.value] == '\\' &&
		     scrub_is_quote(text.data[p.value + 1]);
	p.value += is_escaped;
	is_quoted = p.value < text.len && scrub_is_quote(text.data[p.value]);
	if (text.data[i] == ':' && (how.traits & NAME_WEAK) && !p.is_name_quoted && !is_quoted)
		return i;
	if (p.is_apart && text.data[i] == '=' && !is_quoted)
		return i;
	quote = p.begin ? text.data[p.begin - 1] : 0;
	if (is_quoted)
		end = scrub_quote_end(text, p.value + 1, text.data[p.value], is_escaped);
	else if (scrub_is_quote(quote) && !p.is_name_quoted)
		end = scrub_quote_end(text, p.value, quote,
				      p.begin > 1 && text.data[p.begin - 2] == '\\');
	else
		end = bare_end(text, p.value);
	p.value += is_quoted;
	if (end > p.value)
		*any |= scrub_value(s, text, p.value, end, &how);
	return MAX(i, end ? end - 1 : 0);
}

bool scrub_pairs(struct scrub *s, struct bytes text)
{
	bool any = false;

	for (size_t i = 0; i < text.len; i++) {
		bool has_next = i + 1 < text.len;

		if (text.data[i] == '=' ||
		    (text.data[i] == ':' && !(has_next && strchr("/=:", text.data[i + 1]))))
			i = pair_mark(s, text, i, &any);
	}
	return any;
}
