// SPDX-License-Identifier: BSD-2-Clause
/* Checking events, and the words for their kinds and flags. */
#include "daemon/event.h"

#include <errno.h>

#define STRINGIFY_(x) #x
#define STRINGIFY(x)  STRINGIFY_(x)

struct kind {
	const char *name;
	size_t size;
	/* offset of its struct event_file, 0: none */
	uint16_t file;
	/* offsets of its spans in the event, 0 ends */
	uint16_t spans[9];
};

#define SPAN(type, member) offsetof(struct type, member)

static const struct kind kinds[EVENT_KINDS] = {
	[EVENT_EXEC] = {"exec",
			sizeof(struct event_exec),
			offsetof(struct event_exec, file),
			{SPAN(event_exec, exe), SPAN(event_exec, requested),
			 SPAN(event_exec, interp), SPAN(event_exec, cwd), SPAN(event_exec, cgroup),
			 SPAN(event_exec, cgroup_v1), SPAN(event_exec, argv),
			 SPAN(event_exec, env)}},
	[EVENT_FORK] = {"fork", sizeof(struct event_fork), 0, {0}},
	[EVENT_MMAP] = {"mmap",
			sizeof(struct event_mmap),
			offsetof(struct event_mmap, file),
			{SPAN(event_mmap, path), SPAN(event_mmap, notes)}},
	[EVENT_EXIT] = {"exit", sizeof(struct event_exit), 0, {SPAN(event_exit, notes)}},
};

static const struct {
	const char *name, *text;
} flags[EVENT_FLAG_BITS] = {
	{"exe_cut", "exe: path cut"},
	{"cwd_cut", "cwd: path cut"},
	{"argv_cut", "argv: cut at " STRINGIFY(ARGV_MAX_BYTES) " bytes"},
	{"env_cut", "env: cut at " STRINGIFY(ENV_MAX_BYTES) " bytes"},
	{"cgroup_cut", "cgroup: path cut"},
	{"argv_fault", "argv: could not be read"},
	{"env_fault", "env: could not be read"},
	{"requested_cut", "exe.requested: cut"},
	{"object_cut", "objects: a path was cut"},
	{"objects_limit", "objects: more than " STRINGIFY(OBJECTS_MAX)},
	{"object_fault", "objects: one could not be read"},
	{"usage_partial", "usage: not of all threads"},
	{"objects_unseen", "objects: of a 32-bit program, which this hook does not see"},
	{"objects_fault", "objects: could not be read"},
};

struct other {
	size_t offset; /* of the span that it takes the place of */
	struct bytes text;
};

static struct bytes span_text(const struct event_exec *e, size_t offset, const struct other *others,
			      size_t count)
{
	struct span span;

	for (size_t i = 0; i < count; i++)
		if (others[i].offset == offset)
			return others[i].text;
	memcpy(&span, (const char *)e + offset, sizeof(span));
	return event_bytes(&e->head, span);
}

static struct event_exec *exec_with(const struct event_exec *e, const struct other *others,
				    size_t count)
{
	const struct kind *kind = &kinds[EVENT_EXEC];
	size_t room = e->head.size + 8 * ARRAY_SIZE(kind->spans);
	struct event_exec *copy;
	uint32_t off = sizeof(*e);
	char *bytes;

	for (size_t i = 0; i < count; i++)
		room += others[i].text.len;
	copy = malloc(room);
	bytes = (char *)copy;
	if (!copy)
		return NULL;
	memset(copy, 0, room);
	*copy = *e;
	for (const uint16_t *at = kind->spans; *at; at++) {
		struct bytes part = span_text(e, *at, others, count);
		struct span span;

		if (part.len > room - off)
			break; /* spans that overlap, of a journal that was tampered with */
		memcpy(bytes + off, part.data, part.len);
		span = (struct span){off, part.len};
		memcpy(bytes + *at, &span, sizeof(span));
		off += (part.len + 7) & ~7U;
	}
	copy->head.size = off;
	if (off > EVENT_MAX_BYTES ||
	    event_check((struct bytes){bytes, off}, &(const struct event *){0})) {
		free(copy);
		return NULL;
	}
	return copy;
}

struct event_exec *event_exec_renamed(const struct event_exec *e, struct bytes exe)
{
	const struct other other = {offsetof(struct event_exec, exe), exe};

	return exec_with(e, &other, 1);
}

struct event_exec *event_exec_filled(const struct event_exec *e, struct bytes argv,
				     struct bytes env)
{
	const struct other others[] = {{offsetof(struct event_exec, argv), argv},
				       {offsetof(struct event_exec, env), env}};

	return exec_with(e, others, ARRAY_SIZE(others));
}

const char *event_kind_name(uint32_t kind)
{
	return kind < EVENT_KINDS && kinds[kind].name ? kinds[kind].name : "unknown";
}

const char *event_flag_text(unsigned int bit)
{
	return bit < EVENT_FLAG_BITS ? flags[bit].text : NULL;
}

const char *event_flag_name(unsigned int bit)
{
	return bit < EVENT_FLAG_BITS ? flags[bit].name : NULL;
}

/* argv behind all others, env behind argv, where they are there at all. */
static bool exec_is_in_order(const struct event_exec *e)
{
	const struct span others[] = {e->exe, e->requested, e->interp,
				      e->cwd, e->cgroup,    e->cgroup_v1};

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		uint32_t end = others[i].off + others[i].len;

		if (others[i].len &&
		    ((e->argv.len && end > e->argv.off) || (e->env.len && end > e->env.off)))
			return false;
	}
	return !e->argv.len || !e->env.len || e->argv.off + e->argv.len <= e->env.off;
}

int event_check(struct bytes data, const struct event **ret)
{
	const struct event *event = (const void *)data.data;
	const struct kind *kind;

	if (data.len < sizeof(*event) || (uintptr_t)data.data % 8)
		return -EINVAL;
	if (event->kind >= EVENT_KINDS || !kinds[event->kind].name || event->size > data.len)
		return -EINVAL;
	kind = &kinds[event->kind];
	if (event->size < kind->size)
		return -EINVAL;
	for (const uint16_t *at = kind->spans; *at; at++) {
		struct span span;

		memcpy(&span, data.data + *at, sizeof(span));
		if (span.off > event->size || span.len > event->size - span.off)
			return -EINVAL;
	}
	if (kind->file) {
		const struct event_file *file = (const void *)(data.data + kind->file);

		if (!memchr(file->fstype, '\0', sizeof(file->fstype)))
			return -EINVAL;
	}
	if (event->kind == EVENT_EXEC && !exec_is_in_order((const void *)event))
		return -EINVAL;
	*ret = event;
	return 0;
}

void usage_fold(struct event_usage *sum, const struct event_usage *more)
{
	sum->user_ns += more->user_ns;
	sum->system_ns += more->system_ns;
	sum->runtime_ns += more->runtime_ns;
	sum->read_bytes += more->read_bytes;
	sum->write_bytes += more->write_bytes;
	sum->minor_faults += more->minor_faults;
	sum->major_faults += more->major_faults;
	sum->max_rss = MAX(sum->max_rss, more->max_rss);
}
