// SPDX-License-Identifier: BSD-2-Clause
/*
 * Groups on their way: finished images go in, groups that have ended come out.
 *
 * The journal has a group's first member as what it is, a finished image; JOURNAL_MEMBER says of
 * another finished image that it is in the group now, and is as good as its record. So whenever the
 * daemon is killed, the next one has the same members, once. When the journal is begun anew, the
 * sums (JOURNAL_GROUP) stand behind the first member. The group's record in the spool is told by
 * JOURNAL_DONE with the first member's key; what a killed daemon left open in the spool, by the
 * group's id.
 */
#include "daemon/group_record.h"
#include "daemon/live_image.h"
#include "daemon/tracker_state.h"

/* What open groups may take of the journal, so that there is room for all else. */
#define GROUPS_SHARE 4

/* What can't be had of these is nothing that a group tells. */
#define FLAGS_ALLOWED                                                                              \
	(EVENT_ARGV_CUT | EVENT_ARGV_FAULT | EVENT_CWD_CUT | EVENT_ENV_CUT | EVENT_ENV_FAULT)

/* A script of which it is not known which file it is equals no other. */
static bool image_has_unknown_script(const struct image *image)
{
	char room[SCRIPT_PATH_MAX];
	bool is_known;

	(void)image_script_path(image, room, &is_known);
	return !is_known;
}

/* What a module's run may lack is told of each run, and no sum of a group. */
#define TRAITS_ALONE                                                                               \
	(TRAIT_STATUS_UNKNOWN | TRAIT_USAGE_TIMES | TRAIT_OBJECTS_BEGIN | TRAIT_FOLLOWED)

static bool image_may_be_grouped(const struct tracker *t, const struct image *image)
{
	const struct live_image_state *s = &image->s;

	return image_verdict(image) == RULE_GROUP && !s->exec_unseen && s->has_usage &&
	       (s->end == END_EXIT || s->end == END_EXEC) && s->origin != ORIGIN_SCAN &&
	       !s->announced && !image->is_announcing && !s->usage_of_process && !s->copy_unseen &&
	       !s->is_trimmed && !s->lacks_objects && !(s->flags & ~FLAGS_ALLOWED) &&
	       !(s->traits & TRAITS_ALONE) && !(s->end == END_EXEC && image_is_told(image)) &&
	       s->end_ns >= s->begin_ns &&
	       s->end_ns - s->begin_ns <= t->config->group_short_seconds * NS_PER_S &&
	       !image_has_unknown_script(image);
}

static uint64_t window_end(const struct tracker *t, const struct group *group)
{
	return group->s.since_ns + t->config->group_seconds * NS_PER_S;
}

/* No more members. Its record is written when its facts are known. */
static void group_end(struct tracker *t, struct group *group)
{
	groups_take(t->groups, group);
	TAILQ_INSERT_TAIL(&t->ended_groups, group, link);
}

static void bounds_keep(struct tracker *t)
{
	size_t max = ((size_t)t->config->journal_mib << 20) / GROUPS_SHARE;

	while (groups_count(t->groups) > GROUPS_MAX || groups_cost(t->groups) > max)
		group_end(t, groups_oldest(t->groups));
}

static void open_group(struct tracker *t, struct group *group)
{
	struct group *other = groups_find(t->groups, group->s.hash);

	if (other)
		group_end(t, other);
	groups_put(t->groups, group);
}

bool tracker_absorb(struct tracker *t, struct image *image, uint64_t now_ns)
{
	struct group *group;
	struct group_member entry = {.member = image->s.key};

	if (!image_may_be_grouped(t, image))
		return false;
	group_hash(image, entry.hash);
	group = groups_find(t->groups, entry.hash);
	if (!group || now_ns >= window_end(t, group) || !group_add(group, image)) {
		group = group_new(image, entry.hash);
		if (!group)
			return false;
		open_group(t, group);
		bounds_keep(t);
		return true;
	}
	entry.first = group->s.first;
	(void)journal_append(t->journal, JOURNAL_MEMBER, &entry, sizeof(entry));
	t->counts.grouped += group->s.count == 2 ? 2 : 1;
	image_free(t->facts, image);
	return true;
}

bool tracker_end_groups(struct tracker *t)
{
	struct group *group;

	if (!TAILQ_EMPTY(live_finished(t->live)) || !TAILQ_EMPTY(&t->waiting))
		return false;
	while ((group = groups_oldest(t->groups)))
		group_end(t, group);
	return tracker_is_idle(t);
}

/* A group of one is a run like any other. */
static void group_write(struct tracker *t, struct group *group)
{
	TAILQ_REMOVE(&t->ended_groups, group, link);
	t->counts.writing++;
	if (group->s.count > 1) {
		TAILQ_INSERT_TAIL(&t->writing_groups, group, link);
		writer_put_group(t->writer, group);
		return;
	}
	TAILQ_INSERT_TAIL(&t->writing, group->first, flight);
	writer_put_image(t->writer, TAKE_PTR(group->first));
	group_free(t->facts, group);
}

void tracker_advance_groups(struct tracker *t, uint64_t now_ns)
{
	struct group *group, *next;

	while ((group = groups_oldest(t->groups)) && now_ns >= window_end(t, group))
		group_end(t, group);
	/* rather many small groups than a journal without room */
	while (!tracker_has_room(t) && (group = groups_oldest(t->groups)))
		group_end(t, group);
	for (group = TAILQ_FIRST(&t->ended_groups); group; group = next) {
		next = TAILQ_NEXT(group, link);
		if (tracker_image_settle(t, group->first, group->deadline_ns, now_ns))
			group_write(t, group);
	}
	t->counts.groups = groups_count(t->groups);
}

void tracker_groups_free(struct tracker *t)
{
	struct group *group;

	while (t->groups && (group = groups_oldest(t->groups)))
		group_end(t, group);
	TAILQ_CONCAT(&t->ended_groups, &t->writing_groups, link);
	while ((group = TAILQ_FIRST(&t->ended_groups))) {
		TAILQ_REMOVE(&t->ended_groups, group, link);
		group_free(t->facts, group);
	}
	groups_free(t->groups);
}

static void tracker_group_done(struct tracker *t, struct group *group)
{
	(void)journal_append(t->journal, JOURNAL_DONE, &group->s.first, sizeof(group->s.first));
	group_free(t->facts, group);
}

void tracker_group_is_written(struct tracker *t, struct group *group)
{
	TAILQ_REMOVE(&t->writing_groups, group, link);
	tracker_group_done(t, group);
}

/* --- the journal */

static int list_save(const struct group *group, struct live_saver *saver)
{
	int r = 0;

	for (; !r && group; group = TAILQ_NEXT(group, link)) {
		r = image_save(group->first, saver);
		if (!r && group->s.count > 1)
			r = saver->writer(saver->arg, JOURNAL_GROUP, &group->s, sizeof(group->s));
	}
	return r;
}

int tracker_save_groups(const struct tracker *t, struct live_saver *saver)
{
	int r = list_save(TAILQ_FIRST(&t->writing_groups), saver);

	if (!r)
		r = list_save(TAILQ_FIRST(&t->ended_groups), saver);
	return r ? r : list_save(groups_oldest(t->groups), saver);
}

static bool key_is_equal(const struct live_key *a, const struct live_key *b)
{
	return a->pid == b->pid && a->start_ns == b->start_ns && a->exec_id == b->exec_id;
}

/* Open or not: that of this first member. */
static struct group *group_of_first(struct tracker *t, const struct live_key *first)
{
	struct group *group;

	for (group = groups_oldest(t->groups); group; group = TAILQ_NEXT(group, link))
		if (key_is_equal(&group->s.first, first))
			return group;
	TAILQ_FOREACH (group, &t->ended_groups, link)
		if (key_is_equal(&group->s.first, first))
			return group;
	return NULL;
}

/* A finished image becomes the first of a group again. */
static struct group *group_restore(struct tracker *t, const struct live_key *first,
				   const uint64_t hash[2])
{
	struct image *image = live_take(t->live, first);
	struct group *group;

	if (!image)
		return NULL;
	group = image->exec ? group_new(image, hash) : NULL;
	if (!group) { /* a run of its own, then */
		TAILQ_INSERT_TAIL(live_finished(t->live), image, link);
		return NULL;
	}
	group->deadline_ns = node_boot_ns() + FACTS_PATIENCE_NS;
	open_group(t, group);
	return group;
}

void tracker_replay_member(struct tracker *t, const struct group_member *entry)
{
	struct group *group = groups_find(t->groups, entry->hash);
	struct image *image;

	if (!group || !key_is_equal(&group->s.first, &entry->first))
		group = group_of_first(t, &entry->first);
	if (!group)
		group = group_restore(t, &entry->first, entry->hash);
	image = group ? live_take(t->live, &entry->member) : NULL;
	if (!image)
		return;
	if (!image->exec || !group_add(group, image)) /* a journal that we did not write */
		TAILQ_INSERT_TAIL(live_finished(t->live), image, link);
	else
		image_free(t->facts, image);
}

void tracker_replay_group(struct tracker *t, const struct group_state *state)
{
	struct group *group;

	if (!group_state_check(state))
		return;
	group = group_restore(t, &state->first, state->hash);
	if (group)
		group->s = *state;
}

bool tracker_replay_group_done(struct tracker *t, const struct live_key *first)
{
	struct group *group = group_of_first(t, first);

	if (!group)
		return false;
	if (group->is_open)
		groups_take(t->groups, group);
	else
		TAILQ_REMOVE(&t->ended_groups, group, link);
	group_free(t->facts, group);
	return true;
}

static void list_written(struct tracker *t, struct group *group)
{
	struct group *next;
	uuid_t id;

	for (; group; group = next) {
		next = TAILQ_NEXT(group, link);
		group_id(t->node, &group->s.first, id);
		if (!tracker_was_written(t, id))
			continue;
		if (group->is_open)
			groups_take(t->groups, group);
		else
			TAILQ_REMOVE(&t->ended_groups, group, link);
		tracker_group_done(t, group);
	}
}

void tracker_groups_written(struct tracker *t)
{
	list_written(t, groups_oldest(t->groups));
	list_written(t, TAILQ_FIRST(&t->ended_groups));
}
