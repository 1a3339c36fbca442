/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is over an item's limit is cut: of an argument what fits is worth having, of the environment
 * whole strings alone. Strings that ld.so took out of the environment (secure execution) are still
 * told where the rest lies together, as /proc/PID/environ does.
 */
#include "preload/strings.h"
#include "common/util.h"

#include <string.h>

struct region {
	const char *data;
	size_t len;
	bool is_cut;
};

static const struct {
	enum run_item_kind kind;
	size_t max;
	bool cut_inside;
} kinds[] = {
	{RUN_ITEM_ARGV, RUN_MESSAGE_ARGV, true},
	{RUN_ITEM_ENV, RUN_MESSAGE_ENV, false},
};

static char *const *strings_of(const struct start *start, enum run_item_kind kind)
{
	return kind == RUN_ITEM_ARGV ? start->argv : start->envp;
}

/* False if the strings don't lie one behind the other. No more of them is looked at than will be
 * told. */
static bool find_region(char *const *strings, size_t max, struct region *ret)
{
	const char *begin = *strings, *last = begin;

	*ret = (struct region){.data = begin};
	if (!begin)
		return true;
	for (; strings[1] && strings[1] - begin <= (ptrdiff_t)max; strings++) {
		if (strings[1] <= last || strings[1][-1])
			return false;
		last = strings[1];
	}
	while ((size_t)(last - begin) < max && *last)
		last++;
	ret->len = (size_t)(last - begin) + 1;
	ret->is_cut = strings[1] || ret->len > max;
	return true;
}

/* Where a region that is cut ends, so that no more than max bytes are told, a NUL with them. */
static size_t cut(const struct region *region, size_t max, bool inside)
{
	size_t len = MIN(region->len, max);

	if (inside)
		return MIN(len, max - 1);
	while (len && region->data[len - 1])
		len--;
	return len;
}

void strings_refer(struct parts *parts, const struct start *start)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct run_item head = {.kind = (uint16_t)kinds[i].kind};
		struct region region;
		bool add_nul = false;

		if (!find_region(strings_of(start, kinds[i].kind), kinds[i].max, &region))
			continue;
		if (region.is_cut) {
			head.flags = RUN_ITEM_CUT;
			region.len = cut(&region, kinds[i].max, kinds[i].cut_inside);
			add_nul = region.len && region.data[region.len - 1];
		}
		parts_add_item(parts, head, region.data, region.len, "", add_nul);
	}
}

/* Copies the string and its NUL; false if it doesn't fit whole. */
static bool copy_string(const char *text, char *to, size_t size, size_t *used)
{
	size_t len = strlen(text) + 1;

	if (len > size - *used)
		return false;
	memcpy(to + *used, text, len);
	*used += len;
	return true;
}

static void copy(struct writer *writer, size_t i, char *const *strings)
{
	size_t size = kinds[i].max, used = 0;
	char *to = item_open(writer, kinds[i].kind, size);

	if (!to)
		return;
	while (*strings && copy_string(*strings, to, size, &used))
		strings++;
	if (*strings && kinds[i].cut_inside && used < size) {
		memcpy(to + used, *strings, size - used - 1);
		to[size - 1] = '\0';
		used = size;
	}
	item_close(writer, used, *strings ? RUN_ITEM_CUT : 0);
}

void strings_copy(struct writer *writer, const struct start *start)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		char *const *strings = strings_of(start, kinds[i].kind);
		struct region region;

		if (!find_region(strings, kinds[i].max, &region))
			copy(writer, i, strings);
	}
}
