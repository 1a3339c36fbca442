/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Only the last star is ever moved on: what the ones before it took can stay as it is, since a star
 * takes any byte. That makes one loop, without recursion.
 */
#include "ingest/names_glob.h"
#include "common/rule.h"

#include <ctype.h>

static const struct {
	const char *name;
	int (*takes)(int c);
} classes[] = {
	{"alnum", isalnum}, {"alpha", isalpha}, {"blank", isblank}, {"cntrl", iscntrl},
	{"digit", isdigit}, {"graph", isgraph}, {"lower", islower}, {"print", isprint},
	{"punct", ispunct}, {"space", isspace}, {"upper", isupper}, {"xdigit", isxdigit},
};

/* The class at the beginning of rest ("[:digit:]…"), or -1; *ret_len: its bytes. */
static int class_at(struct bytes rest, size_t *ret_len)
{
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		size_t len = strlen(classes[i].name);

		if (rest.len < len + 4 || memcmp(rest.data, "[:", 2) ||
		    memcmp(rest.data + 2, classes[i].name, len) ||
		    memcmp(rest.data + 2 + len, ":]", 2))
			continue;
		*ret_len = len + 4;
		return (int)i;
	}
	return -1;
}

static bool class_takes(int class, unsigned char c)
{
	/* ctype's functions may be macros only; beyond ASCII a byte is no character. */
	return c < 0x80 && classes[class].takes(c);
}

/* The member of a bracket at *at, which goes on behind it. */
static unsigned char take_member(struct bytes glob, size_t *at)
{
	if (glob.data[*at] == '\\')
		++*at;
	return (unsigned char)glob.data[(*at)++];
}

/* Whether the bracket at *at takes c; *at goes on behind it. */
static bool bracket_takes(struct bytes glob, size_t *at, unsigned char c)
{
	size_t i = *at + 1, first, len;
	bool is_not = glob.data[i] == '!' || glob.data[i] == '^', takes = false;

	i += is_not;
	first = i;
	while (glob.data[i] != ']' || i == first) {
		int class = class_at((struct bytes){glob.data + i, glob.len - i}, &len);
		unsigned char low, high;

		if (class >= 0) {
			takes |= class_takes(class, c);
			i += len;
			continue;
		}
		low = high = take_member(glob, &i);
		if (glob.data[i] == '-' && glob.data[i + 1] != ']') {
			i++;
			high = take_member(glob, &i);
		}
		takes |= low <= c && c <= high;
	}
	*at = i + 1;
	return takes != is_not;
}

/* Whether what stands at *at, but no star, takes c; *at goes on behind it then. */
static bool one_takes(struct bytes glob, size_t *at, unsigned char c)
{
	size_t i = *at;

	switch (glob.data[i]) {
	case '?':
		i++;
		break;
	case '[':
		if (!bracket_takes(glob, &i, c))
			return false;
		break;
	case '\\':
		i++;
		/* fallthrough */
	default:
		if ((unsigned char)glob.data[i++] != c)
			return false;
	}
	*at = i;
	return true;
}

bool names_glob_takes(struct bytes glob, struct bytes text)
{
	size_t i = 0, star = SIZE_MAX, taken = 0;

	for (size_t t = 0; t < text.len;) {
		if (i < glob.len && glob.data[i] == '*') {
			star = i++;
			taken = t;
		} else if (i < glob.len && one_takes(glob, &i, (unsigned char)text.data[t])) {
			t++;
		} else if (star != SIZE_MAX) {
			i = star + 1;
			t = ++taken;
		} else {
			return false;
		}
	}
	while (i < glob.len && glob.data[i] == '*')
		i++;
	return i == glob.len;
}

size_t names_glob_literal(struct bytes glob)
{
	size_t len = 0;

	while (len < glob.len && !memchr("*?[\\", glob.data[len], 4))
		len++;
	return len;
}

/* Brackets are whole (glob_fault looked): what is in them? */
static const char *bracket_fault(struct bytes glob, size_t *at)
{
	size_t i = *at + 1, first, len;

	i += glob.data[i] == '!' || glob.data[i] == '^';
	first = i;
	while (i < glob.len && (glob.data[i] != ']' || i == first)) {
		if (class_at((struct bytes){glob.data + i, glob.len - i}, &len) >= 0) {
			i += len;
			continue;
		}
		if (glob.data[i] == '[' && i + 1 < glob.len && memchr(":.=", glob.data[i + 1], 3))
			return "has a class in its [ ] that is not known; as [:digit:], [:alpha:]";
		i += glob.data[i] == '\\' ? 2 : 1;
	}
	*at = i;
	return i < glob.len ? NULL : "has a [ without its ]; a plain one is \\[";
}

const char *names_glob_fault(struct bytes glob)
{
	const char *fault = glob_fault(glob);

	for (size_t i = 0; !fault && i < glob.len; i++) {
		if (glob.data[i] == '\\')
			i++;
		else if (glob.data[i] == '[')
			fault = bracket_fault(glob, &i);
	}
	return fault;
}
