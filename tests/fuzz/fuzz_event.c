/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Event streams: checked events in any order change the table without harm, images that end become
 * records and sets that are valid lines, and a table that is saved and told again goes on as well.
 *
 * The input is a list of pieces: one byte that says what to do, and an event's own (event_input.h).
 */
#include "common/record.h"
#include "common/text.h"
#include "daemon/env_filter.h"
#include "daemon/journal.h"
#include "daemon/run_record.h"
#include "tests/fuzz/event_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define EVENTS_MAX 512

static struct facts *facts;
static struct env_filter *filter;

static void check_line(const cJSON *record)
{
	_cleanup_json_ cJSON *again = NULL;
	_cleanup_free_ char *line = NULL;
	size_t len;

	line = record ? record_print(record, &len) : NULL;
	if (!line || !text_is_utf8((struct bytes){line, len}) ||
	    record_parse((struct bytes){line, len}, &again) || cJSON_GetArraySize(again) < 3)
		abort();
}

static void finished_take(struct live *live)
{
	static const struct node node = {.host = "n1", .cluster = "", .tick_ns = 10000000};
	struct image *image;

	while ((image = TAILQ_FIRST(live_finished(live)))) {
		char objects[ID_HASH_SIZE], env[ID_HASH_SIZE];
		_cleanup_json_ cJSON *record = NULL, *object_set = NULL, *env_set = NULL;

		TAILQ_REMOVE(live_finished(live), image, link);
		run_object_hash(image, objects);
		run_env_hash(image, env);
		record = run_record(&node, image, objects, env);
		check_line(record);
		object_set = run_object_set(image, objects);
		check_line(object_set);
		env_set = run_env_set(image, env);
		check_line(env_set);
		image_free(facts, image);
	}
}

static void event_tell(struct input *in, struct live *live, uint8_t what)
{
	static _Alignas(8) char event[EVENT_SIZE_MAX], filtered[EVENT_MAX_BYTES];
	size_t size = event_make(in, what, event);
	/* a copy of just that size: a read behind it is found */
	_cleanup_free_ char *copy = malloc(size);
	const struct event *checked;

	memcpy(copy, event, size);
	if (event_check((struct bytes){copy, size}, &checked))
		return;
	live_apply(live, checked, what & 0x40);
	/* the environment is last in what the kernel side sends */
	if (checked->kind == EVENT_EXEC &&
	    ((const struct event_exec *)checked)->env.off >= sizeof(struct event_exec))
		env_filter_event(filter, (const void *)checked, (void *)filtered);
}

static int entry_tell(void *arg, uint32_t kind, const void *data, size_t len)
{
	const struct event *event;

	if (live_restore(arg, kind, (struct bytes){data, len}))
		return 0;
	if (event_check((struct bytes){data, len}, &event))
		abort();
	live_apply(arg, event, event->traits & TRAIT_SCANNED);
	return 0;
}

static bool is_even(void *arg, uint32_t pid, uint64_t start_ns)
{
	(void)arg;
	(void)start_ns;
	return pid % 2 == 0;
}

static void begin(void)
{
	static char *globs[] = {"OMP_*", "A?", "HOME", "*Z"};

	if (facts_new(0, &facts) || env_filter_new(&(struct config_list){globs, 4}, &filter))
		abort();
}

static bool nobody(void *arg, uint32_t pid, uint64_t start_ns)
{
	(void)arg;
	(void)pid;
	(void)start_ns;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	struct live_counts before, after;
	struct live *live, *other;
	struct live_saver saver;

	if (!facts)
		begin();
	if (live_new(facts, &live))
		abort();
	for (int i = 0; i < EVENTS_MAX && in.size; i++) {
		uint8_t what = take_byte(&in);

		if (what < 0xf0) {
			event_tell(&in, live, what);
			continue;
		}
		if (what < 0xf8) {
			finished_take(live);
		} else if (what < 0xfc) {
			live_reconcile(live, is_even, NULL);
		} else {
			finished_take(live);
			live_counts(live, &before);
			if (live_new(facts, &other))
				abort();
			saver = live_saver(entry_tell, other);
			if (live_save(live, &saver))
				abort();
			live_restored(other);
			live_counts(other, &after);
			if (before.processes != after.processes || before.images != after.images)
				abort();
			live_free(live);
			live = other;
		}
	}
	finished_take(live);
	live_reconcile(live, nobody, NULL);
	live_counts(live, &after);
	if (after.processes || after.images || after.bytes)
		abort();
	finished_take(live);
	live_free(live);
	return 0;
}
