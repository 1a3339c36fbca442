/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The way of an event through the daemon:
 *
 *	ring → (seen before? environment filtered) → journal → live table → finished image
 *	     → waits for facts → (group →) writer → in the spool → journal: done
 *
 * All on the daemon's one thread but the last two. Whatever is between journal and "done" when the
 *daemon is killed is told again at the next start, and written once: what the spool already has is
 *known by its run id.
 */
#pragma once

#include "common/config.h"
#include "daemon/capture.h"
#include "daemon/losses.h"
#include "daemon/node.h"
#include "daemon/writer.h"

struct tracker;

struct tracker_counts {
	struct live_counts live;
	uint32_t waiting;  /* finished images that wait for facts */
	uint32_t stuck;	   /* lookups that hang */
	uint32_t writing;  /* images, groups and links that the writer has */
	uint32_t groups;   /* open: with one member or more */
	uint64_t grouped;  /* runs that are told of in groups */
	uint64_t doubled;  /* events that came twice, dropped */
	uint64_t replayed; /* journal entries told again at the start */
	/* runs that are not recorded, by why */
	uint64_t out_of_scope; /* outside of jobs, where only those of jobs are wanted */
	uint64_t ignored;      /* by a rule */
	uint64_t opted_out;    /* by their users */
	uint64_t journal_used, journal_max;
	int journal_grow_error; /* why its file system has no room for it, or 0 */
};

/* Replays the journal, then mends the spool. */
int tracker_new(const struct config *config, const struct node *node, struct writer *writer,
		struct tracker **ret);
void tracker_free(struct tracker *tracker);

/* What the kernel side can leave out by the rules. Number of them. */
size_t tracker_kernel_rules(const struct tracker *tracker,
			    struct kernel_rule ret[KERNEL_RULES_MAX]);

/* The capture began anew: sequence numbers start from 1 again. */
void tracker_capture_is_fresh(struct tracker *tracker);

/* From here on only what this process executes and what descends from it is recorded; the rest is
 * out of scope. */
void tracker_set_below(struct tracker *tracker, const struct event_task *task);

/* Takes an event; the sink of capture_drain(). -ENOSPC: no room for another one before something is
 * written. */
int tracker_event(void *tracker, const struct event *event);
/* The same for what the scan of /proc made up. */
void tracker_scanned(struct tracker *tracker, const struct event *event);
/* The same for what is made of a preload module's message (daemon/preload.h). */
void tracker_told(struct tracker *tracker, const struct event *event);
/* A link record, complete but for seq and user, taken over. */
void tracker_link(struct tracker *tracker, cJSON *record, uint32_t uid);

/* Hands on what is ready, takes back what is written. Called at each turn of the loop. *ret_lines:
 * for who watches, freed by the caller. */
void tracker_advance(struct tracker *tracker, char **ret_lines);
/* Ends groups before their time, once all that has ended is in one or with the writer. Returns
 * tracker_is_idle(). */
bool tracker_end_groups(struct tracker *tracker);
/* Announces all that runs, however young. True once all of these records are written. */
bool tracker_announce_all(struct tracker *tracker);
/* True if nothing that has ended is unwritten, held back for a group or in one. */
bool tracker_is_idle(const struct tracker *tracker);
/* False if the journal has no room for another event. */
bool tracker_has_room(const struct tracker *tracker);

/* Which rule takes what, a pid or an absolute path, and why: an answer for the control socket,
 * freed by the caller. */
cJSON *tracker_explain(struct tracker *tracker, const char *what);

struct live *tracker_live(struct tracker *tracker);
struct facts *tracker_facts(struct tracker *tracker);
int tracker_facts_fd(const struct tracker *tracker);
void tracker_counts(const struct tracker *tracker, struct tracker_counts *ret);

/* What the kernel side has lost before is on record so far: counts begin there. */
void tracker_set_told(struct tracker *tracker, const struct capture_totals *told);
/* Writes a node record (taken over), which tells of these totals; and those of the last record that
 * is on disk. */
void tracker_report(struct tracker *tracker, cJSON *record, const struct capture_totals *totals);
const struct capture_totals *tracker_reported(const struct tracker *tracker);
/* Adds up what was lost, from the kernel's totals and from here. */
void tracker_losses(struct tracker *tracker, const struct capture_totals *totals,
		    const struct writer_status *writer, struct losses *ret);
