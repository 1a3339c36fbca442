/* SPDX-License-Identifier: BSD-2-Clause */
/* The kinds of values that options take. */
#include "cli/command.h"
#include "cli/when.h"
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <time.h>
#include <uuid/uuid.h>

static int parse_flag(const char *text, void *field)
{
	(void)text;
	*(bool *)field = true;
	return 0;
}

static int parse_text(const char *text, void *field)
{
	if (!*text)
		return -EINVAL;
	*(const char **)field = text;
	return 0;
}

static int parse_count(const char *text, void *field)
{
	unsigned long long value;
	char *end;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || *end || value > INT64_MAX)
		return -EINVAL;
	*(uint64_t *)field = value;
	return 0;
}

static int parse_when(const char *text, void *field)
{
	struct timespec now;
	uint64_t ns;
	int r;

	clock_gettime(CLOCK_REALTIME, &now);
	r = when_parse(text, (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec, &ns);
	if (r < 0)
		return -EINVAL;
	*(uint64_t *)field = ns;
	return 0;
}

static int parse_uuid(const char *text, void *field)
{
	uuid_t uuid;

	if (uuid_parse(text, uuid) < 0)
		return -EINVAL;
	*(const char **)field = text;
	return 0;
}

static int parse_signal(const char *text, void *field)
{
	uint64_t number;

	if (!parse_count(text, &number)) {
		if (number < 1 || number > (uint64_t)SIGRTMAX)
			return -EINVAL;
		*(int *)field = (int)number;
		return 0;
	}
	if (!strncasecmp(text, "SIG", 3))
		text += 3;
	for (int i = 1; i < NSIG; i++) {
		const char *name = sigabbrev_np(i);

		if (name && !strcasecmp(name, text)) {
			*(int *)field = i;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_source(const char *text, void *field)
{
	static const char *const sources[] = {"bpf", "preload", "xalt"};

	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		if (!strcmp(text, sources[i])) {
			*(const char **)field = sources[i];
			return 0;
		}
	}
	return -EINVAL;
}

const struct option_type option_flag = {NULL, parse_flag};
const struct option_type option_text = {"a text that isn't empty", parse_text};
const struct option_type option_count = {"a whole number", parse_count};
const struct option_type option_when = {
	"a time (2026-11-21T09:52:21Z, 2026-11-21 09:52, today, yesterday, 2h, \"3 days ago\")",
	parse_when};
const struct option_type option_uuid = {"a UUID", parse_uuid};
const struct option_type option_source = {"bpf, preload or xalt", parse_source};
const struct option_type option_signal = {"a signal (KILL, SIGKILL, 9)", parse_signal};
