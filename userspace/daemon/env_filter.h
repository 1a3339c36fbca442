/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The environment's allow-list, made fast: it is asked for every variable of every program on the
 * thread that drains. Plain names are looked up, "NAME*" compared as prefixes, and only other globs
 * matched as such.
 */
#pragma once

#include "bpf/event.h"
#include "common/config.h"
#include "daemon/event.h"

struct env_filter;

int env_filter_new(const struct config_list *allow, struct env_filter **ret);
void env_filter_free(struct env_filter *filter);

/* entry: "NAME=value" of len bytes. Without a "=" it is no variable, and never allowed. */
bool env_filter_allows(const struct env_filter *filter, struct bytes entry);

/* What is allowed of env, strings with NULs between them, to out, which has room for all of it. */
size_t env_filter_copy(const struct env_filter *filter, struct bytes env, char *out);

/* A copy of e at out (EVENT_MAX_BYTES) with only what is allowed left of its environment. */
void env_filter_event(const struct env_filter *filter, const struct event_exec *e,
		      struct event_exec *out);
