// SPDX-License-Identifier: BSD-2-Clause
/*
 * What a configuration may have but hardly means. It is told and obeyed, not refused: whoever puts
 * "rule = full" in front of all for a day should not have to remove the rest.
 */
#include "common/config_key.h"
#include "common/rule.h"

#include <errno.h>

struct warnings {
	const char *path;
	FILE *out;
	size_t count;
};

static void warn_begin(struct warnings *w, const struct config_rule *rule)
{
	size_t len = strlen(rule->text);

	fprintf(w->out, "%s%s:%u: [rules] rule = %.*s%s: ", w->count++ ? "\n" : "", w->path,
		rule->line, (int)MIN(len, (size_t)80), rule->text, len > 80 ? "..." : "");
}

/* Programs' paths begin with a slash: nothing else can be what a literal beginning takes. */
static void warn_path(struct warnings *w, const struct config_rule *rule,
		      const struct rule_condition *c)
{
	if (c->about != RULE_PATH && c->about != RULE_CGROUP)
		return;
	if (!strchr("/*?[\\", *c->value.data)) {
		warn_begin(w, rule);
		fprintf(w->out, "%s is asked of a whole path, which begins with /",
			rule_about_name(c->about));
	} else if (memmem(c->value.data, c->value.len, ",/", 2)) {
		warn_begin(w, rule);
		fprintf(w->out, "%s is one pattern, with a comma in it, and no list",
			rule_about_name(c->about));
	}
}

static void warn_rules(struct warnings *w, const struct config_rules *rules)
{
	const struct config_rule *all = NULL; /* the first that takes every run */
	char why[RULE_WHY_SIZE];
	struct rule rule;

	for (size_t i = 0; i < rules->count; i++) {
		const struct config_rule *item = &rules->items[i];

		if (!item->line || rule_parse(bytes_of(item->text), &rule, why))
			continue;
		if (all) {
			warn_begin(w, item);
			fprintf(w->out, "never asked, since the rule in line %u takes every run",
				all->line);
			continue;
		}
		for (size_t c = 0; c < rule.count; c++)
			warn_path(w, item, &rule.conditions[c]);
		all = rule.count ? NULL : item;
	}
}

int config_warn(const char *path, struct config *config)
{
	struct warnings w = {.path = path};
	_cleanup_free_ char *text = NULL;
	size_t len;

	w.out = open_memstream(&text, &len);
	if (!w.out)
		return -ENOMEM;
	warn_rules(&w, &config->rules);
	if (fclose(w.out))
		return -ENOMEM;
	free(config->warnings);
	config->warnings = w.count ? TAKE_PTR(text) : NULL;
	return 0;
}
