/* SPDX-License-Identifier: BSD-2-Clause */
/* A tracker with a preload in front of it, and what comes out as records; for tests. */
#pragma once

#include "tests/unit/daemon_spool.h"
#include "tests/unit/run_message.h"

#include "daemon/ends.h"
#include "daemon/preload.h"
#include "daemon/preload_look.h"
#include "daemon/tracker.h"

#include <cjson/cJSON.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

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

static struct facts *bench_facts[64]; /* never freed, since workers have them: still no leak */

static inline void bench_begin(struct bench *b, bool is_beside_bpf)
{
	static unsigned int count;
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
	assert_true(count < ARRAY_SIZE(bench_facts));
	bench_facts[count++] = tracker_facts(b->tracker);
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

/* --- messages */

struct told_program { /* 0 and NULL: as a plain one has it */
	uint32_t pid; /* as it says itself; 0: none of this test's */
	uint64_t token, boot_ns, used_ns;
	uint32_t ppid;
	const char *exe, *requested;
	struct bytes argv, env;
	uint64_t inode, size, mtime_ns, read_bytes;
	uint16_t argv_flags;
	struct run_end_memory end;
	const char *boot; /* of a file alone, as this */
	uint64_t start_ticks;
};

/* A program as its module tells of it. */
static inline struct bytes bench_message(struct message_room *room, const struct told_program *t)
{
	struct run_process process = {.boot_ns = t->boot_ns ? t->boot_ns : node_boot_ns(),
				      .ppid = t->ppid ? t->ppid : 1,
				      .uid = 1009,
				      .euid = 1009,
				      .user_ns = t->used_ns,
				      .minor_faults = 100,
				      .read_bytes = t->read_bytes,
				      .max_rss = 1 << 20};
	struct run_file file = {.device = 0x801,
				.inode = t->inode ? t->inode : 77,
				.size = t->size ? t->size : 9001,
				.mtime_ns = t->mtime_ns ? t->mtime_ns : 1700000000123456789,
				.owner_uid = 0};
	struct run_object self = {.has_watermark = 1, .build_id_len = 20};

	memset(self.build_id, 0xab, 20);
	memset(self.watermark, 0x11, 16);
	message_begin(room, RUN_BEGIN, t->pid, t->token ? t->token : MESSAGE_TOKEN);
	message_put(room, RUN_ITEM_PROCESS, 0, (struct bytes){(char *)&process, sizeof(process)});
	message_put(room, RUN_ITEM_FILE, 0, (struct bytes){(char *)&file, sizeof(file)});
	message_put(room, RUN_ITEM_EXE, 0, bytes_of(t->exe ? t->exe : "/usr/bin/program"));
	message_put(room, RUN_ITEM_REQUESTED, 0, bytes_of(t->requested ? t->requested : "program"));
	message_put(room, RUN_ITEM_CWD, 0, BYTES("/home/alice"));
	message_put(room, RUN_ITEM_CGROUP, 0, BYTES("0::/user.slice\n"));
	message_put(room, RUN_ITEM_ARGV, t->argv_flags,
		    t->argv.data ? t->argv : BYTES("program\0-n\0"));
	message_put(room, RUN_ITEM_ENV, 0, t->env.data ? t->env : BYTES("LANG=C\0"));
	message_put(room, RUN_ITEM_PROGRAM, 0, (struct bytes){(char *)&self, sizeof(self)});
	if (t->end.size)
		message_put(room, RUN_ITEM_END_MEMORY, 0,
			    (struct bytes){(char *)&t->end, sizeof(t->end)});
	if (t->boot)
		message_put(room, RUN_ITEM_BOOT, 0, bytes_of(t->boot));
	if (t->start_ticks)
		message_put(room, RUN_ITEM_START, 0,
			    (struct bytes){(char *)&t->start_ticks, sizeof(t->start_ticks)});
	message_put_object(room, 0, "/usr/lib/liba.so", 1);
	message_put_object(room, 0, "/none/ld-linux-x86-64.so.2", 2);
	return message_end(room);
}

/* As the kernel would tell of the end of a process, in all that it can. */
static inline void bench_ended(struct bench *b, pid_t pid, uint32_t status, uint64_t used_ns)
{
	struct end end = {.pid = pid,
			  .time_ns = node_boot_ns(),
			  .has_status = true,
			  .has_usage = true,
			  .has_times = true,
			  .has_io = true,
			  .wait_status = status,
			  .usage = {.user_ns = used_ns,
				    .runtime_ns = used_ns,
				    .minor_faults = 131,
				    .read_bytes = 4096,
				    .max_rss = 5 << 20}};

	preload_end(b->preload, &end);
	preload_advance(b->preload, true);
}

/* --- real processes */

/* Copies of this test, each forked by the one before; all end with the test. */
static inline void children_new(pid_t *ret, unsigned int count)
{
	int pipe_fds[2];
	pid_t pid;

	assert_int_equal(pipe(pipe_fds), 0);
	pid = fork();
	if (!pid) {
		for (unsigned int i = 0; i < count; i++) {
			pid_t self = getpid();

			prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (write(pipe_fds[1], &self, sizeof(self)) != sizeof(self))
				_exit(1);
			if (i + 1 < count && fork())
				break;
		}
		for (;;)
			pause();
	}
	for (unsigned int i = 0; i < count; i++)
		assert_int_equal(read(pipe_fds[0], &ret[i], sizeof(*ret)), sizeof(*ret));
	assert_int_equal(ret[0], pid);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

static inline void children_end(const pid_t *list)
{
	kill(list[0], SIGKILL);
	waitpid(list[0], NULL, 0);
}

/* --- what each test begins and ends with */

static struct bench bench;
static struct message_room room;

static inline int begin(void **state)
{
	(void)state;
	bench_begin(&bench, false);
	return 0;
}

static inline int end(void **state)
{
	(void)state;
	bench_end(&bench);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

static inline int send_program(pid_t pid, const struct told_program *program)
{
	return bench_send(&bench, pid, 1009, bench_message(&room, program));
}

static inline struct preload_counts counts(void)
{
	struct preload_counts now;

	preload_counts(bench.preload, &now);
	return now;
}

static inline bool is_incomplete(const cJSON *record, const char *text)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, record_get(record, "incomplete"))
		if (!strcmp(item->valuestring, text))
			return true;
	return false;
}
