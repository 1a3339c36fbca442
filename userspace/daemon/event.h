/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading events: from the ring they can be trusted, from a journal file they cannot, so both go
 * through the same check before anything looks inside.
 */
#pragma once

#include "bpf/event.h"
#include "common/util.h"

/*
 * 0 if data is one whole event: a known kind, its size as it says, every span inside, argv and env
 * behind the others, its file system's name ended. -EINVAL otherwise. data must be aligned to 8.
 */
int event_check(struct bytes data, const struct event **ret);

/* The bytes of a span of a checked event. */
static inline struct bytes event_bytes(const struct event *event, struct span span)
{
	return (struct bytes){(const char *)event + span.off, span.len};
}

/* A copy of a checked event with another program path; the caller frees. NULL if memory ran out or
 * it would be too long. */
struct event_exec *event_exec_renamed(const struct event_exec *e, struct bytes exe);

/* The same with other arguments and another environment. */
struct event_exec *event_exec_filled(const struct event_exec *e, struct bytes argv,
				     struct bytes env);

/* "exec", "fork", "mmap", "exit" */
const char *event_kind_name(uint32_t kind);

/* What a flag bit means, as records say it: "argv: cut at 16384 bytes". */
const char *event_flag_text(unsigned int bit);
/* The same as a counter's name: "argv_cut". */
const char *event_flag_name(unsigned int bit);

/* Adds what a copy, or a program before, has used. */
void usage_fold(struct event_usage *sum, const struct event_usage *more);
