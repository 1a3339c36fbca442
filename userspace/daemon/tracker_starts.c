// SPDX-License-Identifier: BSD-2-Clause
/*
 * Start records: a run that lasts is announced, so that it can be seen while it goes on, and leaves
 * a trace where its node crashes. What is announced is a snapshot, which the writer's thread may
 * read while the run goes on. That its record is in the spool is journaled (JOURNAL_ANNOUNCED); a
 * file that a killed daemon left open tells it too.
 */
#include "common/id.h"
#include "daemon/live_image.h"
#include "daemon/tracker_state.h"

#define LOOK_NS	   NS_PER_S
#define STARTS_MAX 256 /* snapshots at once; the others follow when these are written */

struct look {
	struct tracker *tracker;
	uint64_t begun_before_ns;
	bool is_more; /* than there is room for at once */
};

/* As it is now, for who reads it while it goes on. */
static struct image *image_snapshot(const struct image *image)
{
	struct image *copy = image_clone(image, &image->s.key, image->s.begin_ns);

	if (!copy)
		return NULL;
	copy->s = image->s;
	if (copy->exec)
		copy->exec->head = image->exec->head;
	return copy;
}

static void image_announce(void *arg, struct image *image)
{
	struct look *look = arg;
	struct tracker *t = look->tracker;
	struct image *copy;

	if (image->s.announced || image->is_announcing || !image->exec || image->s.awaits_program ||
	    image->s.begin_ns > look->begun_before_ns || !verdict_is_recorded(image_verdict(image)))
		return;
	if (t->starts >= STARTS_MAX) {
		look->is_more = true;
		return;
	}
	image_ask_missing(image, t->facts);
	copy = image_snapshot(image);
	if (!copy)
		return;
	copy->deadline_ns = node_boot_ns() + FACTS_PATIENCE_NS;
	image->is_announcing = true;
	t->starts++;
	TAILQ_INSERT_TAIL(&t->starting, copy, link);
}

static void start_free(struct tracker *t, struct image *copy)
{
	struct image *image = live_running(t->live, &copy->s.key);

	if (image)
		image->is_announcing = false;
	t->starts--;
	image_free(t->facts, copy);
}

bool tracker_announce_all(struct tracker *t)
{
	struct look look = {.tracker = t, .begun_before_ns = UINT64_MAX};

	live_each(t->live, image_announce, &look);
	return !look.is_more && !t->starts;
}

void tracker_advance_starts(struct tracker *t, uint64_t now_ns)
{
	uint64_t age_ns = t->config->start_seconds * NS_PER_S;
	struct image *copy, *next;

	if (age_ns && now_ns > age_ns && now_ns >= t->starts_due_ns) {
		struct look look = {.tracker = t, .begun_before_ns = now_ns - age_ns};

		t->starts_due_ns = now_ns + LOOK_NS;
		live_each(t->live, image_announce, &look);
	}
	for (copy = TAILQ_FIRST(&t->starting); copy; copy = next) {
		bool runs = live_running(t->live, &copy->s.key);

		next = TAILQ_NEXT(copy, link);
		if (runs && !tracker_image_settle(t, copy, copy->deadline_ns, now_ns))
			continue;
		TAILQ_REMOVE(&t->starting, copy, link);
		if (!runs) { /* its run record says more */
			start_free(t, copy);
			continue;
		}
		TAILQ_INSERT_TAIL(&t->writing_starts, copy, flight);
		t->counts.writing++;
		writer_put_start(t->writer, copy);
	}
}

static void announced(struct tracker *t, struct image *image)
{
	image->s.announced = true;
	(void)journal_append(t->journal, JOURNAL_ANNOUNCED, &image->s.key, sizeof(image->s.key));
}

void tracker_start_is_written(struct tracker *t, struct image *copy)
{
	struct image *image = live_running(t->live, &copy->s.key);

	TAILQ_REMOVE(&t->writing_starts, copy, flight);
	if (image)
		announced(t, image);
	start_free(t, copy);
}

void tracker_replay_announced(struct tracker *t, const struct live_key *key)
{
	struct image *image = live_running(t->live, key);

	if (image)
		image->s.announced = true;
}

static void image_was_announced(void *arg, struct image *image)
{
	struct tracker *t = arg;
	uuid_t run, id;

	node_run_id(t->node, &image->s.key, run);
	id_derived(run, SPOOL_START_ID, id);
	if (!image->s.announced && tracker_was_written(t, id))
		announced(t, image);
}

void tracker_starts_written(struct tracker *t)
{
	if (t->written)
		live_each(t->live, image_was_announced, t);
}

void tracker_starts_free(struct tracker *t)
{
	struct image *copy;

	while ((copy = TAILQ_FIRST(&t->starting))) {
		TAILQ_REMOVE(&t->starting, copy, link);
		image_free(t->facts, copy);
	}
	while ((copy = TAILQ_FIRST(&t->writing_starts))) {
		TAILQ_REMOVE(&t->writing_starts, copy, flight);
		image_free(t->facts, copy);
	}
}
