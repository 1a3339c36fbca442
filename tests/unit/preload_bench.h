/* SPDX-License-Identifier: BSD-2-Clause */
/* A tracker with a preload in front of it, and what comes out as records; for tests. */
#pragma once

#include "tests/unit/daemon_spool.h"
#include "tests/unit/run_message.h"

#include "daemon/ends.h"
#include "daemon/preload.h"
#include "daemon/tracker.h"

#include <cjson/cJSON.h>

#define GONE_PID 0x3fffff0 /* over the kernel's highest */

struct bench {
	struct place place;
	struct writer *writer;
	struct tracker *tracker;
	struct preload *preload;
	unsigned int watched; /* times that an end was asked for */
	pid_t watched_pid;
	int watch_answer;
};

static inline int bench_watch(void *arg, pid_t pid, int pidfd)
{
	struct bench *b = arg;

	cleanup_close(&pidfd);
	b->watched++;
	b->watched_pid = pid;
	return b->watch_answer;
}

static inline void bench_begin(struct bench *b, bool is_beside_bpf)
{
	struct preload_options options = {.node = &b->place.node,
					  .watch = bench_watch,
					  .watch_arg = b,
					  .is_beside_bpf = is_beside_bpf,
					  .spool_fd = -1};

	memset(b, 0, sizeof(*b));
	place_begin(&b->place);
	b->place.config.workers = 2;
	b->place.config.journal_mib = 4;
	b->place.config.opt_out = true;
	assert_int_equal(writer_new(&b->place.config, &b->place.node, &b->writer), 0);
	assert_int_equal(tracker_new(&b->place.config, &b->place.node, b->writer, &b->tracker), 0);
	options.tracker = b->tracker;
	assert_int_equal(preload_new(&options, &b->preload), 0);
}

static inline void bench_end(struct bench *b)
{
	preload_free(b->preload);
	(void)writer_finish(b->writer);
	tracker_free(b->tracker);
	writer_free(b->writer);
	place_end(&b->place);
}

static inline int bench_send(struct bench *b, pid_t pid, uint32_t uid, struct bytes message)
{
	struct message_sender sender = {.pid = pid, .uid = uid, .gid = 1013};

	return preload_take(b->preload, &sender, -1, message);
}

/* What workers look up for it is known. */
static inline void bench_settle(struct bench *b, struct image *image)
{
	struct fact *facts[64] = {image->user, image->program};
	unsigned int count = 2;

	for (uint32_t i = 0; i < image->object_count && count < ARRAY_SIZE(facts); i++)
		facts[count++] = image->objects[i];
	for (unsigned int i = 0; i < count; i++)
		for (int turns = 0; facts[i] && facts[i]->state == FACT_ASKED; turns++) {
			assert_true(turns < 5000);
			usleep(1000);
			facts_collect(tracker_facts(b->tracker));
		}
}

/* The record of the run that ended first, which the caller frees; NULL: there is none. */
static inline cJSON *bench_record(struct bench *b)
{
	struct image *image = TAILQ_FIRST(live_finished(tracker_live(b->tracker)));
	char objects[ID_HASH_SIZE];
	cJSON *record;

	if (!image)
		return NULL;
	TAILQ_REMOVE(live_finished(tracker_live(b->tracker)), image, link);
	bench_settle(b, image);
	run_object_hash(image, objects);
	record = run_record(&b->place.node, image, objects, "");
	cJSON_AddItemToObject(record, "set", run_object_set(image, objects));
	cJSON_AddNumberToObject(record, "verdict", image_verdict(image));
	image_free(tracker_facts(b->tracker), image);
	return record;
}
