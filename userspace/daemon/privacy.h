/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is kept of a user's words ([privacy] of runmark.conf(5)), decided before anything is
 * journaled: the environment by its allow-list, the arguments without their secrets, or not at all;
 * and nothing of a program whose user has opted out.
 */
#pragma once

#include "bpf/event.h"
#include "common/config.h"
#include <cjson/cJSON.h>

struct privacy;

int privacy_new(const struct config *config, struct privacy **ret);
void privacy_free(struct privacy *privacy);

/* True if the environment, strings with NULs between them, opts out, and the site allows it. */
bool privacy_opts_out(const struct privacy *privacy, struct bytes env);

/* A copy of e at out (EVENT_MAX_BYTES) with what is kept of its environment and arguments. Traits
 * say what was done to the latter. The same again changes nothing. */
void privacy_exec(struct privacy *privacy, const struct event_exec *e, struct event_exec *out);
/* A copy with nothing of the program: ids and times, which the table of processes needs. */
void privacy_blank_exec(const struct event_exec *e, struct event_exec *out);
void privacy_blank_exit(const struct event_exit *e, struct event_exit *out);

/* A link record's command lines, each named in its "incomplete" if it is not what it was. */
bool privacy_link(struct privacy *privacy, cJSON *record);
