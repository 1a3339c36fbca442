// SPDX-License-Identifier: BSD-2-Clause
/* Events in, images out, the journal in between. */
#include "daemon/tracker.h"
#include "common/record.h"
#include "daemon/live_job.h"
#include "daemon/run_record.h"
#include "daemon/spool.h"
#include "daemon/tracker_state.h"

#include <errno.h>
#include <search.h>

static int id_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(uuid_t));
}

static void record_is_written(void *arg, const uuid_t id)
{
	struct tracker *t = arg;
	void *copy = malloc(sizeof(uuid_t));

	if (!copy)
		return;
	memcpy(copy, id, sizeof(uuid_t));
	if (tfind(copy, &t->written, id_compare) || !tsearch(copy, &t->written, id_compare))
		free(copy);
}

bool tracker_was_written(const struct tracker *t, const uuid_t id)
{
	return t->written && tfind(id, &t->written, id_compare);
}

static bool run_was_written(struct tracker *t, const struct image *image)
{
	uuid_t id;

	if (!t->written)
		return false;
	node_run_id(t->node, &image->s.key, id);
	return tracker_was_written(t, id);
}

/* What is not to be recorded is counted. */
static bool image_is_unwanted(struct tracker *t, const struct image *image)
{
	unsigned int verdict = image_verdict(image);

	/* without its exec nothing says in what job it was, or below whom */
	if (!image->exec && (t->config->scope == CONFIG_SCOPE_JOBS || t->below.pid))
		verdict = VERDICT_OUT_OF_SCOPE;
	t->counts.ignored += verdict == RULE_IGNORE;
	t->counts.opted_out += verdict == VERDICT_OPTED_OUT;
	t->counts.out_of_scope += verdict == VERDICT_OUT_OF_SCOPE;
	return !verdict_is_recorded(verdict);
}

static void image_done(struct tracker *t, struct image *image)
{
	(void)journal_append(t->journal, JOURNAL_DONE, &image->s.key, sizeof(image->s.key));
	image_free(t->facts, image);
}

static void link_done(struct tracker *t, struct link *link)
{
	(void)journal_append(t->journal, JOURNAL_DONE, &link->id, sizeof(link->id));
	tracker_free_link(t, link);
}

/* What a file left behind holds is done in the journal before the file is closed: killed again in
 * between, neither would know of the other. */
static void written_are_done(void *arg)
{
	struct tracker *t = arg;
	struct image *image, *next;
	struct link *link, *next_link;

	for (image = TAILQ_FIRST(live_finished(t->live)); image; image = next) {
		next = TAILQ_NEXT(image, link);
		if (!run_was_written(t, image))
			continue;
		TAILQ_REMOVE(live_finished(t->live), image, link);
		image_done(t, image);
	}
	tracker_groups_written(t);
	tracker_starts_written(t);
	for (link = TAILQ_FIRST(&t->links); link; link = next_link) {
		next_link = TAILQ_NEXT(link, link);
		if (tracker_was_written(t, (const void *)&link->id))
			link_done(t, link);
	}
}

static const struct spool_mender mender = {record_is_written, written_are_done};

int tracker_new(const struct config *config, const struct node *node, struct writer *writer,
		struct tracker **ret)
{
	struct tracker *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return -ENOMEM;
	t->config = config;
	t->node = node;
	t->writer = writer;
	TAILQ_INIT(&t->waiting);
	TAILQ_INIT(&t->writing);
	TAILQ_INIT(&t->links);
	TAILQ_INIT(&t->ended_groups);
	TAILQ_INIT(&t->writing_groups);
	TAILQ_INIT(&t->starting);
	TAILQ_INIT(&t->writing_starts);
	r = facts_new(config->workers, &t->facts);
	if (!r)
		r = live_new(t->facts, &t->live);
	if (!r)
		r = privacy_new(config, &t->privacy);
	if (!r)
		r = rules_new(config, &t->rules);
	if (!r)
		r = groups_new(&t->groups);
	t->link_runs = link_runs_new();
	if (!r && !t->link_runs)
		r = -ENOMEM;
	if (!r) {
		t->clock_ns = node_clock_ns(node);
		live_set_clock(t->live, t->clock_ns);
		live_set_tick(t->live, node->tick_ns);
		live_set_max(t->live, ((uint64_t)config->journal_mib << 20) / 2);
		r = journal_new(config->state, (size_t)config->journal_mib << 20, tracker_replay, t,
				&t->journal);
	}
	if (!r)
		tracker_follow_clock(t); /* what the journal had last, before the first event */
	if (t->live)
		live_restored(t->live);
	if (!r)
		r = spool_mend(config, node, &mender, t);
	if (r < 0) {
		tracker_free(t);
		return r;
	}
	tracker_wait_for_names(t);
	*ret = t;
	return 0;
}

void tracker_free(struct tracker *t)
{
	struct image *image;
	struct link *link;

	if (!t)
		return;
	while ((image = TAILQ_FIRST(&t->waiting))) {
		TAILQ_REMOVE(&t->waiting, image, link);
		image_free(t->facts, image);
	}
	while ((image = TAILQ_FIRST(&t->writing))) {
		TAILQ_REMOVE(&t->writing, image, flight);
		image_free(t->facts, image);
	}
	while ((link = TAILQ_FIRST(&t->links)))
		tracker_free_link(t, link);
	tracker_groups_free(t);
	tracker_starts_free(t);
	live_free(t->live);
	link_runs_free(t->link_runs);
	journal_free(t->journal);
	privacy_free(t->privacy);
	rules_free(t->rules, t->facts);
	tdestroy(t->written, free);
	facts_free(t->facts);
	free(t);
}

void tracker_capture_is_fresh(struct tracker *t)
{
	memset(t->sequences, 0, sizeof(t->sequences));
	(void)journal_append(t->journal, JOURNAL_SEQUENCES, t->sequences, sizeof(t->sequences));
	live_set_begin(t->live, node_boot_ns());
}

/* What a step's daemon has told: it may be gone when the journal is read again. */
static void journal_job(struct tracker *t, const struct event *event)
{
	const struct image *image = live_image_of(t->live, event->pid, event->start_ns);

	if (image && image->job && image->job->job.id_from == JOB_FROM_SLURMSTEPD)
		(void)image_job_save(image, (live_writer)journal_append, t->journal);
}

static void event_take(struct tracker *t, const struct event *event)
{
	if (event->kind == EVENT_EXEC) {
		tracker_judge(t, (const void *)event);
		event = (const void *)t->filtered;
	}
	if (t->has_opted_out && !(event = tracker_blank(t, event)))
		return;
	/* there is room: who drains asks before, and stops when there is none */
	(void)journal_append(t->journal, JOURNAL_EVENT, event, event->size);
	live_apply(t->live, event, event->traits & TRAIT_SCANNED);
	if (event->kind == EVENT_EXEC)
		journal_job(t, event);
}

int tracker_event(void *arg, const struct event *event)
{
	struct tracker *t = arg;

	if (event->cpu < CPUS_MAX) {
		if (event->seq <= t->sequences[event->cpu]) {
			t->counts.doubled++;
			return 0;
		}
		t->sequences[event->cpu] = event->seq;
	}
	event_take(t, event);
	return tracker_has_room(t) ? 0 : -ENOSPC;
}

void tracker_scanned(struct tracker *t, const struct event *event)
{
	event_take(t, event);
}

void tracker_told(struct tracker *t, const struct event *event)
{
	event_take(t, event);
}

void tracker_link(struct tracker *t, cJSON *record, uint32_t uid)
{
	struct link *link = NULL;
	double pid = 0;

	(void)record_get_number(record, "pid", &pid);
	link_runs_recorded(t->link_runs, pid, uid, node_boot_ns());
	if (privacy_link(t->privacy, record))
		link = tracker_add_link(t, record, uid);
	else
		cJSON_Delete(record);
	if (link)
		(void)tracker_journal_link(t, link);
}

static void images_advance(struct tracker *t, uint64_t now_ns)
{
	struct image_list *finished = live_finished(t->live);
	struct image *image, *next;

	while ((image = TAILQ_FIRST(finished))) {
		TAILQ_REMOVE(finished, image, link);
		tracker_link_run(t, image, now_ns);
		image->deadline_ns = now_ns + FACTS_PATIENCE_NS;
		TAILQ_INSERT_TAIL(&t->waiting, image, link);
		t->counts.waiting++;
	}
	for (image = TAILQ_FIRST(&t->waiting); image; image = next) {
		next = TAILQ_NEXT(image, link);
		if (!tracker_image_settle(t, image, image->deadline_ns, now_ns))
			continue;
		TAILQ_REMOVE(&t->waiting, image, link);
		t->counts.waiting--;
		if (run_was_written(t, image) || image_is_unwanted(t, image)) {
			image_done(t, image);
			continue;
		}
		if (tracker_absorb(t, image, now_ns))
			continue;
		TAILQ_INSERT_TAIL(&t->writing, image, flight);
		t->counts.writing++;
		writer_put_image(t->writer, image);
	}
}

static void is_written(void *arg, enum writer_kind kind, void *what)
{
	struct tracker *t = arg;
	struct image *image = what;

	t->counts.writing--;
	if (kind == WRITER_GROUP) {
		tracker_group_is_written(t, what);
	} else if (kind == WRITER_START) {
		tracker_start_is_written(t, what);
	} else if (what == &t->reporting) {
		t->reported = t->reporting;
	} else if (kind == WRITER_RECORD) {
		link_done(t, what);
	} else {
		TAILQ_REMOVE(&t->writing, image, flight);
		image_done(t, image);
	}
}

void tracker_advance(struct tracker *t, char **ret_lines)
{
	uint64_t now_ns = node_boot_ns();

	tracker_follow_clock(t);
	live_look(t->live, now_ns);
	facts_collect(t->facts);
	rules_advance(t->rules, t->facts, now_ns);
	images_advance(t, now_ns);
	tracker_advance_groups(t, now_ns);
	tracker_advance_starts(t, now_ns);
	tracker_advance_links(t, now_ns);
	writer_go(t->writer);
	writer_collect(t->writer, is_written, t, ret_lines);
	if (t->blank_due_ns && now_ns >= t->blank_due_ns) {
		t->blank_due_ns = 0;
		(void)tracker_restart_journal(t);
	}
	tracker_keep_journal_short(t, now_ns);
}

bool tracker_is_idle(const struct tracker *t)
{
	return TAILQ_EMPTY(live_finished(t->live)) && TAILQ_EMPTY(&t->waiting) &&
	       TAILQ_EMPTY(&t->writing) && TAILQ_EMPTY(&t->links) && !groups_count(t->groups) &&
	       TAILQ_EMPTY(&t->ended_groups) && TAILQ_EMPTY(&t->writing_groups);
}

bool tracker_has_room(const struct tracker *t)
{
	return journal_has_room(t->journal, 2 * EVENT_MAX_BYTES);
}

struct live *tracker_live(struct tracker *t)
{
	return t->live;
}

struct facts *tracker_facts(struct tracker *t)
{
	return t->facts;
}

int tracker_facts_fd(const struct tracker *t)
{
	return facts_fd(t->facts);
}

void tracker_counts(const struct tracker *t, struct tracker_counts *ret)
{
	struct facts_counts facts;

	*ret = t->counts;
	facts_counts(t->facts, &facts);
	ret->stuck = facts.stuck;
	live_counts(t->live, &ret->live);
	journal_size(t->journal, &ret->journal_used, &ret->journal_max);
	ret->journal_grow_error = journal_grow_error(t->journal);
}

void tracker_set_told(struct tracker *t, const struct capture_totals *told)
{
	t->told = t->reported = *told;
}

void tracker_report(struct tracker *t, cJSON *record, const struct capture_totals *totals)
{
	t->reporting = *totals;
	t->counts.writing++;
	writer_put_record(t->writer, "node", record, &t->reporting);
}

const struct capture_totals *tracker_reported(const struct tracker *t)
{
	return &t->reported;
}
