/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rules by which programs and libraries are called in reports, runmark-names(5):
 *
 *	python[23]* python	= Python
 *
 * The first pattern that takes a path decides. Compiled once, so that a path costs about a
 * microsecond, however many rules there are.
 */
#pragma once

#include "ingest/names_complaints.h"

#define NAMES_PATTERNS_MAX   4096	   /* of one file */
#define NAMES_PATTERN_MAX    1024	   /* bytes of one */
#define NAMES_RULE_LINE_MAX  4096	   /* bytes */
#define NAMES_RULES_FILE_MAX (1024 * 1024) /* bytes */
#define NAMES_SOFTWARE_MAX   64		   /* bytes of a name */

struct names_rules;

/*
 * text: the file's, of that name for messages. 0; -EINVAL: there are complaints; -ENOMEM.
 */
int names_rules_read(const char *file, struct bytes text, struct names_complaints *complaints,
		     struct names_rules **ret);
void names_rules_free(struct names_rules *rules);

/* What a rule says of a path. */
struct names_rule {
	struct bytes name;    /* of no bytes: it has none, by a rule with "-" */
	struct bytes pattern; /* both live as the rules do */
	unsigned int line;
};

bool names_rules_find(const struct names_rules *rules, struct bytes path, struct names_rule *ret);

size_t names_rules_count(const struct names_rules *rules); /* patterns */
