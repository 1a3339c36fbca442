/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Most patterns are held against a path's last part, and begin with letters: those are kept in
 * lists by their first byte, those that are a name without *?[\ in a hash besides. What remains
 * (patterns of whole paths, or with a star in front) is tried one after the other, but nearly
 * always done after a look at the bytes it must begin and end with. Lists are in the order of the
 * file, so each ends where a better one is known.
 */
#include "ingest/names_rules.h"
#include "ingest/names_glob.h"
#include "common/text.h"

#include <errno.h>
#include <xxhash.h>

#define SLOTS (4 * NAMES_PATTERNS_MAX)
#define NONE  UINT16_MAX
#define LISTS 258 /* by first byte, then: */
enum { LIST_ANY = 256, LIST_PATH };

struct pattern {
	struct names_rule rule;
	uint16_t next;		 /* of its list */
	uint16_t literal, tail;	 /* bytes that stand for themselves in front and at the end */
	bool is_exact, is_whole; /* no pattern but a name; of the whole path */
};

struct names_rules {
	char *text;
	struct pattern *patterns;
	size_t count;
	uint16_t first[LISTS], last[LISTS];
	uint16_t slots[SLOTS]; /* every pattern by its text, the first that has it */
};

_Static_assert(NAMES_PATTERNS_MAX < NONE, "numbers of patterns are 16 bits");

void names_rules_free(struct names_rules *rules)
{
	if (rules) {
		free(rules->text);
		free(rules->patterns);
	}
	free(rules);
}

static void cleanup_rules(struct names_rules **rules)
{
	names_rules_free(*rules);
}

/* The slot of the pattern with that text, or the free one where it belongs. */
static uint16_t *find_slot(struct names_rules *rules, struct bytes text)
{
	size_t at = XXH3_64bits(text.data, text.len) % SLOTS;

	for (;; at = (at + 1) % SLOTS) {
		const struct names_rule *rule;

		if (rules->slots[at] == NONE)
			return &rules->slots[at];
		rule = &rules->patterns[rules->slots[at]].rule;
		if (rule->pattern.len == text.len &&
		    !memcmp(rule->pattern.data, text.data, text.len))
			return &rules->slots[at];
	}
}

static void append(struct names_rules *rules, size_t list, uint16_t number)
{
	if (rules->first[list] == NONE)
		rules->first[list] = number;
	else
		rules->patterns[rules->last[list]].next = number;
	rules->last[list] = number;
}

/* Bytes at the end that stand for themselves; none where a bracket or a \ makes that hard to tell.
 */
static size_t tail_of(struct bytes glob)
{
	size_t len = 0;

	if (memchr(glob.data, '[', glob.len) || memchr(glob.data, '\\', glob.len))
		return 0;
	while (len < glob.len && !strchr("*?", glob.data[glob.len - len - 1]))
		len++;
	return len;
}

static void add_pattern(struct names_rules *rules, struct names_rule rule)
{
	struct bytes glob = rule.pattern;
	uint16_t number = (uint16_t)rules->count++;
	struct pattern *pattern = &rules->patterns[number];

	*pattern = (struct pattern){.rule = rule,
				    .next = NONE,
				    .literal = (uint16_t)names_glob_literal(glob),
				    .tail = (uint16_t)tail_of(glob),
				    .is_whole = memchr(glob.data, '/', glob.len)};
	pattern->is_exact = pattern->literal == glob.len;
	if (pattern->is_whole)
		append(rules, LIST_PATH, number);
	else if (!pattern->literal)
		append(rules, LIST_ANY, number);
	else if (!pattern->is_exact)
		append(rules, (unsigned char)*glob.data, number);
	*find_slot(rules, glob) = number;
}

struct reading {
	struct names_rules *rules;
	struct names_complaints *complaints;
	const char *file;
	unsigned int line;
};

static struct bytes trim(struct bytes text)
{
	while (text.len && strchr(" \t\r", *text.data))
		text.data++, text.len--;
	while (text.len && strchr(" \t\r", text.data[text.len - 1]))
		text.len--;
	return text;
}

/* What is wrong with the name, or NULL. */
static const char *name_fault(struct bytes name)
{
	uint32_t code;

	if (!name.len)
		return "is missing behind the =; - stands for none";
	if (name.len > NAMES_SOFTWARE_MAX)
		return "is longer than 64 bytes";
	if (!text_is_utf8(name))
		return "is not UTF-8";
	for (size_t i = 0; i < name.len;) {
		i += text_next((struct bytes){name.data + i, name.len - i}, &code);
		if (text_is_control(code))
			return "has a control character";
	}
	return NULL;
}

static void take_pattern(struct reading *reading, struct bytes word, struct bytes name)
{
	const char *fault = NULL;
	uint16_t same;

	if (word.len > NAMES_PATTERN_MAX)
		fault = "is longer than 1024 bytes";
	else
		fault = names_glob_fault(word);
	if (!fault && reading->rules->count == NAMES_PATTERNS_MAX)
		fault = "is one pattern more than the 4096 of a file";
	if (!fault && memchr(word.data, '/', word.len) && !strchr("/*?[\\", *word.data))
		fault = "is held against whole paths, since it has a /, and those begin with /; "
			"put */ in front";
	if (fault) {
		names_complain(reading->complaints, reading->file, reading->line, "%.*s%s %s",
			       NAMES_SHOWN(word), fault);
		return;
	}
	same = *find_slot(reading->rules, word);
	if (same != NONE)
		names_complain(reading->complaints, reading->file, reading->line,
			       "%.*s%s stands in line %u already, which decides; remove one",
			       NAMES_SHOWN(word), reading->rules->patterns[same].rule.line);
	else
		add_pattern(
			reading->rules,
			(struct names_rule){.pattern = word, .name = name, .line = reading->line});
}

/* Where " = " stands, alone; or text's end. */
static size_t equals_of(struct bytes text)
{
	for (size_t i = 1; i < text.len; i++)
		if (text.data[i] == '=' && strchr(" \t", text.data[i - 1]) &&
		    (i + 1 == text.len || strchr(" \t", text.data[i + 1])))
			return i;
	return text.len;
}

static void take_line(struct reading *reading, struct bytes line)
{
	size_t equals, begin = reading->rules->count;
	unsigned int complaints = reading->complaints->count;
	const char *fault = NULL;
	struct bytes name, rest;

	if (line.len > NAMES_RULE_LINE_MAX)
		fault = "is longer than 4096 bytes";
	else if (memchr(line.data, '\0', line.len))
		fault = "has a NUL byte: this is no text file";
	line = trim(line);
	if (!fault && (!line.len || *line.data == '#'))
		return;
	equals = fault ? 0 : equals_of(line);
	if (!fault && equals == line.len)
		fault = "has no = with a blank on each side: PATTERN... = NAME";
	if (fault) {
		names_complain(reading->complaints, reading->file, reading->line, "the line %s",
			       fault);
		return;
	}
	name = trim((struct bytes){line.data + equals + 1, line.len - equals - 1});
	fault = name_fault(name);
	if (fault)
		names_complain(reading->complaints, reading->file, reading->line,
			       "the name %.*s%s%s%s", NAMES_SHOWN(name), name.len ? " " : "",
			       fault);
	if (name.len == 1 && *name.data == '-')
		name.len = 0;
	for (rest = trim((struct bytes){line.data, equals}); rest.len; rest = trim(rest)) {
		struct bytes word = {rest.data, 0};

		while (rest.len && !strchr(" \t\r", *rest.data))
			rest.data++, rest.len--, word.len++;
		take_pattern(reading, word, name);
	}
	if (reading->rules->count == begin && reading->complaints->count == complaints)
		names_complain(reading->complaints, reading->file, reading->line,
			       "no pattern stands in front of the =");
}

int names_rules_read(const char *file, struct bytes text, struct names_complaints *complaints,
		     struct names_rules **ret)
{
	_cleanup_(cleanup_rules) struct names_rules *rules = calloc(1, sizeof(*rules));
	struct reading reading = {.rules = rules, .complaints = complaints, .file = file};
	unsigned int before = complaints->count;
	struct bytes rest;

	if (!rules)
		return -ENOMEM;
	memset(rules->slots, 0xff, sizeof(rules->slots));
	memset(rules->first, 0xff, sizeof(rules->first));
	rules->text = malloc(text.len ?: 1);
	rules->patterns = calloc(NAMES_PATTERNS_MAX, sizeof(*rules->patterns));
	if (!rules->text || !rules->patterns)
		return -ENOMEM;
	memcpy(rules->text, text.data, text.len);
	rest = (struct bytes){rules->text, text.len};
	if (rest.len >= 3 && !memcmp(rest.data, "\xef\xbb\xbf", 3)) /* byte order mark */
		rest.data += 3, rest.len -= 3;
	while (rest.len) {
		const char *end = memchr(rest.data, '\n', rest.len);
		size_t len = end ? (size_t)(end - rest.data) : rest.len;

		reading.line++;
		take_line(&reading, (struct bytes){rest.data, len});
		len += end ? 1 : 0;
		rest.data += len;
		rest.len -= len;
	}
	if (complaints->count != before)
		return -EINVAL;
	*ret = TAKE_PTR(rules);
	return 0;
}

static bool takes(const struct pattern *pattern, struct bytes text)
{
	struct bytes glob = pattern->rule.pattern;

	if (text.len < pattern->literal || text.len < pattern->tail ||
	    memcmp(text.data, glob.data, pattern->literal) != 0 ||
	    memcmp(text.data + text.len - pattern->tail, glob.data + glob.len - pattern->tail,
		   pattern->tail) != 0)
		return false;
	return names_glob_takes(glob, text);
}

/* The first of a list that takes text, or best. */
static uint16_t find_in(const struct names_rules *rules, size_t list, struct bytes text,
			uint16_t best)
{
	for (uint16_t i = rules->first[list]; i < best; i = rules->patterns[i].next)
		if (takes(&rules->patterns[i], text))
			return i;
	return best;
}

bool names_rules_find(const struct names_rules *rules, struct bytes path, struct names_rule *ret)
{
	const char *slash = memrchr(path.data, '/', path.len);
	struct bytes name = path;
	uint16_t best;

	if (slash)
		name = (struct bytes){slash + 1, path.len - (size_t)(slash + 1 - path.data)};
	if (!name.len)
		return false;
	best = *find_slot((struct names_rules *)rules, name);
	if (best != NONE && !rules->patterns[best].is_exact)
		best = NONE; /* a file whose name looks like a pattern */
	best = find_in(rules, (unsigned char)*name.data, name, best);
	best = find_in(rules, LIST_ANY, name, best);
	best = find_in(rules, LIST_PATH, path, best);
	if (best == NONE)
		return false;
	*ret = rules->patterns[best].rule;
	return true;
}

size_t names_rules_count(const struct names_rules *rules)
{
	return rules->count;
}
