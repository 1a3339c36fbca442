// SPDX-License-Identifier: BSD-2-Clause
/* Reading a rule: words, each an action or NAME=VALUE or NAME!=VALUE. */
#include "common/rule.h"

#include <errno.h>

static const char *const actions[RULE_ACTIONS] = {
	[RULE_FULL] = "full", [RULE_GROUP] = "group", [RULE_IGNORE] = "ignore"};

static const struct {
	const char *name;
	bool is_id, is_yes_no, is_glob; /* the forms that its value may have */
	const char *accepted;
} abouts[RULE_ABOUTS] = {
	[RULE_PATH] = {"path", .is_glob = true, .accepted = "a pattern"},
	[RULE_USER] = {"user", .is_id = true, .accepted = "a name, a number or NUMBER-NUMBER"},
	[RULE_GID] = {"group", .is_id = true, .accepted = "a name, a number or NUMBER-NUMBER"},
	[RULE_JOB] = {"job", .is_yes_no = true, .is_glob = true,
		      .accepted = "yes, no or a pattern of the job's id"},
	[RULE_CONTAINER] = {"container", .is_yes_no = true, .accepted = "yes or no"},
	[RULE_CGROUP] = {"cgroup", .is_glob = true, .accepted = "a pattern"},
	[RULE_COMM] = {"comm", .is_glob = true, .accepted = "a pattern"},
};

const char *rule_action_name(enum rule_action action)
{
	return actions[action];
}

const char *rule_about_name(enum rule_about about)
{
	return abouts[about].name;
}

static bool is_word(struct bytes data, const char *word)
{
	return data.len == strlen(word) && !memcmp(data.data, word, data.len);
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The next word of *text, which goes on behind it; empty at the end. */
static struct bytes take_word(struct bytes *text)
{
	struct bytes word;

	while (text->len && is_blank(*text->data))
		text->data++, text->len--;
	word = (struct bytes){text->data, 0};
	while (text->len && !is_blank(*text->data))
		text->data++, text->len--, word.len++;
	return word;
}

/* The number that data begins with, or false; *data goes on behind it. (uid_t)-1 is nobody's. */
static bool take_number(struct bytes *data, uint32_t *ret)
{
	uint64_t number = 0;
	size_t digits = 0;

	for (; data->len && *data->data >= '0' && *data->data <= '9'; digits++) {
		number = MIN(10 * number + (uint64_t)(*data->data - '0'), (uint64_t)UINT32_MAX);
		data->data++;
		data->len--;
	}
	*ret = number;
	return digits && number < UINT32_MAX;
}

static bool has_any(struct bytes data, const char *bytes)
{
	for (size_t i = 0; i < data.len; i++)
		if (data.data[i] && strchr(bytes, data.data[i]))
			return true;
	return false;
}

/* A number, two with '-' between, or else a name, which is no pattern and no list. */
static bool set_id(struct rule_condition *c)
{
	struct bytes rest = c->value;

	c->kind = RULE_NAME;
	for (size_t i = 0; i < c->value.len; i++)
		if (!c->value.data[i] || !strchr("0123456789-", c->value.data[i]))
			return !has_any(c->value, "*?[]=!,:/");
	c->kind = RULE_RANGE;
	if (!take_number(&rest, &c->low))
		return false;
	c->high = c->low;
	if (!rest.len)
		return true;
	rest.data++;
	rest.len--;
	return take_number(&rest, &c->high) && !rest.len && c->low <= c->high;
}

static bool set_value(struct rule_condition *c)
{
	if (!c->value.len || c->value.len > RULE_VALUE_MAX)
		return false;
	if (abouts[c->about].is_id)
		return set_id(c);
	c->kind = RULE_GLOB;
	if (abouts[c->about].is_yes_no && is_word(c->value, "yes"))
		c->kind = RULE_YES;
	else if (abouts[c->about].is_yes_no && is_word(c->value, "no"))
		c->kind = RULE_NO;
	return c->kind != RULE_GLOB || abouts[c->about].is_glob;
}

static int refuse(char why[RULE_WHY_SIZE], struct bytes word, const char *what)
{
	snprintf(why, RULE_WHY_SIZE, "\"%.*s%s\" %s", (int)MIN(word.len, (size_t)60), word.data,
		 word.len > 60 ? "..." : "", what);
	return -EINVAL;
}

static int parse_condition(struct bytes word, struct rule_condition *ret, char why[RULE_WHY_SIZE])
{
	const char *equals = memchr(word.data, '=', word.len);
	struct bytes name = {word.data, equals ? (size_t)(equals - word.data) : 0};
	char what[RULE_WHY_SIZE / 2];

	*ret = (struct rule_condition){.text = word};
	if (name.len && name.data[name.len - 1] == '!') {
		ret->is_not = true;
		name.len--;
	}
	while (ret->about < RULE_ABOUTS && !is_word(name, abouts[ret->about].name))
		ret->about++;
	if (ret->about == RULE_ABOUTS)
		return refuse(why, word,
			      "is no condition: path, user, group, job, container, cgroup or comm, "
			      "with = or != and a value");
	ret->value = (struct bytes){equals + 1, word.len - (size_t)(equals + 1 - word.data)};
	if (set_value(ret)) {
		const char *fault = ret->kind == RULE_GLOB ? glob_fault(ret->value) : NULL;

		return fault ? refuse(why, word, fault) : 0;
	}
	snprintf(what, sizeof(what),
		 "must have %s of at most %d bytes behind its =", abouts[ret->about].accepted,
		 RULE_VALUE_MAX);
	return refuse(why, word, what);
}

int rule_parse(struct bytes text, struct rule *ret, char ret_why[RULE_WHY_SIZE])
{
	struct bytes word, pair[2];
	char what[RULE_WHY_SIZE / 2];
	int r;

	if (text.len > RULE_TEXT_MAX) {
		snprintf(ret_why, RULE_WHY_SIZE, "a rule has at most %d bytes", RULE_TEXT_MAX);
		return -EINVAL;
	}
	word = take_word(&text);
	*ret = (struct rule){0};
	while (ret->action < RULE_ACTIONS && !is_word(word, actions[ret->action]))
		ret->action++;
	if (ret->action == RULE_ACTIONS)
		return refuse(ret_why, word,
			      "is no action: a rule begins with full, group or ignore");
	while ((word = take_word(&text)).len) {
		if (ret->count == RULE_CONDITIONS_MAX)
			return refuse(ret_why, word, "is one condition more than the 16 of a rule");
		r = parse_condition(word, &ret->conditions[ret->count], ret_why);
		if (r)
			return r;
		ret->count++;
	}
	if (!rule_excludes_itself(ret, pair))
		return 0;
	snprintf(what, sizeof(what), "never holds together with \"%.*s%s\", and all must",
		 (int)MIN(pair[0].len, (size_t)60), pair[0].data, pair[0].len > 60 ? "..." : "");
	return refuse(ret_why, pair[1], what);
}
