// SPDX-License-Identifier: BSD-2-Clause
/*
 * Secrets that are known by their form: passwords in URLs, tokens of well-known makers, private
 * keys. Each form is looked for where a word begins, and a word that is none is stepped over whole:
 * that keeps the time linear.
 */
#include "common/scrub_rules.h"

#include <strings.h>

#define WORD_MIN    16 /* no token is shorter */
#define PEM_HEAD    64 /* bytes of "-----BEGIN ... PRIVATE KEY-----", at most */
#define FORM_JWT    1  /* goes on behind dots */
#define FORM_UPPERS 2  /* capitals and digits only */

static const struct {
	const char *prefix;
	uint8_t min; /* bytes of the whole word */
	uint8_t form;
} tokens[] = {
	{"AKIA", 16, FORM_UPPERS}, /* Amazon */
	{"ASIA", 16, FORM_UPPERS},
	{"AIza", 30, 0}, /* Google */
	{"ghp_", 24, 0}, /* GitHub */
	{"gho_", 24, 0},
	{"ghu_", 24, 0},
	{"ghs_", 24, 0},
	{"ghr_", 24, 0},
	{"github_pat_", 30, 0},
	{"glpat-", 20, 0}, /* GitLab */
	{"gldt-", 20, 0},
	{"glrt-", 20, 0},
	{"glptt-", 20, 0},
	{"xoxa-", 16, 0}, /* Slack */
	{"xoxb-", 16, 0},
	{"xoxe-", 16, 0},
	{"xoxo-", 16, 0},
	{"xoxp-", 16, 0},
	{"xoxr-", 16, 0},
	{"xoxs-", 16, 0},
	{"xapp-", 16, 0},
	{"hf_", 30, 0},	     /* Hugging Face */
	{"sk-", 32, 0},	     /* OpenAI, Anthropic */
	{"sk_live_", 20, 0}, /* Stripe */
	{"sk_test_", 20, 0},
	{"rk_live_", 20, 0},
	{"npm_", 36, 0},
	{"pypi-", 50, 0},
	{"dop_v1_", 40, 0},
	{"eyJ", 16, FORM_JWT},
};

static bool is_word_byte(char c)
{
	return is_alnum(c) || c == '_' || c == '-';
}

static size_t word_end(struct bytes text, size_t i)
{
	while (i < text.len && is_word_byte(text.data[i]))
		i++;
	return i;
}

static bool has_prefix(struct bytes text, size_t i, const char *prefix)
{
	size_t len = strlen(prefix);

	return text.len - i >= len && !memcmp(text.data + i, prefix, len);
}

static bool are_uppers(struct bytes text, size_t begin, size_t end)
{
	for (size_t i = begin; i < end; i++)
		if (!is_alnum(text.data[i]) || (text.data[i] >= 'a' && text.data[i] <= 'z'))
			return false;
	return true;
}

/* The end of the token that the word [begin, end) is or begins, 0 if it is none. */
static size_t token_end(struct bytes text, size_t begin, size_t end)
{
	for (size_t i = 0; i < ARRAY_SIZE(tokens); i++) {
		if (text.data[begin] != tokens[i].prefix[0] || end - begin < tokens[i].min ||
		    !has_prefix(text, begin, tokens[i].prefix))
			continue;
		if (tokens[i].form == FORM_UPPERS && !are_uppers(text, begin, end))
			continue;
		if (tokens[i].form != FORM_JWT)
			return end;
		if (end >= text.len || text.data[end] != '.')
			return 0;
		while (end < text.len && (text.data[end] == '.' || is_word_byte(text.data[end])))
			end++;
		return end;
	}
	return 0;
}

/* "Bearer TOKEN": end of the token behind the word's end, 0 if there is none. */
static size_t bearer_end(struct bytes text, size_t begin, size_t end, size_t *ret_begin)
{
	size_t i = end;

	if (end - begin != 6 || strncasecmp(text.data + begin, "bearer", 6))
		return 0;
	while (i < text.len && is_blank(text.data[i]) && i < end + 8)
		i++;
	if (i == end)
		return 0;
	*ret_begin = i;
	while (i < text.len && (is_word_byte(text.data[i]) || strchr(".~+/=", text.data[i])) &&
	       text.data[i])
		i++;
	return i - *ret_begin >= WORD_MIN ? i : 0;
}

/* i: behind "://". The password before the host is marked. */
static bool url_mark(struct bytes text, size_t i, uint8_t *mask)
{
	size_t colon = 0, at = 0;

	for (; i < text.len; i++) {
		char c = text.data[i];

		if (is_blank(c) || strchr("/?#\"'`<>|", c)) /* or NUL */
			break;
		if (c == ':' && !colon)
			colon = i;
		if (c == '@')
			at = i;
	}
	if (!colon || at <= colon + 1)
		return false;
	memset(mask + colon + 1, 1, at - colon - 1);
	return true;
}

/* At "-----BEGIN": the end of a private key's text, or i. */
static size_t key_mark(struct bytes text, size_t i, uint8_t *mask, bool *ret_any)
{
	static const char head[] = "PRIVATE KEY", tail[] = "-----END";
	size_t room = MIN(text.len - i, (size_t)PEM_HEAD);
	const char *found = memmem(text.data + i, room, head, sizeof(head) - 1), *end;
	size_t begin;

	if (!found)
		return i;
	begin = found + sizeof(head) - 1 - text.data;
	while (begin < text.len && text.data[begin] == '-')
		begin++;
	end = memmem(text.data + begin, text.len - begin, tail, sizeof(tail) - 1);
	room = end ? (size_t)(end - text.data) : text.len;
	if (room == begin)
		return begin;
	memset(mask + begin, 1, room - begin);
	*ret_any = true;
	return room;
}

bool scrub_forms(struct bytes text, uint8_t *mask)
{
	bool any = false;
	size_t i = 0;

	while (i < text.len) {
		size_t begin = i, end, from = i;

		if (has_prefix(text, i, "://")) {
			any |= url_mark(text, i + 3, mask);
			i += 3; /* a token may stand in it; the next URL begins behind its "/" */
			continue;
		}
		if (!is_word_byte(text.data[i])) {
			i++;
			continue;
		}
		if (has_prefix(text, i, "-----BEGIN ")) {
			i = key_mark(text, i, mask, &any);
			if (i != begin)
				continue;
		}
		i = word_end(text, i);
		if (i - begin < WORD_MIN && i - begin != 6)
			continue;
		end = i - begin >= WORD_MIN ? token_end(text, begin, i) : 0;
		if (!end)
			end = bearer_end(text, begin, i, &from);
		if (!end)
			continue;
		memset(mask + from, 1, end - from);
		any = true;
		i = end;
	}
	return any;
}
