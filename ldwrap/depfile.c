/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads dependency files as bfd, gold, lld and mold write them. */
#include "depfile.h"

/* lld indents the prerequisites by one blank, bfd and gold by two; mold doesn't break the line. */
static bool is_lld(struct bytes text)
{
	const char *at = memmem(text.data, text.len, "\\\n ", 3);
	size_t left = at ? text.len - (size_t)(at - text.data) : 0;

	return left > 3 && at[3] != ' ';
}

/* in: len bytes, fewer than DEPFILE_PATH_MAX. */
static void unescape(const char *in, size_t len, bool escaped, char *out)
{
	for (size_t i = 0; i < len; i++) {
		if (escaped && i + 1 < len &&
		    ((in[i] == '\\' && (in[i + 1] == ' ' || in[i + 1] == '#')) ||
		     (in[i] == '$' && in[i + 1] == '$')))
			i++;
		*out++ = in[i];
	}
	*out = '\0';
}

/* One rule: from pos to the empty line. Its length. */
static size_t rule_len(struct bytes text, size_t pos)
{
	const char *end = memmem(text.data + pos, text.len - pos, "\n\n", 2);

	return end ? (size_t)(end - text.data) - pos : text.len - pos;
}

size_t depfile_each(struct bytes text, depfile_fn *fn, void *arg)
{
	bool escaped = text.len && is_lld(text);
	size_t passed_over = 0;

	if (!text.len)
		return 0;
	/* the first rule is the one with the prerequisites */
	for (size_t pos = rule_len(text, 0) + 2; pos < text.len;) {
		const char *rule = text.data + pos;
		size_t len = rule_len(text, pos);
		char path[DEPFILE_PATH_MAX];

		pos += len + 2;
		while (len && rule[len - 1] == '\n')
			len--;
		if (!len)
			continue;
		if (len < 2 || rule[len - 1] != ':' || len > sizeof(path) ||
		    memchr(rule, '\0', len)) {
			passed_over++;
			continue;
		}
		unescape(rule, len - 1, escaped, path);
		if (!fn(arg, path))
			break;
	}
	return passed_over;
}
