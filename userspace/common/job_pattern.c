// SPDX-License-Identifier: BSD-2-Clause
/* Fields know their own length; all else is compared as it stands. */
#include "common/job_pattern.h"
#include "common/job.h"

#include <ctype.h>

#define HEX_LEN	       64
#define UUID_LEN       36
#define SYSTEM_UID_MAX 999

static struct bytes skip(struct bytes text, size_t len)
{
	if (!len) /* of nothing at all, too */
		return text;
	return (struct bytes){text.data + len, text.len - len};
}

/* Characters at the start of text that is_one() accepts; 0 if these don't fit. */
static size_t length_of(struct bytes text, int (*is_one)(int c))
{
	size_t len = 0;

	while (len < text.len && is_one((unsigned char)text.data[len]))
		len++;
	return len < JOB_TEXT_MAX ? len : 0;
}

size_t job_digits_length(struct bytes text)
{
	return length_of(text, isdigit);
}

/* "0", "batch", "extern", "interactive", "TBD", with "+1" for a component of a het job. */
static size_t step_length(struct bytes text)
{
	size_t len = job_digits_length(text);

	if (!len)
		len = length_of(text, isalpha);
	if (len && len < text.len && text.data[len] == '+') {
		size_t more = job_digits_length(skip(text, len + 1));

		len = more ? len + 1 + more : 0;
	}
	return len < JOB_TEXT_MAX ? len : 0;
}

static size_t sluid_length(struct bytes text)
{
	struct bytes sluid = {text.data, MIN(text.len, (size_t)JOB_SLUID_LEN)};

	return job_sluid_parse(sluid, &(struct job_sluid){}) ? JOB_SLUID_LEN : 0;
}

static bool is_hex(char c)
{
	return isxdigit((unsigned char)c) && !isupper((unsigned char)c);
}

static size_t hex_length(struct bytes text)
{
	size_t len = 0;

	while (len < text.len && len < HEX_LEN && is_hex(text.data[len]))
		len++;
	return len == HEX_LEN ? len : 0;
}

/* systemd's names have _ for -. */
static size_t pod_length(struct bytes text)
{
	size_t len = 0;

	for (; len < text.len && len < UUID_LEN; len++) {
		bool is_dash = len == 8 || len == 13 || len == 18 || len == 23;
		char c = text.data[len];

		if (is_dash ? c != '-' && c != '_' : !is_hex(c))
			break;
	}
	/* a pod of a file on the node has a hash as its name */
	if (len == UUID_LEN)
		return len;
	for (len = 0; len < text.len && len < 32 && is_hex(text.data[len]);)
		len++;
	return len == 32 ? len : 0;
}

static size_t base58_length(struct bytes text)
{
	size_t len = length_of(text, isalnum);

	return len > 1 && text.data[0] == 'f' ? len : 0;
}

static int is_slot(int c)
{
	return isalnum(c) || c == '_' || c == '.' || c == '-' || c == '@';
}

static size_t slot_length(struct bytes text)
{
	return text.len > 4 && !memcmp(text.data, "slot", 4) ? length_of(text, is_slot) : 0;
}

static size_t system_uid_length(struct bytes text)
{
	size_t len = job_digits_length(text), uid = 0;

	for (size_t i = 0; i < len; i++)
		uid = MIN(uid * 10 + (size_t)(text.data[i] - '0'), SYSTEM_UID_MAX + 1UL);
	return uid <= SYSTEM_UID_MAX ? len : 0;
}

/* "12", or "12[3]" also as systemd writes it; the element is kept apart. */
static size_t array_length(struct bytes text, struct job_capture *capture)
{
	static const char *const brackets[][2] = {{"[", "]"}, {"\\x5b", "\\x5d"}};
	size_t len = job_digits_length(text);

	for (size_t i = 0; len && i < ARRAY_SIZE(brackets); i++) {
		const char *open = brackets[i][0], *close = brackets[i][1];
		struct bytes rest = skip(text, len), task;

		if (rest.len < strlen(open) || memcmp(rest.data, open, strlen(open)))
			continue;
		rest = skip(rest, strlen(open));
		task = (struct bytes){rest.data, job_digits_length(rest)};
		rest = skip(rest, task.len);
		if (!task.len || rest.len < strlen(close) ||
		    memcmp(rest.data, close, strlen(close)))
			continue;
		capture->id = (struct bytes){text.data, len};
		capture->array_task = task;
		return rest.data + strlen(close) - text.data;
	}
	capture->id = (struct bytes){text.data, len};
	return len;
}

/* The field that %letter reads: its length at the start of text; it is kept. */
static size_t read_field(char letter, struct bytes text, struct job_capture *capture)
{
	static const struct {
		char letter;
		size_t (*length)(struct bytes text);
		ptrdiff_t offset; /* in struct job_capture; -1: not kept */
	} fields[] = {
		{'i', job_digits_length, offsetof(struct job_capture, id)},
		{'f', base58_length, offsetof(struct job_capture, id)},
		{'k', pod_length, offsetof(struct job_capture, id)},
		{'n', slot_length, offsetof(struct job_capture, id)},
		{'l', sluid_length, offsetof(struct job_capture, sluid)},
		{'s', step_length, offsetof(struct job_capture, step)},
		{'t', job_digits_length, offsetof(struct job_capture, task)},
		{'h', hex_length, offsetof(struct job_capture, container)},
		{'c', job_digits_length, offsetof(struct job_capture, container)},
		{'y', system_uid_length, -1},
		{'u', job_digits_length, -1},
	};

	if (letter == 'a')
		return array_length(text, capture);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		struct bytes kept = {text.data, 0};

		if (fields[i].letter != letter)
			continue;
		kept.len = fields[i].length(text);
		if (fields[i].offset >= 0)
			memcpy((char *)capture + fields[i].offset, &kept, sizeof(kept));
		return kept.len;
	}
	return 0;
}

/* Does component match pattern, of which len characters count? */
static bool match_component(const char *pattern, size_t len, struct bytes component,
			    struct job_capture *capture)
{
	for (; len; pattern++, len--) {
		if (*pattern == '*') {
			struct job_capture before = *capture;

			for (size_t i = 1; i <= component.len; i++) {
				*capture = before;
				if (match_component(pattern + 1, len - 1, skip(component, i),
						    capture))
					return true;
			}
			return false;
		}
		if (*pattern == '%') {
			size_t field = read_field(pattern[1], component, capture);

			if (!field)
				return false;
			component = skip(component, field);
			pattern++;
			len--;
			continue;
		}
		if (!component.len || *component.data != *pattern)
			return false;
		component = skip(component, 1);
	}
	return !component.len;
}

struct bytes job_take_component(struct bytes *path)
{
	struct bytes component;
	size_t len = 0;

	while (path->len && *path->data == '/')
		*path = skip(*path, 1);
	while (len < path->len && path->data[len] != '/')
		len++;
	component = (struct bytes){path->data, len};
	*path = skip(*path, len);
	return component;
}

bool job_match_one(const char *pattern, struct bytes *path, struct job_capture *capture)
{
	while (*pattern && *pattern != '|') {
		struct bytes rest = *path, component = job_take_component(&rest);
		struct job_capture with = *capture;
		size_t len = strcspn(pattern, "/|");

		if (!component.len || !match_component(pattern, len, component, &with))
			return false;
		*capture = with;
		*path = rest;
		pattern += len;
		pattern += *pattern == '/';
	}
	return true;
}

bool job_match(const char *patterns, struct bytes *path, struct job_capture *capture)
{
	while (true) {
		struct job_capture with = *capture;
		struct bytes rest = *path;

		if (job_match_one(patterns, &rest, &with)) {
			*capture = with;
			*path = rest;
			return true;
		}
		patterns = strchr(patterns, '|');
		if (!patterns)
			return false;
		patterns++;
	}
}
