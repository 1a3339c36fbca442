/* SPDX-License-Identifier: BSD-2-Clause */
/* The tracker's insides, which tracker.c (in and out), tracker_journal.c (to the journal and back)
 * and tracker_links.c share. */
#pragma once

#include "daemon/group.h"
#include "daemon/journal.h"
#include "daemon/link_runs.h"
#include "daemon/privacy.h"
#include "daemon/rules.h"
#include "daemon/spool.h"
#include "daemon/tracker.h"

#define CPUS_MAX     4096
#define CLOCK_OFF_NS NS_PER_MS /* what the wall clock may be off */

struct link {		    /* a link record on its way */
	struct live_key id; /* a link's id, in what an image's key takes */
	cJSON *record;
	struct fact *user;
	uint64_t deadline_ns;
	uint32_t pid; /* of its sender, whose job is waited for; 0: no more */
	uint64_t job_deadline_ns;
	bool is_writing;
	TAILQ_ENTRY(link) link;
};

TAILQ_HEAD(link_list, link);

struct tracker {
	const struct config *config;
	const struct node *node;
	struct writer *writer;
	struct facts *facts;
	struct live *live;
	struct journal *journal;
	struct privacy *privacy;
	struct rules *rules;
	struct subject subject;	 /* of the exec at hand */
	struct event_task below; /* pid 0: every process is tracked */
	struct image_list waiting, writing;
	struct link_list links;
	struct link_runs *link_runs;
	struct groups *groups; /* open */
	struct group_list ended_groups, writing_groups;
	struct image_list starting, writing_starts; /* snapshots */
	uint32_t starts;			    /* of these */
	uint64_t starts_due_ns;			    /* when long runs are looked for again */
	struct tracker_counts counts;
	int64_t clock_ns; /* CLOCK_REALTIME - CLOCK_BOOTTIME, as runs' times are told by */
	bool clock_is_journaled;
	/* the kernel side's totals: on record when we began, by now, and with the writer */
	struct capture_totals told, reported, reporting;
	bool has_opted_out;	 /* some program has: events may have to be blanked */
	uint64_t blank_due_ns;	 /* the journal may still hold mappings of one, 0: none */
	uint64_t restart_due_ns; /* of the journal, not before */
	void *written;		 /* ids of runs and links in files that were mended, tsearch */
	uint64_t sequences[CPUS_MAX];
	_Alignas(8) char filtered[EVENT_MAX_BYTES];
};

/* What the journal tells at the start. arg: the tracker. */
void tracker_replay(void *arg, uint32_t kind, struct bytes data);
/* Follows the wall clock. How it goes stands in the journal, so that a run has the same start
 * whoever tells it, and changes only where it is off: two clocks are never read at the same time.
 */
void tracker_follow_clock(struct tracker *tracker);
/* Starts the journal anew with all that is of use. If that fails (no room in /run), the old one
 * goes on. */
int tracker_restart_journal(struct tracker *tracker);
/* Does that when it pays, or must be. */
void tracker_keep_journal_short(struct tracker *tracker, uint64_t now_ns);
int tracker_journal_link(struct tracker *tracker, const struct link *link);

/* An image that has ended may be a linker. */
void tracker_link_run(struct tracker *tracker, const struct image *image, uint64_t now_ns);
/* Takes the record over. NULL if it has no id of its own, or memory ran out. */
struct link *tracker_add_link(struct tracker *tracker, cJSON *record, uint32_t uid);
void tracker_free_link(struct tracker *tracker, struct link *link);
/* Hands links whose user is known, or has been waited for, to the writer. */
void tracker_advance_links(struct tracker *tracker, uint64_t now_ns);

/* Writes to t->filtered what is kept of an exec: judged by the rules, its environment filtered. */
void tracker_judge(struct tracker *tracker, const struct event_exec *exec);
/* What is kept of another event: less of one whose user has opted out, or NULL. */
const struct event *tracker_blank(struct tracker *tracker, const struct event *event);
/* At the start, for a moment: names that rules ask for are known before the first exec. */
void tracker_wait_for_names(struct tracker *tracker);

/* True if a file that was mended has the record of that id. */
bool tracker_was_written(const struct tracker *tracker, const uuid_t id);
/* True when all facts of the image are final: known, or given up at the deadline. */
bool tracker_image_settle(struct tracker *tracker, struct image *image, uint64_t deadline_ns,
			  uint64_t now_ns);

/* Announces runs that last. */
void tracker_advance_starts(struct tracker *tracker, uint64_t now_ns);
void tracker_start_is_written(struct tracker *tracker, struct image *snapshot);
void tracker_replay_announced(struct tracker *tracker, const struct live_key *key);
/* Runs whose start record is in a file that was mended are announced. */
void tracker_starts_written(struct tracker *tracker);
void tracker_starts_free(struct tracker *tracker);

/* Takes a finished image with its facts over if it is one for a group. */
bool tracker_absorb(struct tracker *tracker, struct image *image, uint64_t now_ns);
/* Hands groups that have ended to the writer. */
void tracker_advance_groups(struct tracker *tracker, uint64_t now_ns);
void tracker_group_is_written(struct tracker *tracker, struct group *group);
/* The journal: everything as entries, and back. */
int tracker_save_groups(const struct tracker *tracker, struct live_saver *saver);
void tracker_replay_member(struct tracker *tracker, const struct group_member *entry);
void tracker_replay_group(struct tracker *tracker, const struct group_state *state);
/* False if it is no group's first member. */
bool tracker_replay_group_done(struct tracker *tracker, const struct live_key *first);
/* Groups whose record is in a file that was mended are done. */
void tracker_groups_written(struct tracker *tracker);
void tracker_groups_free(struct tracker *tracker);

static inline bool fact_is_open(const struct fact *fact)
{
	return fact && fact->state == FACT_ASKED;
}
