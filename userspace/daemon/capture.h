/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel side as the daemon sees it: loaded, attached and pinned, so that it goes on when the
 * daemon doesn't; found again at the next start. Another version, ring or hook takes over from what
 * is pinned with nothing lost or doubled.
 *
 * Where there is none (daemon/source.h), capture is NULL: all that takes one then says that nothing
 * waits, was told or is lost; capture_hook() and capture_scan() are not to be asked.
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
	uint64_t unread;      /* events that an older version left and that could not be read, by
				 this instance */
};

/*
 * Called for each event, in ring order. A negative value stops the drain after this event, which
 * counts as taken.
 */
typedef int (*capture_sink)(void *arg, const struct event *event);

/*
 * Goes on with what is pinned if it is this program's own; else loads and attaches anew, and takes
 * over from what is pinned. *ret_message, on failure, is what is wrong and the way out in one
 * sentence (freed by the caller; may be NULL).
 */
int capture_new(const struct capture_options *options, struct capture **ret, char **ret_message);
/* Lets go; what is pinned goes on. */
void capture_free(struct capture *capture);

/* Sets *ret_message, unless memory runs out. */
void capture_say(char **ret_message, const char *format, ...) PRINTF_LIKE(2, 3);

/* True if something is pinned there, as far as may be looked: it goes on, whoever drains it. */
bool capture_has_pins(const char *pin);
/* Detaches and removes everything below the pin folder. 0, -ENOENT if nothing was
 * pinned, -EBUSY if a daemon uses it. */
int capture_unload(const char *pin);

/* True if the kernel side went on while no daemon ran: nothing is missing, and the events of before
 * this start are still to be drained. */
bool capture_is_continued(const struct capture *capture);
/* The number of this kernel side: one more at each takeover. */
uint32_t capture_generation(const struct capture *capture);
const struct hook *capture_hook(const struct capture *capture, enum hook_fact fact);

/* From now on the kernel side leaves these out itself. */
void capture_set_rules(struct capture *capture, const struct kernel_rule *rules, size_t count);

/* Readable when much waits. */
int capture_fd(const struct capture *capture);
/* Takes what waits. Number of events taken, or what the sink returned. Also tells the kernel side
 * that somebody drains. */
int capture_drain(struct capture *capture, capture_sink sink, void *arg);
/* CLOCK_BOOTTIME since when capture has gone on without a break, over restarts. */
uint64_t capture_began(const struct capture *capture);
int capture_totals(const struct capture *capture, struct capture_totals *ret);
/* The totals that are on record, kept with the pins, as long as the counts themselves. */
void capture_told(const struct capture *capture, struct capture_totals *ret);
void capture_set_told(struct capture *capture, const struct capture_totals *totals);
/* A place in the stream of events: behind all that was told until now; and whether all before it
 * was drained. */
uint64_t capture_mark(const struct capture *capture);
bool capture_is_past(const struct capture *capture, uint64_t mark);
/* Bytes that wait, and bytes there are. */
void capture_ring(const struct capture *capture, uint64_t *ret_used, uint64_t *ret_size);

/* Every process that runs now: *ret is freed by the caller. Number, or negative errno. */
ssize_t capture_scan(struct capture *capture, struct event_task **ret);
