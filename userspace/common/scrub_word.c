// SPDX-License-Identifier: BSD-2-Clause
/* Secrets by the words around them: what is behind an option that names one, and what a program
 * takes as one. */
#include "common/scrub_rules.h"

/* Behind an option that may or may not have a value. */
static bool looks_like_option(struct bytes word)
{
	return word.len >= 2 && word.data[0] == '-' &&
	       (word.len == 2 || (word.data[1] == '-' && is_alnum(word.data[2])));
}

static bool is_script_option(struct bytes word)
{
	if (word.len < 2 || word.len > 6 || word.data[0] != '-' || word.data[word.len - 1] != 'c')
		return false;
	for (size_t i = 1; i < word.len; i++)
		if (!is_alnum(word.data[i]))
			return false;
	return true;
}

static void option_note(struct scrub *s, struct line *line, struct bytes word)
{
	unsigned int traits;

	if (word.len < 3 || word.data[0] != '-' || memchr(word.data, '=', word.len))
		return;
	if (line->program && line->program->asks_for_password && word.len == 10 &&
	    !memcmp(word.data, "--password", 10))
		return;
	traits = scrub_name_traits(s, word);
	if ((traits & NAME_SECRET) && !(traits & NAME_SWITCH))
		line->pending = (struct pending){true, traits, VALUE_ALL, 0};
}

/* "htpasswd -b FILE USER X": which operand it is depends on other options, so the user goes too. */
static void rest_note(struct line *line, struct bytes word)
{
	if (word.data[0] != '-')
		line->rest += line->rest == REST_NEXT;
	else if (line->program && line->program->rest_by && word.len > 1 && word.data[1] != '-' &&
		 memchr(word.data, line->program->rest_by, word.len))
		line->rest = REST_NEXT;
}

bool scrub_word(struct scrub *s, struct line *line, struct bytes text, size_t begin, size_t end)
{
	struct bytes word = {text.data + begin, end - begin};
	struct pending value = line->pending;
	const struct program_option *option;
	size_t at;

	line->pending.is_set = false;
	line->is_script_next = is_script_option(word);
	if (line->rest == REST_SECRET)
		return scrub_value(s, text, begin, end, &(struct pending){true, 0, VALUE_ALL, 0});
	rest_note(line, word);
	if (value.is_set && !looks_like_option(word))
		return scrub_value(s, text, begin, end, &value);
	if (word.data[0] != '-')
		line->program = scrub_program(&s->programs, word, line->program);
	if (line->program) {
		bool is_quote_next = end < text.len && scrub_is_quote(text.data[end]);

		option = scrub_program_option(line->program, word, is_quote_next, &at);
		if (option) {
			value = (struct pending){true, 0, option->part, option->divider};
			if (at < word.len)
				return scrub_value(s, text, begin + at, end, &value);
			line->pending = value;
			return false;
		}
	}
	option_note(s, line, word);
	return false;
}

bool scrub_words(struct scrub *s, struct bytes text)
{
	struct line line = {0};
	bool any = false;
	size_t i = 0;

	while (i < text.len) {
		char c = text.data[i];
		size_t begin = i;

		if (strchr("\n;|&()", c)) { /* another command; NUL is none of them */
			line = (struct line){0};
			i++;
		} else if ((line.pending.is_set || line.rest == REST_SECRET) && scrub_is_quote(c)) {
			i = scrub_quote_end(text, i + 1, c, i && text.data[i - 1] == '\\');
			any |= scrub_value(s, text, begin + 1, i, &line.pending);
			line.pending.is_set = false;
			i++;
		} else if (is_blank(c) || scrub_is_quote(c) || strchr("\\<>", c)) {
			i++;
		} else {
			while (i < text.len && !is_blank(text.data[i]) &&
			       !strchr("\n;|&()\"'`\\<>", text.data[i]))
				i++;
			any |= scrub_word(s, &line, text, begin, i);
		}
	}
	return any;
}
