/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One rule of runmark.conf(5), section [rules]: what is done with the runs of which all conditions
 * hold.
 *
 *	ACTION [CONDITION...]		group job=yes user!=alice
 *
 * Read here, so that every program refuses a wrong one with its line; asked by the daemon alone
 * (daemon/rules.h).
 */
#pragma once

#include "util.h"

#define RULES_MAX	    256	 /* rules of one configuration */
#define RULE_CONDITIONS_MAX 16	 /* conditions of one rule */
#define RULE_TEXT_MAX	    2048 /* bytes of one rule */
#define RULE_VALUE_MAX	    1024 /* bytes of a condition's value */
#define RULE_WHY_SIZE	    256

enum rule_action {
	RULE_FULL,   /* a record of its own */
	RULE_GROUP,  /* the same, but one for many where they are short and equal */
	RULE_IGNORE, /* counted */
	RULE_ACTIONS,
};

enum rule_about {
	RULE_PATH,
	RULE_USER,
	RULE_GID,
	RULE_JOB,
	RULE_CONTAINER,
	RULE_CGROUP,
	RULE_COMM,
	RULE_ABOUTS,
};

enum rule_value { RULE_GLOB, RULE_RANGE, RULE_NAME, RULE_YES, RULE_NO };

struct rule_condition {
	enum rule_about about;
	enum rule_value kind;
	bool is_not;	    /* != */
	uint32_t low, high; /* RULE_RANGE: of ids, both included */
	struct bytes value, text;
};

struct rule {
	enum rule_action action;
	size_t count;
	struct rule_condition conditions[RULE_CONDITIONS_MAX];
};

/*
 * Reads one. Its spans point into text. 0; -EINVAL, and why, naming the word and what is accepted,
 * is in ret_why.
 */
int rule_parse(struct bytes text, struct rule *ret, char ret_why[RULE_WHY_SIZE]);

/* What is wrong with a pattern, to be read behind it, or NULL (rule_check.c). */
const char *glob_fault(struct bytes glob);
/* True if two of its conditions, whose texts are in ret_words then, never hold together. */
bool rule_excludes_itself(const struct rule *rule, struct bytes ret_words[2]);

const char *rule_action_name(enum rule_action action);
const char *rule_about_name(enum rule_about about);
