// SPDX-License-Identifier: BSD-2-Clause
/*
 * What is surely a mistake, although it can be read: patterns that aren't whole, and conditions
 * that never hold together. Only what can be proved is refused: two names may be one user, and
 * whether a pattern takes a value is not tried.
 */
#include "common/rule.h"

/* Where the bracket at i ends, or len. */
static size_t bracket_end(struct bytes glob, size_t i)
{
	size_t at = i + 1;

	if (at < glob.len && (glob.data[at] == '!' || glob.data[at] == '^'))
		at++;
	if (at < glob.len && glob.data[at] == ']') /* the first one is a member */
		at++;
	for (; at < glob.len && glob.data[at] != ']'; at++) {
		struct bytes rest = {glob.data + at, glob.len - at};
		const char *end;

		if (*rest.data == '\\')
			at++;
		if (rest.len < 4 || *rest.data != '[' || !strchr(":.=", rest.data[1]) ||
		    !rest.data[1])
			continue;
		end = memmem(rest.data + 2, rest.len - 2, (char[]){rest.data[1], ']'}, 2);
		if (end) /* [:alpha:] */
			at = end + 1 - glob.data;
	}
	return MIN(at, glob.len);
}

const char *glob_fault(struct bytes glob)
{
	for (size_t i = 0; i < glob.len; i++) {
		if (glob.data[i] == '\\') {
			if (++i == glob.len)
				return "ends with a \\, which takes the next byte as it is";
			continue;
		}
		if (glob.data[i] != '[')
			continue;
		i = bracket_end(glob, i);
		if (i == glob.len)
			return "has a [ without its ]; a plain one is \\[";
	}
	return NULL;
}

static bool is_literal(struct bytes value)
{
	for (size_t i = 0; i < value.len; i++)
		if (strchr("*?[\\", value.data[i]))
			return false;
	return true;
}

/* What a condition says of a job or container: 1 there must be one, 0 there must be none, -1
 * neither. */
static int presence_of(const struct rule_condition *c)
{
	if (c->about != RULE_JOB && c->about != RULE_CONTAINER)
		return -1;
	if (c->kind == RULE_YES || c->kind == RULE_NO)
		return (c->kind == RULE_YES) != c->is_not;
	return c->is_not ? -1 : 1;
}

/* Whatever it is asked of, one of them does not hold. */
static bool excludes(const struct rule_condition *a, const struct rule_condition *b)
{
	bool is_same =
		a->value.len == b->value.len && !memcmp(a->value.data, b->value.data, a->value.len);
	int first = presence_of(a), second = presence_of(b);

	if (a->about != b->about)
		return false;
	if (first >= 0 && second >= 0 && first != second)
		return true;
	if (a->kind != b->kind || a->kind == RULE_YES || a->kind == RULE_NO || a->is_not)
		return false;
	if (a->kind == RULE_RANGE)
		return b->is_not ? b->low <= a->low && a->high <= b->high
				 : a->high < b->low || b->high < a->low;
	if (b->is_not)
		return is_same;
	return a->kind == RULE_GLOB && !is_same && is_literal(a->value) && is_literal(b->value);
}

bool rule_excludes_itself(const struct rule *rule, struct bytes ret_words[2])
{
	for (size_t i = 0; i < rule->count; i++)
		for (size_t k = 0; k < rule->count; k++) {
			const struct rule_condition *a = &rule->conditions[i];
			const struct rule_condition *b = &rule->conditions[k];

			if (i == k || !excludes(a, b))
				continue;
			ret_words[0] = a->text;
			ret_words[1] = b->text;
			return true;
		}
	return false;
}
