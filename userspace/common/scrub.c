// SPDX-License-Identifier: BSD-2-Clause
/*
 * How an argument is searched. Rules mark bytes in a mask; what is marked is then left out. Three
 * ways over the bytes, each from front to back:
 *	forms	what is secret wherever it stands (scrub_form.c)
 *	pairs	name and value in a text: "password=X", "'token': 'X'", "Cookie: X"
 *	words	options and their values: the arguments themselves, and where an argument has blanks
 *		its words, as a shell would see them more or less
 * Quotes in a text may be nested by several shells, so they are not paired: a quote at the
 * beginning of a value ends it where it comes again.
 */
#include "common/scrub_rules.h"

#include <errno.h>

#define ASSIGNMENTS_MAX 4 /* "--env=NAME=VALUE" has two */

/* "--name=VALUE", "NAME=VALUE", "Name: VALUE": of an argument, the value is all that follows. */
static bool assignment_mark(struct scrub *s, struct bytes text)
{
	size_t begin = 0;

	for (int n = 0; n < ASSIGNMENTS_MAX; n++) {
		struct pending how = {true, 0, VALUE_ALL, 0};
		size_t end = begin, value;

		while (end < text.len && is_name_byte(text.data[end]))
			end++;
		if (end == begin || end + 1 >= text.len || !strchr("=:", text.data[end]))
			return false;
		value = end + 1;
		if (text.data[value] == '=')
			value++;
		else if (text.data[end] == ':' && text.data[value] == '/')
			return false;
		while (text.data[end] == ':' && value < text.len && is_blank(text.data[value]))
			value++;
		how.traits = scrub_name_traits(s, (struct bytes){text.data + begin, end - begin});
		if ((how.traits & NAME_SECRET) &&
		    (text.data[end] == '=' || !(how.traits & NAME_WEAK)))
			return scrub_value(s, text, value, text.len, &how);
		begin = value;
	}
	return false;
}

static bool mask_reserve(struct scrub *s, size_t len)
{
	uint8_t *bigger;

	if (len <= s->mask_size)
		return true;
	bigger = realloc(s->mask, len);
	if (!bigger)
		return false;
	s->mask = bigger;
	s->mask_size = len;
	return true;
}

/* Fills in the mask. True if anything of the argument is secret. */
static bool argument_mark(struct scrub *s, struct bytes text)
{
	bool is_script = s->line.is_script_next, has_blank = false, has_sign = false, any;

	if (!text.len) {
		s->line.pending.is_set = s->line.is_script_next = false;
		return false;
	}
	for (size_t i = 0; i < text.len; i++) {
		has_blank |= is_blank(text.data[i]);
		has_sign |= text.data[i] == '=' || text.data[i] == ':';
	}
	memset(s->mask, 0, text.len);
	if (scrub_word(s, &s->line, text, 0, text.len) ||
	    (has_sign && !is_script && assignment_mark(s, text)))
		return true;
	any = scrub_forms(text, s->mask);
	if (has_sign)
		any |= scrub_pairs(s, text);
	if (has_blank)
		any |= scrub_words(s, text);
	return any;
}

/* The argument at out, with the mark for what is masked. more: how much longer it may become. */
static size_t argument_print(const struct scrub *s, struct bytes text, char *out, size_t *more)
{
	char *to = out;

	for (size_t i = 0, end; i < text.len; i = end) {
		size_t len, mark;

		for (end = i; end < text.len && s->mask[end] == s->mask[i];)
			end++;
		len = end - i;
		if (!s->mask[i]) {
			to = mempcpy(to, text.data + i, len);
			continue;
		}
		mark = strlen(SCRUB_MARK) <= len + *more ? strlen(SCRUB_MARK) : 1;
		*more = *more + len - mark;
		to = mempcpy(to, mark == 1 ? "*" : SCRUB_MARK, mark);
	}
	return to - out;
}

int scrub_new(const struct config_list *names, struct scrub **ret)
{
	struct scrub *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->names = names;
	scrub_programs_sort(&s->programs);
	*ret = s;
	return 0;
}

void scrub_free(struct scrub *s)
{
	if (!s)
		return;
	free(s->mask);
	free(s->out);
	free(s);
}

void scrub_begin(struct scrub *s)
{
	s->line = (struct line){0};
}

struct bytes scrub_argument(struct scrub *s, struct bytes argument)
{
	static const struct bytes all = {SCRUB_MARK, sizeof(SCRUB_MARK) - 1};
	size_t more, size;

	if (!mask_reserve(s, argument.len))
		return all;
	if (!argument_mark(s, argument))
		return argument;
	/* a masked byte may become a mark, each but the last followed by a plain one */
	more = (argument.len / 2 + 1) * all.len;
	size = argument.len + more;
	if (size > s->out_size) {
		char *bigger = realloc(s->out, size);

		if (!bigger)
			return all;
		s->out = bigger;
		s->out_size = size;
	}
	return (struct bytes){s->out, argument_print(s, argument, s->out, &more)};
}

size_t scrub_argv(struct scrub *s, struct bytes argv, char *out, size_t limit, bool *ret_is_changed)
{
	size_t more = limit > argv.len ? limit - argv.len : 0;
	char *to = out;

	*ret_is_changed = false;
	scrub_begin(s);
	while (argv.len) {
		struct bytes argument = {argv.data, strnlen(argv.data, argv.len)};
		size_t step = MIN(argument.len + 1, argv.len);

		if (!mask_reserve(s, argument.len)) {
			to = mempcpy(to, "*", argument.len ? 1 : 0);
			*ret_is_changed = true;
		} else if (argument_mark(s, argument)) {
			to += argument_print(s, argument, to, &more);
			*ret_is_changed = true;
		} else {
			to = mempcpy(to, argument.data, argument.len);
		}
		if (step > argument.len)
			*to++ = '\0';
		argv.data += step;
		argv.len -= step;
	}
	return to - out;
}
