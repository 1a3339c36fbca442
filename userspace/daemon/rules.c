// SPDX-License-Identifier: BSD-2-Clause
/* The rules in force, what they ask for, and who decides. */
#include "daemon/rules.h"
#include "common/log.h"
#include "daemon/run_record.h"

#include <errno.h>
#include <fnmatch.h>

/* A user or group that some condition names. */
struct name {
	enum fact_kind kind;
	struct bytes text;
	struct fact *asked; /* the answer is waited for */
	bool is_answered, is_known;
	uint32_t id;
};

struct in_force {
	struct rule rule;
	struct bytes text;
	unsigned int line;
	unsigned int verdict;
};

struct rules {
	struct in_force *items;
	size_t count;
	struct name *names;
	size_t name_count;
	uint64_t names_due_ns;
};

static const char scope_text[] = "ignore job=no", last_text[] = "full";

static struct name *name_find(const struct rules *rules, enum rule_about about, struct bytes text)
{
	enum fact_kind kind = about == RULE_USER ? FACT_USER_ID : FACT_GROUP_ID;

	for (size_t i = 0; i < rules->name_count; i++)
		if (rules->names[i].kind == kind && rules->names[i].text.len == text.len &&
		    !memcmp(rules->names[i].text.data, text.data, text.len))
			return &rules->names[i];
	return NULL;
}

/* text outlives the rules. */
static int rule_add(struct rules *rules, struct bytes text, unsigned int line, unsigned int verdict)
{
	struct in_force *item = &rules->items[rules->count];
	char why[RULE_WHY_SIZE];
	int r = rule_parse(text, &item->rule, why);

	if (r)
		return r;
	item->text = text;
	item->line = line;
	item->verdict = verdict < VERDICTS ? verdict : item->rule.action;
	rules->count++;
	for (size_t i = 0; i < item->rule.count; i++) {
		const struct rule_condition *c = &item->rule.conditions[i];
		struct name *bigger;

		if (c->kind != RULE_NAME || name_find(rules, c->about, c->value))
			continue;
		bigger = reallocarray(rules->names, rules->name_count + 1, sizeof(*bigger));
		if (!bigger)
			return -ENOMEM;
		rules->names = bigger;
		bigger[rules->name_count++] = (struct name){
			.kind = c->about == RULE_USER ? FACT_USER_ID : FACT_GROUP_ID,
			.text = c->value,
		};
	}
	return 0;
}

int rules_new(const struct config *config, struct rules **ret)
{
	struct rules *rules = calloc(1, sizeof(*rules));
	int r;

	if (!rules)
		return -ENOMEM;
	rules->items = calloc(config->rules.count + 2, sizeof(*rules->items));
	r = rules->items ? 0 : -ENOMEM;
	if (!r && config->scope == CONFIG_SCOPE_JOBS)
		r = rule_add(rules, bytes_of(scope_text), 0, VERDICT_OUT_OF_SCOPE);
	for (size_t i = 0; !r && i < config->rules.count; i++)
		r = rule_add(rules, bytes_of(config->rules.items[i].text),
			     config->rules.items[i].line, VERDICTS);
	if (!r)
		r = rule_add(rules, bytes_of(last_text), 0, VERDICTS);
	if (r) {
		rules_free(rules, NULL);
		return r;
	}
	*ret = rules;
	return 0;
}

void rules_free(struct rules *rules, struct facts *facts)
{
	if (!rules)
		return;
	for (size_t i = 0; i < rules->name_count; i++)
		facts_release(facts, rules->names[i].asked);
	free(rules->names);
	free(rules->items);
	free(rules);
}

/* Said when it changes only: a name that nobody knows is asked for again and again. */
static void name_answered(struct name *name, const struct fact *fact)
{
	const char *what = name->kind == FACT_USER_ID ? "user" : "group";
	bool is_known = fact->state == FACT_KNOWN && fact->uid != (uint32_t)-1;

	/* a directory service that is away takes away nothing that was known */
	if (fact->state != FACT_KNOWN && name->is_known)
		return;
	if (!is_known && (name->is_known || !name->is_answered))
		log_warn(0, "rules name %s %.*s, which is not known here (%s); they don't match",
			 what, (int)name->text.len, name->text.data,
			 fact->why ? fact->why : "no reason given");
	name->is_answered = true;
	name->is_known = is_known;
	name->id = fact->uid;
}

void rules_advance(struct rules *rules, struct facts *facts, uint64_t now_ns)
{
	bool is_due = now_ns >= rules->names_due_ns;

	for (size_t i = 0; i < rules->name_count; i++) {
		struct name *name = &rules->names[i];

		if (!name->asked && is_due)
			name->asked = facts_id(facts, name->kind, name->text);
		if (!name->asked || name->asked->state == FACT_ASKED)
			continue;
		name_answered(name, name->asked);
		facts_release(facts, TAKE_PTR(name->asked));
	}
	if (is_due)
		rules->names_due_ns = now_ns + RULES_NAMES_S * NS_PER_S;
}

bool rules_are_waiting(const struct rules *rules)
{
	for (size_t i = 0; i < rules->name_count; i++)
		if (!rules->names[i].is_answered)
			return true;
	return false;
}

size_t rules_count(const struct rules *rules)
{
	return rules->count;
}

const struct rule *rules_at(const struct rules *rules, size_t i)
{
	return &rules->items[i].rule;
}

unsigned int rules_line(const struct rules *rules, size_t i)
{
	return rules->items[i].line;
}

struct bytes rules_text(const struct rules *rules, size_t i)
{
	return rules->items[i].text;
}

static bool glob_matches(struct bytes glob, const char *text)
{
	char pattern[RULE_VALUE_MAX + 1];

	memcpy(pattern, glob.data, glob.len);
	pattern[glob.len] = '\0';
	return !fnmatch(pattern, text, 0);
}

static enum holds id_holds(const struct rules *rules, const struct rule_condition *c, uint32_t id)
{
	const struct name *name;

	if (c->kind == RULE_RANGE)
		return id >= c->low && id <= c->high ? HOLDS_YES : HOLDS_NO;
	name = name_find(rules, c->about, c->value);
	if (!name || !name->is_known)
		return HOLDS_UNKNOWN;
	return id == name->id ? HOLDS_YES : HOLDS_NO;
}

static enum holds value_holds(const struct rules *rules, const struct rule_condition *c,
			      const struct subject *s)
{
	switch (c->about) {
	case RULE_PATH:
		return glob_matches(c->value, s->path) ? HOLDS_YES : HOLDS_NO;
	case RULE_USER:
		return id_holds(rules, c, s->uid);
	case RULE_GID:
		return id_holds(rules, c, s->gid);
	case RULE_JOB:
		if (c->kind == RULE_GLOB)
			return *s->job.id && glob_matches(c->value, s->job.id) ? HOLDS_YES
									       : HOLDS_NO;
		return !*s->job.id == (c->kind == RULE_NO) ? HOLDS_YES : HOLDS_NO;
	case RULE_CONTAINER:
		return !*s->job.container_runtime == (c->kind == RULE_NO) ? HOLDS_YES : HOLDS_NO;
	case RULE_CGROUP:
		return glob_matches(c->value, s->cgroup) ? HOLDS_YES : HOLDS_NO;
	default:
		return glob_matches(c->value, s->comm) ? HOLDS_YES : HOLDS_NO;
	}
}

enum holds rules_holds(const struct rules *rules, const struct rule_condition *c,
		       const struct subject *subject)
{
	enum holds holds = HOLDS_UNKNOWN;

	if (subject->known & 1u << c->about)
		holds = value_holds(rules, c, subject);
	if (holds == HOLDS_UNKNOWN || !c->is_not)
		return holds;
	return holds == HOLDS_YES ? HOLDS_NO : HOLDS_YES;
}

enum holds rules_match(const struct rules *rules, size_t i, const struct subject *subject)
{
	const struct rule *rule = &rules->items[i].rule;
	enum holds all = HOLDS_YES;

	for (size_t c = 0; c < rule->count; c++) {
		enum holds holds = rules_holds(rules, &rule->conditions[c], subject);

		if (holds == HOLDS_NO)
			return HOLDS_NO;
		if (holds == HOLDS_UNKNOWN)
			all = HOLDS_UNKNOWN;
	}
	return all;
}

/* False if the kernel side can't ask it. */
static bool kernel_rule_add(struct kernel_rule *rule, const struct rule_condition *c)
{
	if (c->is_not)
		return false;
	if (c->about == RULE_USER && c->kind == RULE_RANGE) {
		rule->uid_low = MAX(rule->uid_low, c->low);
		rule->uid_high = MIN(rule->uid_high, c->high);
		return true;
	}
	/* two of them, or a pattern, or what no comm can be */
	if (c->about != RULE_COMM || rule->comm[0] || !c->value.len ||
	    c->value.len >= sizeof(rule->comm) || memchr(c->value.data, '*', c->value.len) ||
	    memchr(c->value.data, '?', c->value.len) || memchr(c->value.data, '[', c->value.len) ||
	    memchr(c->value.data, '\\', c->value.len))
		return false;
	memcpy(rule->comm, c->value.data, c->value.len);
	return true;
}

size_t rules_for_kernel(const struct rules *rules, struct kernel_rule ret[KERNEL_RULES_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < rules->count && count < KERNEL_RULES_MAX &&
			   !verdict_is_recorded(rules->items[i].verdict);
	     i++) {
		const struct rule *rule = &rules->items[i].rule;
		struct kernel_rule made = {.uid_high = (uint32_t)-1};
		size_t c = 0;

		while (c < rule->count && kernel_rule_add(&made, &rule->conditions[c]))
			c++;
		if (c == rule->count)
			ret[count++] = made;
	}
	return count;
}

size_t rules_decide(const struct rules *rules, const struct subject *subject,
		    unsigned int *ret_verdict)
{
	size_t i = 0;

	/* what isn't known doesn't hold; the last rule has no conditions */
	while (i + 1 < rules->count && rules_match(rules, i, subject) != HOLDS_YES)
		i++;
	*ret_verdict = rules->items[i].verdict;
	return i;
}
