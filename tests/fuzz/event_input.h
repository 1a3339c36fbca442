/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events out of a fuzzer's input: a few bytes set the fields by which events meet, to few values;
 * the rest is taken as it is.
 */
#pragma once

#include "daemon/event.h"

#define EVENT_SIZE_MAX 2048

struct input {
	const uint8_t *data;
	size_t size;
};

static inline uint8_t take_byte(struct input *in)
{
	return in->size ? in->size--, *in->data++ : 0;
}

static inline void take(struct input *in, void *out, size_t len)
{
	size_t n = MIN(len, in->size);

	memcpy(out, in->data, n);
	memset((char *)out + n, 0, len - n);
	in->data += n;
	in->size -= n;
}

/* Spans of what follows the fixed part. */
static inline void spans_set(struct input *in, char *event, const uint16_t *at, size_t fixed,
			     size_t len)
{
	for (; *at; at++) {
		struct span span = {fixed + take_byte(in), take_byte(in)};

		if (span.off > fixed + len)
			span.off = fixed;
		span.len = MIN(span.len, fixed + len - span.off);
		memcpy(event + *at, &span, sizeof(span));
	}
}

#define AT(type, member) offsetof(struct type, member)
static const struct {
	size_t size;
	uint16_t spans[9];
} kinds[EVENT_KINDS] = {
	{sizeof(struct event), {0}},
	{sizeof(struct event_exec),
	 {AT(event_exec, exe), AT(event_exec, requested), AT(event_exec, interp),
	  AT(event_exec, cwd), AT(event_exec, cgroup), AT(event_exec, cgroup_v1),
	  AT(event_exec, argv), AT(event_exec, env)}},
	{sizeof(struct event_fork), {0}},
	{sizeof(struct event_mmap), {AT(event_mmap, path), AT(event_mmap, notes)}},
	{sizeof(struct event_exit), {AT(event_exit, notes)}},
};

/* Size of the event at event (EVENT_SIZE_MAX, aligned to 8), which may fail event_check(). */
static inline size_t event_make(struct input *in, uint8_t what, char *event)
{
	struct event *head = (void *)event;
	uint8_t kind = what % EVENT_KINDS, who = take_byte(in);
	size_t len = kinds[kind].size, more = (size_t)take_byte(in) * 4;

	take(in, event + sizeof(*head), len - sizeof(*head) + more);
	*head = (struct event){.kind = kind,
			       .size = len + more,
			       .pid = who & 3,
			       .start_ns = who & 4,
			       .exec_id = who >> 3 & 3,
			       .time_ns = in->size,
			       .seq = in->size};
	head->flags = take_byte(in) * 16;
	head->traits = take_byte(in);
	if (!(what & 0x20))
		spans_set(in, event, kinds[kind].spans, len, more);
	if (kind == EVENT_EXEC && (head->traits & 0x80) && more >= 32) { /* a loader, by name */
		struct event_exec *exec = (void *)event;

		memcpy(event + len, "/ld-2.so", 8);
		exec->exe = (struct span){len, 8};
		exec->argv = (struct span){len + 8, more - 8};
	}
	if (kind == EVENT_FORK) {
		struct event_fork *fork = (void *)event;

		fork->parent_pid = who >> 5 & 3;
		fork->parent_start_ns = 0;
		fork->parent_exec_id = head->exec_id;
	}
	return head->size;
}
