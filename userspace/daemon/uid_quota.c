/* SPDX-License-Identifier: BSD-2-Clause */
/* Open addressing with a short probe; an entry whose window is over may be anybody's. */
#include "uid_quota.h"

#define PROBES 8

struct window {
	bool in_use;
	uid_t uid;
	uint64_t start_ns, messages, bytes;
};

struct uid_quota {
	struct uid_quota_limits limits;
	struct window windows[UID_QUOTA_USERS];
	struct window shared; /* of those that found no place */
};

struct uid_quota *uid_quota_new(const struct uid_quota_limits *limits)
{
	struct uid_quota *quota = calloc(1, sizeof(*quota));

	if (quota)
		quota->limits = *limits;
	return quota;
}

void uid_quota_free(struct uid_quota *quota)
{
	free(quota);
}

static bool is_over(const struct uid_quota *quota, const struct window *window, uint64_t now_ns)
{
	return now_ns - window->start_ns >= quota->limits.window_ns;
}

static struct window *find_window(struct uid_quota *quota, uid_t uid, uint64_t now_ns)
{
	struct window *free_one = NULL;
	size_t start = (size_t)uid * 2654435761u >> 7;

	for (size_t i = 0; i < PROBES; i++) {
		struct window *window = &quota->windows[(start + i) % UID_QUOTA_USERS];

		if (window->in_use && window->uid == uid)
			return window;
		if (!free_one && (!window->in_use || is_over(quota, window, now_ns)))
			free_one = window;
	}
	if (!free_one)
		return &quota->shared;
	*free_one = (struct window){.in_use = true, .uid = uid, .start_ns = now_ns};
	return free_one;
}

bool uid_quota_take(struct uid_quota *quota, uid_t uid, size_t bytes, uint64_t now_ns)
{
	struct window *window = find_window(quota, uid, now_ns);

	if (is_over(quota, window, now_ns)) {
		window->start_ns = now_ns;
		window->messages = window->bytes = 0;
	}
	if (window->messages >= quota->limits.messages ||
	    bytes > quota->limits.bytes - window->bytes)
		return false;
	window->messages++;
	window->bytes += bytes;
	return true;
}
