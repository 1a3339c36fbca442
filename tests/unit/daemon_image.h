/* SPDX-License-Identifier: BSD-2-Clause */
/* One image that has ended, made by the events a test wants. */
#pragma once

#include "tests/unit/unit.h"

#include "common/record.h"
#include "daemon/live.h"
#include "daemon/run_record.h"
#include "tests/unit/daemon_events.h"

#define IMAGE_START_NS (5 * NS_PER_S)
#define IMAGE_HEAD                                                                                 \
	((struct event){                                                                           \
		.pid = 7, .start_ns = IMAGE_START_NS, .exec_id = 1, .time_ns = 6 * NS_PER_S})

/* The first that has ended; the caller frees it. The table goes. */
static inline struct image *image_take(struct facts *facts, struct live *live)
{
	struct image *image = TAILQ_FIRST(live_finished(live));

	assert_non_null(image);
	TAILQ_REMOVE(live_finished(live), image, link);
	live_free(live);
	(void)facts;
	return image;
}

/* exec, then exit with that status 1.5 s later. */
static inline struct image *image_of(struct facts *facts, const struct exec_texts *texts,
				     uint32_t flags, uint32_t wait_status)
{
	static union event_room room;
	struct event head = IMAGE_HEAD;
	struct live *live;

	assert_int_equal(live_new(facts, &live), 0);
	live_set_clock(live, 1700000000 * NS_PER_S);
	head.flags = flags;
	event_make_exec(&room, &head, texts);
	live_apply(live, &room.head, false);
	head.time_ns += 1500 * NS_PER_MS;
	head.flags = 0;
	event_make_exit(&room, &head, wait_status);
	room.head.traits |= TRAIT_RSS_EXACT | TRAIT_HAD_STATE;
	room.exit.usage = (struct event_usage){.user_ns = 30,
					       .system_ns = 10,
					       .runtime_ns = 2 * NS_PER_S,
					       .read_bytes = 5,
					       .write_bytes = 7,
					       .minor_faults = 11,
					       .major_faults = 13,
					       .max_rss = 1048576};
	live_apply(live, &room.head, false);
	return image_take(facts, live);
}

static inline const struct node *image_node(void)
{
	static const struct node node = {.host = "n1",
					 .cluster = "c1",
					 .boot_id = "0b6a2d4e-0000-4000-8000-000000000001",
					 .boot_uuid = {0x0b, 0x6a},
					 .instance = "0123456789abcdef",
					 .kernel = "6.1.0",
					 .epoch_ns = 1700000000000000000,
					 .tick_ns = 10000000};

	return &node;
}

/* The record as it is read back from its line. */
static inline cJSON *image_record(const struct image *image)
{
	char objects[ID_HASH_SIZE], env[ID_HASH_SIZE];
	_cleanup_json_ cJSON *record = NULL;
	_cleanup_free_ char *line = NULL;
	cJSON *read = NULL;
	size_t len;

	run_object_hash(image, objects);
	run_env_hash(image, env);
	record = run_record(image_node(), image, objects, env);
	assert_non_null(record);
	line = record_print(record, &len);
	assert_int_equal(record_parse((struct bytes){line, len - 1}, &read), 0);
	return read;
}
