/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Values by type. Each type has its four functions in one row, so that a value that is read is also
 * shown, described and freed.
 */
#include "common/config_key.h"
#include "common/age.h"
#include "common/rule.h"

#include <ctype.h>
#include <errno.h>

#define BLANKS " \t\r\v\f"

static void *member(const struct config_key *key, const struct config *config)
{
	return (char *)config + key->offset;
}

static int set_text(char **text, const char *value)
{
	char *copy = strdup(value);

	if (!copy)
		return -ENOMEM;
	free(*text);
	*text = copy;
	return 0;
}

static int set_path_of(const struct config_key *key, const char *value, struct config *config,
		       size_t max)
{
	if (!(key->may_be_empty && !*value) && (*value != '/' || strlen(value) > max))
		return -EINVAL;
	return set_text(member(key, config), value);
}

static int set_path(const struct config_key *key, const char *value, struct config *config)
{
	return set_path_of(key, value, config, CONFIG_PATH_MAX);
}

static int set_socket(const struct config_key *key, const char *value, struct config *config)
{
	return set_path_of(key, value, config, CONFIG_SOCKET_MAX);
}

/* Names become parts of file names. */
static int set_name(const struct config_key *key, const char *value, struct config *config)
{
	bool is_first_good = isalnum((unsigned char)*value) || (!*value && key->may_be_empty);

	if (!is_first_good || strlen(value) > CONFIG_NAME_MAX)
		return -EINVAL;
	for (const char *p = value; *p; p++)
		if ((unsigned char)*p >= 0x80 || !(isalnum((unsigned char)*p) || strchr("._-", *p)))
			return -EINVAL;
	return set_text(member(key, config), value);
}

static int set_choice(const struct config_key *key, const char *value, struct config *config)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(key->choices) && key->choices[i]; i++) {
		if (strcmp(key->choices[i], value))
			continue;
		*(unsigned int *)member(key, config) = i;
		return 0;
	}
	return -EINVAL;
}

static int set_number(const struct config_key *key, const char *value, struct config *config)
{
	uint64_t number = 0;

	if (!*value || strlen(value) > 10)
		return -EINVAL;
	for (const char *p = value; *p; p++) {
		if (*p < '0' || *p > '9')
			return -EINVAL;
		number = 10 * number + (uint64_t)(*p - '0');
	}
	if (number < key->min || number > key->max ||
	    (key->is_power_of_two && (number & (number - 1))))
		return -EINVAL;
	*(uint32_t *)member(key, config) = (uint32_t)number;
	return 0;
}

static int set_yes_no(const struct config_key *key, const char *value, struct config *config)
{
	bool is_yes = !strcmp(value, "yes");

	if (!is_yes && strcmp(value, "no"))
		return -EINVAL;
	*(bool *)member(key, config) = is_yes;
	return 0;
}

static int set_age(const struct config_key *key, const char *value, struct config *config)
{
	uint32_t *days = member(key, config);

	if (*value)
		return age_parse(value, days);
	*days = 0;
	return 0;
}

static void free_list(struct config_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct config_list){};
}

static void cleanup_list(struct config_list *list)
{
	free_list(list);
}

static int set_globs(const struct config_key *key, const char *value, struct config *config)
{
	_cleanup_(cleanup_list) struct config_list list = {};
	struct config_list *old = member(key, config);

	list.items = calloc(CONFIG_LIST_MAX, sizeof(*list.items));
	if (!list.items)
		return -ENOMEM;
	for (;;) {
		size_t len;

		value += strspn(value, BLANKS);
		len = strcspn(value, BLANKS);
		if (!len)
			break;
		if (list.count == CONFIG_LIST_MAX || glob_fault((struct bytes){value, len}))
			return -EINVAL;
		list.items[list.count] = strndup(value, len);
		if (!list.items[list.count])
			return -ENOMEM;
		list.count++;
		value += len;
	}
	free_list(old);
	*old = list;
	list = (struct config_list){};
	return 0;
}

static int set_rule(const struct config_key *key, const char *value, struct config *config)
{
	struct config_rules *rules = member(key, config);
	struct config_rule *bigger;
	char why[RULE_WHY_SIZE];
	struct rule rule;

	if (rules->count == RULES_MAX || rule_parse(bytes_of(value), &rule, why))
		return -EINVAL;
	bigger = reallocarray(rules->items, rules->count + 1, sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	rules->items = bigger;
	bigger[rules->count] = (struct config_rule){.text = strdup(value)};
	if (!bigger[rules->count].text)
		return -ENOMEM;
	rules->count++;
	return 0;
}

static void print_text(const struct config_key *key, const struct config *config, FILE *out)
{
	fputs(*(char **)member(key, config), out);
}

static void print_choice(const struct config_key *key, const struct config *config, FILE *out)
{
	fputs(key->choices[*(unsigned int *)member(key, config)], out);
}

static void print_number(const struct config_key *key, const struct config *config, FILE *out)
{
	fprintf(out, "%u", *(uint32_t *)member(key, config));
}

static void print_yes_no(const struct config_key *key, const struct config *config, FILE *out)
{
	fputs(*(bool *)member(key, config) ? "yes" : "no", out);
}

static void print_age(const struct config_key *key, const struct config *config, FILE *out)
{
	uint32_t days = *(uint32_t *)member(key, config);

	if (days)
		fprintf(out, "%ud", days);
}

static void print_globs(const struct config_key *key, const struct config *config, FILE *out)
{
	const struct config_list *list = member(key, config);

	for (size_t i = 0; i < list->count; i++)
		fprintf(out, "%s%s", i ? " " : "", list->items[i]);
}

static void print_rules(const struct config_key *key, const struct config *config, FILE *out)
{
	const struct config_rules *rules = member(key, config);

	for (size_t i = 0; i < rules->count; i++) {
		if (i)
			fprintf(out, "\n%s = ", key->name);
		fputs(rules->items[i].text, out);
	}
}

static void describe_path(const struct config_key *key, FILE *out)
{
	int max = key->type == KEY_SOCKET ? CONFIG_SOCKET_MAX : CONFIG_PATH_MAX;

	fprintf(out, "an absolute path of at most %d bytes", max);
	if (key->may_be_empty)
		fputs(", or empty", out);
}

static void describe_name(const struct config_key *key, FILE *out)
{
	fprintf(out, "at most %d letters, digits, '.', '_' or '-', a letter or digit first",
		CONFIG_NAME_MAX);
	if (key->may_be_empty)
		fputs(", or empty", out);
}

static void describe_choice(const struct config_key *key, FILE *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(key->choices) && key->choices[i]; i++) {
		bool is_last = i + 1 == ARRAY_SIZE(key->choices) || !key->choices[i + 1];

		fprintf(out, "%s%s", !i ? "" : is_last ? " or " : ", ", key->choices[i]);
	}
}

static void describe_number(const struct config_key *key, FILE *out)
{
	fprintf(out, "a %s from %u to %u", key->is_power_of_two ? "power of two" : "number",
		key->min, key->max);
}

static void describe_yes_no(const struct config_key *key, FILE *out)
{
	(void)key;
	fputs("yes or no", out);
}

static void describe_age(const struct config_key *key, FILE *out)
{
	(void)key;
	fputs(AGE_FORM ", or empty", out);
}

static void describe_globs(const struct config_key *key, FILE *out)
{
	(void)key;
	fprintf(out, "at most %d patterns with blanks between them", CONFIG_LIST_MAX);
}

static void describe_rules(const struct config_key *key, FILE *out)
{
	(void)key;
	fprintf(out, "full, group or ignore, and conditions behind it; at most %d such lines",
		RULES_MAX);
}

static void done_text(const struct config_key *key, struct config *config)
{
	char **text = member(key, config);

	free(*text);
	*text = NULL;
}

static void done_nothing(const struct config_key *key, struct config *config)
{
	(void)key;
	(void)config;
}

static void done_globs(const struct config_key *key, struct config *config)
{
	free_list(member(key, config));
}

static void done_rules(const struct config_key *key, struct config *config)
{
	struct config_rules *rules = member(key, config);

	for (size_t i = 0; i < rules->count; i++)
		free(rules->items[i].text);
	free(rules->items);
	*rules = (struct config_rules){};
}

static const struct {
	int (*set)(const struct config_key *key, const char *value, struct config *config);
	void (*print)(const struct config_key *key, const struct config *config, FILE *out);
	void (*describe)(const struct config_key *key, FILE *out);
	void (*done)(const struct config_key *key, struct config *config);
} types[] = {
	[KEY_PATH] = {set_path, print_text, describe_path, done_text},
	[KEY_SOCKET] = {set_socket, print_text, describe_path, done_text},
	[KEY_NAME] = {set_name, print_text, describe_name, done_text},
	[KEY_CHOICE] = {set_choice, print_choice, describe_choice, done_nothing},
	[KEY_NUMBER] = {set_number, print_number, describe_number, done_nothing},
	[KEY_YES_NO] = {set_yes_no, print_yes_no, describe_yes_no, done_nothing},
	[KEY_AGE] = {set_age, print_age, describe_age, done_nothing},
	[KEY_GLOBS] = {set_globs, print_globs, describe_globs, done_globs},
	[KEY_RULES] = {set_rule, print_rules, describe_rules, done_rules},
};

const struct config_key *config_key_find(const char *section, const char *name)
{
	for (size_t i = 0; i < config_key_count; i++)
		if (!strcmp(config_keys[i].section, section) && !strcmp(config_keys[i].name, name))
			return &config_keys[i];
	return NULL;
}

int config_key_set(const struct config_key *key, const char *text, struct config *config)
{
	return types[key->type].set(key, text, config);
}

void config_key_print(const struct config_key *key, const struct config *config, FILE *out)
{
	types[key->type].print(key, config, out);
}

void config_key_describe(const struct config_key *key, FILE *out)
{
	types[key->type].describe(key, out);
}

/* The first pattern of a list that isn't whole. False: that is not what is wrong. */
static bool complain_globs(const char *text, FILE *out)
{
	for (size_t len, count = 0; count < CONFIG_LIST_MAX; text += len, count++) {
		const char *fault;

		text += strspn(text, BLANKS);
		len = strcspn(text, BLANKS);
		fault = glob_fault((struct bytes){text, len});
		if (fault)
			fprintf(out, "\"%.*s%s\" %s", (int)MIN(len, (size_t)60), text,
				len > 60 ? "..." : "", fault);
		if (fault || !len)
			return fault;
	}
	return false;
}

void config_key_complain(const struct config_key *key, const char *text, FILE *out)
{
	char why[RULE_WHY_SIZE];
	struct rule rule;

	if (key->type == KEY_RULES && rule_parse(bytes_of(text), &rule, why)) {
		fputs(why, out);
		return;
	}
	if (key->type == KEY_RULES) { /* nothing is wrong with it */
		fprintf(out, "is one more than the %d rules that there may be", RULES_MAX);
		return;
	}
	if (key->type == KEY_GLOBS && complain_globs(text, out))
		return;
	fputs("must be ", out);
	config_key_describe(key, out);
}

void config_key_done(const struct config_key *key, struct config *config)
{
	types[key->type].done(key, config);
}
