/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/spans.h"
#include "common/array.h"
#include <errno.h>

int spans_add(struct spans *spans, int64_t from_us, int64_t to_us)
{
	struct span *items;

	if (from_us >= to_us)
		return 0;
	items = array_grow(spans->items, spans->count, &spans->size, sizeof(*items));
	if (!items)
		return -ENOMEM;
	spans->items = items;
	items[spans->count++] = (struct span){from_us, to_us};
	return 0;
}

static int compare_spans(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return x->from_us < y->from_us ? -1 : x->from_us > y->from_us;
}

void spans_settle(struct spans *spans)
{
	size_t kept = 0;

	if (!spans->count)
		return;
	qsort(spans->items, spans->count, sizeof(*spans->items), compare_spans);
	for (size_t i = 1; i < spans->count; i++) {
		struct span *last = &spans->items[kept];

		if (spans->items[i].from_us <= last->to_us)
			last->to_us = MAX(last->to_us, spans->items[i].to_us);
		else
			spans->items[++kept] = spans->items[i];
	}
	spans->count = kept + 1;
}

int64_t spans_length(const struct spans *spans)
{
	int64_t length = 0;

	for (size_t i = 0; i < spans->count; i++)
		length += spans->items[i].to_us - spans->items[i].from_us;
	return length;
}

int64_t spans_common(const struct spans *a, const struct spans *b)
{
	int64_t length = 0;

	for (size_t i = 0, j = 0; i < a->count && j < b->count;) {
		int64_t from = MAX(a->items[i].from_us, b->items[j].from_us);
		int64_t to = MIN(a->items[i].to_us, b->items[j].to_us);

		if (from < to)
			length += to - from;
		if (a->items[i].to_us < b->items[j].to_us)
			i++;
		else
			j++;
	}
	return length;
}

int spans_subtract(struct spans *a, const struct spans *b)
{
	struct spans rest = {0};
	int r = 0;

	for (size_t i = 0, first = 0; r >= 0 && i < a->count; i++) {
		int64_t from = a->items[i].from_us, to = a->items[i].to_us;

		while (first < b->count && b->items[first].to_us <= from)
			first++;
		for (size_t j = first; r >= 0 && j < b->count && b->items[j].from_us < to; j++) {
			r = spans_add(&rest, from, b->items[j].from_us);
			from = MAX(from, b->items[j].to_us);
		}
		if (r >= 0)
			r = spans_add(&rest, from, to);
	}
	if (r < 0) {
		spans_done(&rest);
		return r;
	}
	spans_done(a);
	*a = rest;
	return 0;
}

void spans_done(struct spans *spans)
{
	free(spans->items);
	*spans = (struct spans){0};
}
