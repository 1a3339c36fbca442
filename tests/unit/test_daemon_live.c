// SPDX-License-Identifier: BSD-2-Clause
/*
 * The live table: each order of events, also the ones that losses leave, ends in the images that
 * were there; and a table that was saved in the middle of it ends in the same records.
 */
#include "tests/unit/unit.h"

#include "common/record.h"
#include "daemon/journal.h"
#include "daemon/live_ended.h"
#include "daemon/run_record.h"
#include "tests/unit/daemon_script.h"

#define SUMMARY_MAX 4096

static struct facts *facts;

static int facts_begin(void **state)
{
	(void)state;
	return facts_new(0, &facts); /* nobody answers: what is asked stays open */
}

/* "PID.EXEC ORIGIN>END OBJECTS fFORKS uUSED" */
static void image_summary(const struct image *image, char *out)
{
	static const char origins[] = "EFS", ends[] = "nxeu"; /* of exec, fork, scan; none, … */
	char objects[64] = "";

	for (uint32_t i = 0; i < image->object_count; i++)
		snprintf(objects + strlen(objects), sizeof(objects) - strlen(objects), "%c",
			 image->objects[i]->path[5]);
	sprintf(out + strlen(out), "%s%u%s.%u%s%c>%c%s%s f%u u%u", *out ? ", " : "",
		image->s.key.pid, image->s.key.start_ns % 1000 ? "'" : "", image->s.key.exec_id,
		image->exec ? "" : "?", origins[image->s.origin], ends[image->s.end],
		*objects ? " " : "", objects, (unsigned int)image->s.forks,
		(unsigned int)(image->s.usage.runtime_ns + image->s.folded.runtime_ns));
}

static void summary_take(struct live *live, char out[SUMMARY_MAX])
{
	struct image *image;

	out[0] = '\0';
	while ((image = TAILQ_FIRST(live_finished(live)))) {
		TAILQ_REMOVE(live_finished(live), image, link);
		image_summary(image, out);
		image_free(facts, image);
	}
}

static const struct {
	const char *script, *images;
	unsigned int left; /* processes still in the table */
} cases[] = {
	/* the plain ways */
	{"E7.1 M7.1a M7.1b X7.1", "7.1E>x ab f0 u1000", 0},
	{"E7.1 M7.1a E7.2 M7.2b X7.2", "7.1E>e a f0 u10, 7.2E>x b f0 u1000", 0},
	{"E7.1 F7.1>8 X8.1 X7.1", "7.1E>x f1 u2000", 0},
	{"E7.1 F7.1>8 E8.2 X8.2 X7.1", "8.2E>x f0 u1000, 7.1E>x f1 u1010", 0},
	{"E7.1 M7.1a M7.1a M7.1b M7.1a X7.1", "7.1E>x ab f0 u1000", 0},
	{"E7.1 M7.1p M7.1a X7.1", "7.1E>x a f0 u1000", 0},
	/* copies that outlive their origin */
	{"E7.1 M7.1a F7.1>8 X7.1 M8.1b X8.1", "7.1E>x a f0 u1000, 8.1F>x ab f0 u1000", 0},
	{"E7.1 F7.1>8 E7.2 X8.1 X7.2", "7.1E>e f0 u10, 8.1F>x f0 u1000, 7.2E>x f0 u1000", 0},
	{"E7.1 F7.1>8 F8.1>9 X7.1 X9.1 X8.1", "7.1E>x f0 u1000, 9.1F>x f0 u1000, 8.1F>x f0 u1000",
	 0},
	{"E7.1 F7.1>8 X7.1 F8.1>9 X9.1 X8.1", "7.1E>x f0 u1000, 8.1F>x f1 u2000", 0},
	{"E7.1 F7.1>8 F8.1>9 X8.1 M9.1c X9.1 X7.1", "7.1E>x c f2 u3000", 0},
	{"E7.1 F7.1>8 X7.1 E8.2 X8.2", "7.1E>x f0 u1000, 8.1F>e f0 u10, 8.2E>x f0 u1000", 0},
	/* mappings that exec makes, told before it */
	{"E7.1 M7.2p M7.2a E7.2 M7.2b X7.2", "7.1E>e f0 u10, 7.2E>x ab f0 u1000", 0},
	{"E7.1 F7.1>8 M8.2p M8.2a E8.2 X8.2 X7.1", "8.2E>x a f0 u1000, 7.1E>x f1 u1010", 0},
	{"M7.1p M7.1a E7.1 X7.1", "7.1E>x a f0 u1000", 0},
	{"F6.0>7 M7.1p M7.1a E7.1 X7.1", "7.1E>x a f0 u1000", 0},
	{"E7.1 F7.1>8 M8.2a X7.1 E8.2 X8.2", "7.1E>x f0 u1000, 8.1F>e f0 u10, 8.2E>x a f0 u1000",
	 0},
	/* killed inside exec */
	{"E7.1 M7.2p M7.2a X7.2", "7.1E>e f0 u0, 7.2?E>x pa f0 u1000", 0},
	{"E7.1 X7.2", "7.1E>e f0 u0, 7.2?E>x f0 u1000", 0},
	{"E7.1 F7.1>8 M8.2a X8.2 X7.1", "8.2?E>x a f0 u1000, 7.1E>x f1 u1000", 0},
	/* lost: execs */
	{"E7.1 M7.2a M7.3b E7.3 X7.3", "7.1E>e f0 u0, 7.2?E>e a f0 u10, 7.3E>x b f0 u1000", 0},
	{"E7.1 M7.2a E7.3 M7.4b E7.4 X7.4",
	 "7.1E>e f0 u0, 7.2?E>e a f0 u10, 7.3E>e f0 u10, 7.4E>x b f0 u1000", 0},
	{"E7.1 M7.3b E7.3 X7.3", "7.1E>e f0 u10, 7.3E>x b f0 u1000", 0},
	{"E7.1 F7.2>8 X8.2 X7.2", "7.1E>e f0 u0, 7.2?E>x f1 u2000", 0},
	{"E7.1 M7.2a F7.2>8 X8.2 X7.2", "7.1E>e f0 u0, 7.2?E>x a f1 u2000", 0},
	/* lost: forks, so that who they made is not known */
	{"X7.1", "7.1?E>x f0 u1000", 0},
	{"F6.1>7 E7.2 X7.2", "7.2E>x f0 u1000", 0},
	{"F6.1>7 X7.1", "7.1?E>x f0 u1000", 0},
	{"M7.1a F7.1>8 X8.1 X7.1", "7.1?E>x a f1 u2000", 0},
	/* lost: exits, and the pid has come round */
	{"E7.1 M7.1a F1.0>7' E7'.1 X7'.1", "7'.1E>x f0 u1000", 1},
	{"E7.1 F7.1>8 X7.1 E8'.5 X8'.5 X8.1", "7.1E>x f0 u1000, 8'.5E>x f0 u1000, 8.1F>x f0 u1000",
	 0},
	/* told twice */
	{"E7.1 E7.1 M7.1a X7.1", "7.1E>x a f0 u1000", 0},
	{"E7.1 F7.1>8 F7.1>8 X8.1 X7.1", "7.1E>x f1 u2000", 0},
	{"E7.1 X7.1 X7.1", "7.1E>x f0 u1000", 0},
	{"E7.1 F7.1>8 X8.1 X8.1 X7.1 X7.1", "7.1E>x f1 u2000", 0},
	{"E7.1 M7.1a X7.1 E7.1 M7.1a X7.1", "7.1E>x a f0 u1000", 0},
	{"E7.1 F7.1>8 E8.2 X8.2 F7.1>8 M8.1a E8.2 X8.2 X7.1", "8.2E>x f0 u1000, 7.1E>x f1 u1010",
	 0},
	{"S7.1 E7.1 X7.1", "7.1E>x f0 u1000", 0},
	{"E7.1 S7.1 X7.1", "7.1E>x f0 u1000", 0},
	/* what ran before tracking began */
	{"S7.4 M7.4a E7.5 X7.5", "7.4S>e a f0 u10, 7.5E>x f0 u1000", 0},
	{"S7.4 F7.4>8 X8.4 X7.4", "7.4S>x f1 u2000", 0},
	{"M7.4a S7.4 X7.4", "7.4S>x a f0 u1000", 0},
	{"F7.4>8 S7.4 S8.4 X8.4 X7.4", "8.4S>x f0 u1000, 7.4S>x f0 u1000", 0},
	/* given up too early */
	{"E7.1 X7.1 E7.2 X7.2", "7.1E>x f0 u1000, 7.2E>x f0 u1000", 0},
	/* told without the kernel side's state: what the process had used before is taken off */
	{"e7.1 x7.1", "7.1E>x f0 u990", 0},
	{"e7.1 E7.2 e7.3 x7.3", "7.1E>e f0 u10, 7.2E>e f0 u0, 7.3E>x f0 u990", 0},
	{"e7.1 E7.2 x7.2", "7.1E>e f0 u10, 7.2E>x f0 u980", 0},
	{"e7.1 F7.1>8 X7.1 E8.2 x8.2", "7.1E>x f0 u1000, 8.1F>e f0 u10, 8.2E>x f0 u1000", 0},
	{"E7.1 x7.1", "7.1E>x f0 u1000", 0}, /* not known: marked */
	{"S7.1 x7.1", "7.1S>x f0 u1000", 0},
	{"S7.1 e7.2 x7.2", "7.1S>e f0 u10, 7.2E>x f0 u990", 0},
	/* out of any order: no harm */
	{"E7.5 E7.3 X7.3", "7.5E>e f0 u10, 7.3E>x f0 u1000", 0},
	{"E7.5 F7.5>8 X8.3 X7.5", "7.5E>x f1 u2000", 0},
	{"E7.5 M7.6a M7.5b X7.5", "7.5E>e b f0 u0, 7.6?E>x a f0 u1000", 0},
	{"F7.1>7 X7.1", "7.1?E>x f0 u1000", 0},
};

static void orders_end_in_the_images_that_were(void **state)
{
	char summary[SUMMARY_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct live_counts counts;
		struct live *live;

		assert_int_equal(live_new(facts, &live), 0);
		script_apply(live, cases[i].script, 0, UINT32_MAX);
		live_counts(live, &counts);
		summary_take(live, summary);
		if (strcmp(summary, cases[i].images))
			print_message("# %s\n", cases[i].script);
		assert_string_equal(summary, cases[i].images);
		assert_int_equal(counts.processes, cases[i].left);
		assert_int_equal(counts.images, cases[i].left);
		live_free(live);
	}
}

/* The parent of a run is a run that there is, or none: "RUN<PPID:PARENT'S RUN". */
static const struct {
	const char *script, *parents;
} families[] = {
	{"E7.1 F7.1>8 E8.2<7.1 X8.2 X7.1", "8.2<7:7.1 7.1<0:-"},
	{"E7.1<5.3 X7.1", "7.1<5:-"}, /* never heard of it */
	{"X7.1<5.3", "7.1<5:-"},
	{"S5.3 E7.1<5.3 X7.1 X5.3", "7.1<5:5.3 5.3<0:-"},
	/* a copy's child is its origin's, also when the copy has ended */
	{"E7.1 F7.1>8 F8.1>9 E9.2<8.1 X9.2 X8.1 X7.1", "9.2<8:7.1 7.1<0:-"},
	{"E7.1 F7.1>8 F8.1>9 X8.1 E9.2<8.1 X9.2 X7.1", "9.2<8:7.1 7.1<0:-"},
	{"E7.1 F7.1>8 F8.1>9 X7.1 E9.2<8.1 X9.2 X8.1", "7.1<0:- 9.1<8:8.1 9.2<8:8.1 8.1<7:7.1"},
	{"E7.1 X7.1 E9.2<7.1 X9.2", "7.1<0:- 9.2<7:7.1"},
	{"E7.1 E7.2 X7.2 E9.2<7.1 X9.2", "7.1<0:- 7.2<0:- 9.2<7:-"},
	/* a parent inside its next exec, or whose exec was lost, will still be told of */
	{"E7.1 E9.2<7.2 X9.2 X7.2", "9.2<7:7.2 7.1<0:- 7.2<0:-"},
	{"E7.1 E7.2 E9.2<7.1 X9.2 X7.2", "7.1<0:- 9.2<7:- 7.2<0:-"},
	/* copies that become runs of their own: the child of who forked them */
	{"E7.1 F7.1>8 X7.1 X8.1", "7.1<0:- 8.1<7:7.1"},
	{"E7.1 F7.1>8 F8.1>9 X7.1 X8.1 X9.1", "7.1<0:- 8.1<7:7.1 9.1<8:8.1"},
	{"E7.1 F7.1>8 F8.1>9 X8.1 X7.1 X9.1", "7.1<0:- 9.1<8:7.1"},
	{"E7.1 F7.1>8 F8.1>9 E8.2 X7.1 X9.1 X8.2", "7.1<0:- 9.1<8:7.1 8.2<0:-"},
	{"E7.1 F7.1>8 F8.1>9 F9.1>6 X7.1 X6.1 X9.1 X8.1", "7.1<0:- 6.1<9:9.1 9.1<8:8.1 8.1<7:7.1"},
	{"E7.1 F7.1>8 F8.1>9 F9.1>6 E7.2 X6.1 X9.1 X8.1 X7.2",
	 "7.1<0:- 6.1<9:9.1 9.1<8:8.1 8.1<7:7.1 7.2<0:-"},
};

static void parents_take(struct live *live, char out[SUMMARY_MAX])
{
	struct image *image;
	char run[32];

	out[0] = '\0';
	while ((image = TAILQ_FIRST(live_finished(live)))) {
		const struct live_image_state *s = &image->s;

		snprintf(run, sizeof(run), "%u.%u", s->parent.pid, s->parent.exec_id);
		sprintf(out + strlen(out), "%s%u.%u<%u:%s", *out ? " " : "", s->key.pid,
			s->key.exec_id, s->ppid, s->parent.pid ? run : "-");
		TAILQ_REMOVE(live_finished(live), image, link);
		image_free(facts, image);
	}
}

static void a_parent_is_a_run_that_is_known(void **state)
{
	char parents[SUMMARY_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		struct live *live;

		assert_int_equal(live_new(facts, &live), 0);
		script_apply(live, families[i].script, 0, UINT32_MAX);
		parents_take(live, parents);
		if (strcmp(parents, families[i].parents))
			print_message("# %s\n", families[i].script);
		assert_string_equal(parents, families[i].parents);
		live_free(live);
	}
}

/* --- the same through a journal */

struct entries {
	struct {
		uint32_t kind;
		size_t len;
		void *data;
	} at[256];
	size_t count;
};

static int entry_add(void *arg, uint32_t kind, const void *data, size_t len)
{
	struct entries *entries = arg;

	assert_true(entries->count < ARRAY_SIZE(entries->at));
	entries->at[entries->count].kind = kind;
	entries->at[entries->count].len = len;
	entries->at[entries->count].data = memcpy(malloc(len), data, len);
	entries->count++;
	return 0;
}

/* A table that is told what another one saved. */
static struct live *live_copy(const struct live *live)
{
	struct entries entries = {.count = 0};
	struct live_saver saver = live_saver(entry_add, &entries);
	struct live *copy;

	assert_int_equal(live_new(facts, &copy), 0);
	assert_int_equal(live_save(live, &saver), 0);
	for (size_t i = 0; i < entries.count; i++) {
		struct bytes data = {entries.at[i].data, entries.at[i].len};
		const struct event *event;

		if (!live_restore(copy, entries.at[i].kind, data)) {
			assert_int_equal(entries.at[i].kind, JOURNAL_EVENT);
			assert_int_equal(event_check(data, &event), 0);
			/* it is not the ring's any more */
			assert_int_equal(event->seq, 0);
			live_apply(copy, event, event->traits & TRAIT_SCANNED);
		}
		free(entries.at[i].data);
	}
	return copy;
}

static int text_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Records and sets of all that has finished, sorted. Caller frees. */
static char *records_take(struct live *live)
{
	static const struct node node = {.host = "n1", .cluster = "", .tick_ns = 10000000};
	struct image *image;
	char *lines[64], *all = calloc(1, 1 << 20);
	size_t count = 0;

	while ((image = TAILQ_FIRST(live_finished(live)))) {
		char objects[ID_HASH_SIZE], env[ID_HASH_SIZE];
		cJSON *record;

		TAILQ_REMOVE(live_finished(live), image, link);
		run_object_hash(image, objects);
		run_env_hash(image, env);
		record = run_record(&node, image, objects, env);
		assert_true(count < ARRAY_SIZE(lines));
		lines[count++] = record_print(record, NULL);
		cJSON_Delete(record);
		image_free(facts, image);
	}
	qsort(lines, count, sizeof(*lines), text_compare);
	for (size_t i = 0; i < count; i++) {
		strcat(all, lines[i]);
		free(lines[i]);
	}
	return all;
}

static bool nobody_lives(void *arg, uint32_t pid, uint64_t start_ns)
{
	(void)arg;
	(void)pid;
	(void)start_ns;
	return false;
}

static void check_saved_at(const char *script, unsigned int cut)
{
	_cleanup_free_ char *one = NULL, *other = NULL;
	struct live *live, *copy, *second;

	assert_int_equal(live_new(facts, &live), 0);
	live_set_clock(live, 1700000000 * NS_PER_S);
	script_apply(live, script, 0, cut);
	copy = live_copy(live);
	second = live_copy(copy); /* and of what was restored */
	live_free(copy);
	live_set_clock(second, 1700000000 * NS_PER_S);
	script_apply(live, script, cut, UINT32_MAX);
	script_apply(second, script, cut, UINT32_MAX);
	live_reconcile(live, nobody_lives, NULL);
	live_reconcile(second, nobody_lives, NULL);
	one = records_take(live);
	other = records_take(second);
	if (strcmp(one, other))
		print_message("# %s, saved after %u\n%s---\n%s", script, cut, one, other);
	assert_string_equal(one, other);
	live_free(live);
	live_free(second);
}

/* Whenever the daemon is killed, the records are the same. */
static void a_saved_table_ends_in_the_same_records(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned int length = script_length(cases[i].script);

		for (unsigned int cut = 0; cut <= length; cut++)
			check_saved_at(cases[i].script, cut);
	}
	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		for (unsigned int cut = 0; cut <= script_length(families[i].script); cut++)
			check_saved_at(families[i].script, cut);
}

/* Also with any one byte of it changed: no harm. */
static void a_state_that_makes_no_sense_is_not_restored(void **state)
{
	struct live_image_state good, bad;
	struct live *live;

	(void)state;
	assert_int_equal(live_new(facts, &live), 0);
	script_apply(live, "E7.1 M7.1a", 0, UINT32_MAX);
	good = live_image_of(live, 7, 0)->s;
	good.forks = 23;
	for (size_t i = 0; i < sizeof(good); i++) {
		bad = good;
		((uint8_t *)&bad)[i] ^= 0xff;
		live_restore(live, JOURNAL_IMAGE, (struct bytes){(void *)&bad, sizeof(bad)});
		script_apply(live, "E7.1 M7.1a", 0, UINT32_MAX);
	}
	live_free(live);

	assert_int_equal(live_new(facts, &live), 0);
	script_apply(live, "E7.1 M7.1a", 0, UINT32_MAX);
	bad = good;
	bad.origin = ORIGIN_SCAN + 1;
	live_restore(live, JOURNAL_IMAGE, (struct bytes){(void *)&bad, sizeof(bad)});
	assert_int_equal(live_image_of(live, 7, 0)->s.forks, 0);
	bad = good;
	bad.key.exec_id++;
	live_restore(live, JOURNAL_IMAGE, (struct bytes){(void *)&bad, sizeof(bad)});
	assert_int_equal(live_image_of(live, 7, 0)->s.forks, 0);
	live_restore(live, JOURNAL_IMAGE, (struct bytes){(void *)&good, sizeof(good)});
	assert_int_equal(live_image_of(live, 7, 0)->s.forks, 23);
	live_free(live);
}

static void what_is_written_is_forgotten(void **state)
{
	char summary[SUMMARY_MAX];
	struct live *live;

	(void)state;
	assert_int_equal(live_new(facts, &live), 0);
	script_apply(live, "E7.1 E7.2 X7.2 E7'.1 X7'.1 E9.1", 0, UINT32_MAX);
	live_forget(live, &(struct live_key){7000, 7, 1});
	live_forget(live, &(struct live_key){7001, 7, 1});
	live_forget(live, &(struct live_key){9000, 9, 1}); /* runs still */
	live_forget(live, &(struct live_key){7000, 7, 3});
	summary_take(live, summary);
	assert_string_equal(summary, "7.2E>x f0 u1000");
	assert_true(live_knows_program(live, 9, 9000));
	live_free(live);
}

static void a_full_table_is_counted_and_recovers(void **state)
{
	static union event_room room;
	struct live_counts counts;
	char summary[SUMMARY_MAX];
	struct live *live;

	(void)state;
	assert_int_equal(live_new(facts, &live), 0);
	script_apply(live, "E7.1", 0, 1);
	for (uint32_t i = 0; i < LIVE_PROCESSES_MAX; i++) {
		struct script_word word = {
			.kind = 'F', .key = {7000, 7, 1}, .child = {5000000 + i, 100000 + i, 1}};

		script_event(&word, 2, &room);
		live_apply(live, &room.head, false);
	}
	live_counts(live, &counts);
	assert_int_equal(counts.processes, LIVE_PROCESSES_MAX);
	assert_int_equal(counts.full, 1);
	script_apply(live, "E8.1 M8.1a X8.1", 0, UINT32_MAX);
	live_counts(live, &counts);
	assert_int_equal(counts.full, 2); /* mapping and end are the same process's */
	script_apply(live, "X7.1", 0, 1); /* and each copy is an image of its own now */
	script_apply(live, "E9.1 X9.1", 0, UINT32_MAX);
	live_counts(live, &counts);
	assert_int_equal(counts.processes, LIVE_PROCESSES_MAX - 1);
	assert_int_equal(counts.images, LIVE_PROCESSES_MAX - 1);
	summary_take(live, summary);
	assert_string_equal(summary, "7.1E>x f0 u1000, 9.1E>x f0 u1000");
	live_free(live);
}

static bool only_nine_lives(void *arg, uint32_t pid, uint64_t start_ns)
{
	(void)arg;
	return pid == 9 && start_ns == 9000;
}

static void what_is_gone_ends_unseen(void **state)
{
	struct live_counts counts;
	char summary[SUMMARY_MAX];
	struct live *live;

	(void)state;
	assert_int_equal(live_new(facts, &live), 0);
	script_apply(live, "E7.1 M7.1a F7.1>8 F7.1>9 E5.1 M5.2b", 0, UINT32_MAX);
	live_reconcile(live, only_nine_lives, NULL);
	summary_take(live, summary);
	assert_string_equal(summary,
			    "7.1E>u a f0 u0, 8.1F>u a f0 u0, 5.1E>e f0 u0, 5.2?E>u b f0 u0");
	live_counts(live, &counts);
	assert_int_equal(counts.unseen_ends, 3);
	assert_int_equal(counts.processes, 1);
	script_apply(live, "X9.1", 0, 1);
	summary_take(live, summary);
	assert_string_equal(summary, "9.1F>x a f0 u1000");
	live_free(live);
}

/* The scan knows an object's device and inode only; told again by the kernel side, it is the same.
 */
static void objects_that_were_scanned_are_not_doubled(void **state)
{
	static union event_room room;
	struct event head = {.pid = 7, .start_ns = 7000, .exec_id = 1, .time_ns = 7};
	char summary[SUMMARY_MAX];
	struct live *live;

	(void)state;
	assert_int_equal(live_new(facts, &live), 0);
	script_apply(live, "S7.1", 0, 1);
	event_make_mmap(&room, &head, 'a' + 1000, bytes_of("/lib/a.so"));
	room.mmap.file.fstype[0] = '\0';
	room.mmap.file.size = 0;
	live_apply(live, &room.head, true);
	script_apply(live, "E7.1 M7.1a M7.1b X7.1", 0, UINT32_MAX);
	summary_take(live, summary);
	assert_string_equal(summary, "7.1E>x ab f0 u1000");
	live_free(live);
}

static void objects_have_a_limit(void **state)
{
	static union event_room room;
	struct event head = {.pid = 7, .start_ns = 7000, .exec_id = 1, .time_ns = 7};
	struct live *live;
	char path[64];

	(void)state;
	assert_int_equal(live_new(facts, &live), 0);
	script_apply(live, "E7.1", 0, 1);
	for (unsigned int i = 0; i < LIVE_OBJECTS_MAX + 3; i++) {
		snprintf(path, sizeof(path), "/lib/%u", i);
		event_make_mmap(&room, &head, 5000 + i, bytes_of(path));
		live_apply(live, &room.head, false);
		assert_int_equal(!!(live_image_of(live, 7, 0)->s.flags & EVENT_OBJECTS_LIMIT),
				 i >= LIVE_OBJECTS_MAX);
	}
	assert_int_equal(live_image_of(live, 7, 0)->object_count, LIVE_OBJECTS_MAX);
	live_free(live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(orders_end_in_the_images_that_were),
		cmocka_unit_test(a_parent_is_a_run_that_is_known),
		cmocka_unit_test(a_saved_table_ends_in_the_same_records),
		cmocka_unit_test(a_state_that_makes_no_sense_is_not_restored),
		cmocka_unit_test(what_is_written_is_forgotten),
		cmocka_unit_test(a_full_table_is_counted_and_recovers),
		cmocka_unit_test(what_is_gone_ends_unseen),
		cmocka_unit_test(objects_that_were_scanned_are_not_doubled),
		cmocka_unit_test(objects_have_a_limit),
	};

	return cmocka_run_group_tests(tests, facts_begin, NULL);
}
