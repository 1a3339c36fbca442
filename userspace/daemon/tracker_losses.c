// SPDX-License-Identifier: BSD-2-Clause
/* What was lost, by cause, from whoever counts it. */
#include "daemon/tracker_state.h"

void tracker_losses(struct tracker *t, const struct capture_totals *totals,
		    const struct writer_status *writer, struct losses *ret)
{
	const struct counters *now = &totals->sum, *told = &t->told.sum;
	struct facts_counts facts;
	struct live_counts live;

	facts_counts(t->facts, &facts);
	live_counts(t->live, &live);
	ret->count[LOSS_RING_FULL_EXEC] = now->ring_full[EVENT_EXEC] - told->ring_full[EVENT_EXEC];
	ret->count[LOSS_RING_FULL_FORK] = now->ring_full[EVENT_FORK] - told->ring_full[EVENT_FORK];
	ret->count[LOSS_RING_FULL_MMAP] = now->ring_full[EVENT_MMAP] - told->ring_full[EVENT_MMAP];
	ret->count[LOSS_RING_FULL_EXIT] = now->ring_full[EVENT_EXIT] - told->ring_full[EVENT_EXIT];
	ret->count[LOSS_NOT_WATCHED] = 0;
	for (uint32_t kind = 0; kind < EVENT_KINDS; kind++)
		ret->count[LOSS_NOT_WATCHED] += now->not_watched[kind] - told->not_watched[kind];
	ret->count[LOSS_PROGRAM_MISSED] = totals->missed_runs - t->told.missed_runs;
	ret->count[LOSS_NO_STATE] = now->no_state - told->no_state;
	ret->count[LOSS_UPGRADE_UNREAD] = journal_unread(t->journal) + totals->unread;
	ret->count[LOSS_LIVE_FULL] = live.full;
	ret->count[LOSS_LIVE_TRIMMED] = live.trimmed;
	ret->count[LOSS_EXEC_UNSEEN] = live.unseen_execs;
	ret->count[LOSS_END_UNSEEN] = live.unseen_ends;
	ret->count[LOSS_LOOKUP_FULL] = facts.queue_full;
	ret->count[LOSS_LOOKUP_LATE] = facts.given_up;
	ret->count[LOSS_LOOKUP_STUCK] = facts.silent;
	ret->count[LOSS_SPOOL_QUOTA] = writer->dropped;
	ret->count[LOSS_SPOOL_EXPIRED] = writer->expired;
	ret->count[LOSS_RECORD_FAILED] = writer->failed;
	ret->count[LOSS_LINK_MISSING] = link_runs_missing(t->link_runs, node_boot_ns());
}
