/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rules of any bytes: refused with a reason, or read into spans of the text itself; and what was
 * read, written with single blanks, reads the same.
 */
#include "common/rule.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct bytes part, struct bytes whole)
{
	if (!part.len || part.data < whole.data || part.len > whole.len ||
	    (size_t)(part.data - whole.data) > whole.len - part.len)
		abort();
}

static void check_condition(const struct rule_condition *c, struct bytes text)
{
	check_inside(c->text, text);
	check_inside(c->value, c->text);
	if (c->about >= RULE_ABOUTS || c->value.len > RULE_VALUE_MAX ||
	    (c->kind == RULE_RANGE && (c->low > c->high || c->high == UINT32_MAX)))
		abort();
}

static size_t print(const struct rule *rule, char *out)
{
	size_t len = (size_t)sprintf(out, "%s", rule_action_name(rule->action));

	for (size_t i = 0; i < rule->count; i++) {
		out[len++] = ' ';
		memcpy(out + len, rule->conditions[i].text.data, rule->conditions[i].text.len);
		len += rule->conditions[i].text.len;
	}
	return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *copy = malloc(size ?: 1);
	char why[RULE_WHY_SIZE] = "", again[RULE_TEXT_MAX + 16];
	struct bytes text = {copy, size};
	struct rule rule, second;

	memcpy(copy, data, size);
	if (rule_parse(text, &rule, why)) {
		if (!*why || strnlen(why, sizeof(why)) == sizeof(why))
			abort();
		return 0;
	}
	for (size_t i = 0; i < rule.count; i++)
		check_condition(&rule.conditions[i], text);
	if (rule_parse((struct bytes){again, print(&rule, again)}, &second, why) ||
	    second.action != rule.action || second.count != rule.count)
		abort();
	for (size_t i = 0; i < rule.count; i++) {
		const struct rule_condition *a = &rule.conditions[i], *b = &second.conditions[i];

		if (a->about != b->about || a->kind != b->kind || a->is_not != b->is_not ||
		    a->low != b->low || a->high != b->high || a->value.len != b->value.len)
			abort();
	}
	return 0;
}
