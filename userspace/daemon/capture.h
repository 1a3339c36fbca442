/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel side as the daemon sees it: loaded, attached and pinned, so that it goes on when the
 * daemon doesn't; found again at the next start. The pin folder (0700, root's) holds the maps
 * "ring", "counters", "control" and one link a hook under its program's name.
 */
#pragma once

#include "daemon/event.h"
#include "daemon/hooks.h"

struct capture;

struct capture_options {
	const char *pin;
	uint32_t ring_mib;
	const struct hook *forced[HOOK_FACTS]; /* NULL: the first rung that works */
};

struct capture_totals { /* of all CPUs, since the capture began */
	struct counters sum;
	uint64_t missed_runs; /* programs that the kernel did not run since they were running on
				 that CPU */
};

/*
 * Called for each event, in ring order. A negative value stops the drain after this event, which
 * counts as taken.
 */
typedef int (*capture_sink)(void *arg, const struct event *event);

/*
 * Takes over what is pinned, if it is this program's own, else loads and attaches anew.
 * *ret_message, on failure, is what is wrong and the way out in one sentence (freed by the caller;
 * may be NULL).
 */
int capture_new(const struct capture_options *options, struct capture **ret, char **ret_message);
/* Lets go; what is pinned goes on. */
void capture_free(struct capture *capture);

/* A hash of the BPF object: what events and pins belong to. Never 0. */
uint64_t capture_layout(void);

/* Detaches and removes everything below the pin folder. 0, -ENOENT if nothing was
 * pinned, -EBUSY if a daemon uses it. */
int capture_unload(const char *pin);

/* Bytes of events in the ring of another version, which was replaced: they are lost. */
uint64_t capture_left_behind(const struct capture *capture);
/* True if the events of before this start are still in the ring. */
bool capture_is_reused(const struct capture *capture);
const struct hook *capture_hook(const struct capture *capture, enum hook_fact fact);

/* Readable when much waits. */
int capture_fd(const struct capture *capture);
/* Takes what waits. Number of events taken, or what the sink returned. Also tells the kernel side
 * that somebody drains. */
int capture_drain(struct capture *capture, capture_sink sink, void *arg);
/* CLOCK_BOOTTIME since when capture has gone on without a break, over restarts. */
uint64_t capture_began(const struct capture *capture);
int capture_totals(const struct capture *capture, struct capture_totals *ret);
/* Bytes that wait, and bytes there are. */
void capture_ring(const struct capture *capture, uint64_t *ret_used, uint64_t *ret_size);

/* Every process that runs now: *ret is freed by the caller. Number, or negative errno. */
ssize_t capture_scan(struct capture *capture, struct event_task **ret);
