// SPDX-License-Identifier: BSD-2-Clause
/* The tracker's journal: what each kind of entry means when it is read back, and what a new one
 * begins with. */
#include "common/record.h"
#include "daemon/tracker_state.h"

#include <errno.h>

#define RESTART_AGAIN_NS (250 * NS_PER_MS) /* when it was no use */

static void replay_link(struct tracker *t, struct bytes text)
{
	cJSON *record;
	uint64_t uid = (uint32_t)-1;

	if (record_parse(text, &record))
		return;
	record_get_u64(record, "uid", &uid);
	(void)tracker_add_link(t, record, uid);
}

static void replay_done(struct tracker *t, const struct live_key *key)
{
	struct image *image;
	struct link *link;

	image = live_take(t->live, key);
	image_free(t->facts, image);
	if (image || tracker_replay_group_done(t, key))
		return;
	TAILQ_FOREACH (link, &t->links, link) {
		if (memcmp(&link->id, key, sizeof(*key)))
			continue;
		tracker_free_link(t, link);
		return;
	}
}

/* An exec that an earlier version, or another configuration, has journaled with more than is kept
 * now, loses that. */
static void replay_event(struct tracker *t, const struct event *event)
{
	const struct event_exec *exec = (const void *)event;

	if (event->kind == EVENT_EXEC && verdict_is_recorded(exec_verdict(exec))) {
		privacy_exec(t->privacy, exec, (void *)t->filtered);
		event = (const void *)t->filtered;
		if ((event->traits ^ exec->head.traits) &
		    (TRAIT_ARGV_SCRUBBED | TRAIT_ARGV_DROPPED))
			t->blank_due_ns = 1; /* at once */
	} else if (event->kind == EVENT_EXEC) {
		t->has_opted_out |= exec_verdict(exec) == VERDICT_OPTED_OUT;
	}
	live_apply(t->live, event, event->traits & TRAIT_SCANNED);
}

void tracker_replay(void *arg, uint32_t kind, struct bytes data)
{
	struct tracker *t = arg;
	const struct event *event;

	t->counts.replayed++;
	switch (kind) {
	case JOURNAL_EVENT:
		if (event_check(data, &event))
			return;
		if (event->seq && event->cpu < CPUS_MAX)
			t->sequences[event->cpu] = event->seq;
		replay_event(t, event);
		break;
	case JOURNAL_LINK:
		replay_link(t, data);
		break;
	case JOURNAL_DONE:
		if (data.len == sizeof(struct live_key))
			replay_done(t, (const void *)data.data);
		break;
	case JOURNAL_ANNOUNCED:
		if (data.len == sizeof(struct live_key))
			tracker_replay_announced(t, (const void *)data.data);
		break;
	case JOURNAL_MEMBER:
		if (data.len == sizeof(struct group_member))
			tracker_replay_member(t, (const void *)data.data);
		break;
	case JOURNAL_GROUP:
		if (data.len == sizeof(struct group_state))
			tracker_replay_group(t, (const void *)data.data);
		break;
	case JOURNAL_CLOCK:
		memcpy(&t->clock_ns, data.data, MIN(data.len, sizeof(t->clock_ns)));
		live_set_clock(t->live, t->clock_ns);
		break;
	case JOURNAL_SEQUENCES:
		memcpy(t->sequences, data.data, MIN(data.len, sizeof(t->sequences)));
		break;
	default:
		(void)live_restore(t->live, kind, data);
	}
}

static int journal_entry(void *arg, uint32_t kind, const void *data, size_t len)
{
	struct tracker *t = arg;

	return journal_append(t->journal, kind, data, len);
}

int tracker_journal_link(struct tracker *t, const struct link *link)
{
	_cleanup_free_ char *text = NULL;
	size_t len;

	text = record_print(link->record, &len);
	return text ? journal_append(t->journal, JOURNAL_LINK, text, len) : -ENOMEM;
}

void tracker_follow_clock(struct tracker *t)
{
	int64_t clock_ns = node_clock_ns(t->node);

	if (t->clock_is_journaled && (uint64_t)llabs(clock_ns - t->clock_ns) < CLOCK_OFF_NS)
		return;
	if (t->clock_is_journaled || !t->clock_ns)
		t->clock_ns = clock_ns;
	live_set_clock(t->live, t->clock_ns);
	t->clock_is_journaled =
		!journal_append(t->journal, JOURNAL_CLOCK, &t->clock_ns, sizeof(t->clock_ns));
}

int tracker_restart_journal(struct tracker *t)
{
	struct live_saver saver = live_saver(journal_entry, t);
	struct image *image;
	struct link *link;
	int r = journal_begin(t->journal);

	if (r)
		return r;
	r = journal_append(t->journal, JOURNAL_SEQUENCES, t->sequences, sizeof(t->sequences));
	if (!r)
		r = journal_append(t->journal, JOURNAL_CLOCK, &t->clock_ns, sizeof(t->clock_ns));
	if (!r)
		r = tracker_save_groups(t, &saver);
	TAILQ_FOREACH (image, &t->writing, flight)
		if (!r)
			r = image_save(image, &saver);
	TAILQ_FOREACH (image, &t->waiting, link)
		if (!r)
			r = image_save(image, &saver);
	if (!r)
		r = live_save(t->live, &saver);
	TAILQ_FOREACH (link, &t->links, link)
		if (!r)
			r = tracker_journal_link(t, link);
	return journal_finish(t->journal, r);
}

/* Nothing that the writer has, or will have, would make room. */
static bool nothing_is_written(struct tracker *t)
{
	return TAILQ_EMPTY(live_finished(t->live)) && TAILQ_EMPTY(&t->waiting) &&
	       TAILQ_EMPTY(&t->writing) && TAILQ_EMPTY(&t->links) &&
	       TAILQ_EMPTY(&t->writing_groups);
}

/*
 * Forks and ends fill the journal as well as what is written, so it is started anew when it has
 * grown, whatever has. When all that is of use finds no room, it is either finished images, which
 * go when the disk takes them, or the table, which was within another limit once.
 */
void tracker_keep_journal_short(struct tracker *t, uint64_t now_ns)
{
	bool is_full = !tracker_has_room(t);
	int r;

	if (now_ns < t->restart_due_ns || (!is_full && !journal_is_long(t->journal)))
		return;
	r = tracker_restart_journal(t);
	if (r == -ENOSPC && is_full && nothing_is_written(t) &&
	    !journal_grow_error(t->journal)) { /* a full disk is not the table's fault */
		live_shrink(t->live);
		r = tracker_restart_journal(t);
	}
	if (r || is_full)
		t->restart_due_ns = now_ns + RESTART_AGAIN_NS;
}
