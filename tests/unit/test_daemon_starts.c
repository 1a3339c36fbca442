// SPDX-License-Identifier: BSD-2-Clause
/* Start records: once for each long run, however often the daemon is killed, and nothing else
 * changed. */
#include "tests/unit/daemon_script.h"
#include "tests/unit/daemon_spool.h"

#include "daemon/tracker.h"

#include <signal.h>
#include <sys/wait.h>

#define RUNS 17

static struct place place;
static struct tracker *tracker;
static struct writer *writer;

static int begin(void **state)
{
	static struct config_rule rules[] = {{.text = "ignore user=7"}, {.text = "full"}};

	(void)state;
	place_begin(&place);
	place.config.journal_mib = 1;
	place.config.start_seconds = 1; /* the events are of the boot's first seconds */
	place.config.rules = (struct config_rules){rules, 2};
	return 0;
}

static int end(void **state)
{
	(void)state;
	place_end(&place);
	return 0;
}

static void turn(void)
{
	char *lines;

	tracker_advance(tracker, &lines);
	free(lines);
	usleep(1000);
}

static void life_begin(void)
{
	snprintf(place.node.instance, sizeof(place.node.instance), "%016llx",
		 (unsigned long long)node_unix_ns());
	if (writer_new(&place.config, &place.node, &writer) ||
	    tracker_new(&place.config, &place.node, writer, &tracker))
		abort();
}

static uint64_t starts(void)
{
	struct writer_status status;

	writer_status(writer, &status);
	return status.starts;
}

static struct event head_of(unsigned int run, unsigned int seq)
{
	struct live_key key = {1000 + run, 100 + run, 1};
	struct event head = script_head(&key, 1000 + seq);

	head.cpu = 0;
	head.seq = seq;
	return head;
}

/* The last one is of a user whose runs are ignored. */
static void execs(void)
{
	static union event_room room;

	for (unsigned int run = 0; run <= RUNS; run++) {
		struct event head = head_of(run, run + 1);

		event_make_exec(&room, &head, &(struct exec_texts){});
		if (run == RUNS)
			room.exec.uid = 7;
		tracker_event(tracker, &room.head);
	}
}

static void exits(void)
{
	static union event_room room;

	for (unsigned int run = 0; run <= RUNS; run++) {
		struct event head = head_of(run, RUNS + 2 + run);

		event_make_exit(&room, &head, 3 << 8);
		tracker_event(tracker, &room.head);
	}
}

/* A life in a process of its own, which abort() ends if something is wrong. */
static int life(void (*what)(void))
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		what();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void expect(bool is_so)
{
	if (!is_so)
		abort();
}

static bool is_collected;

/* Killed when all start records are in the file, before or after the journal knows. */
static void first_life(void)
{
	life_begin();
	execs();
	while (starts() < RUNS)
		turn();
	for (int i = 0; is_collected && i < 50; i++)
		turn();
	kill(getpid(), SIGKILL);
}

static void second_life(void)
{
	uint64_t until = node_boot_ns() + 1300 * NS_PER_MS; /* it looks each second */

	life_begin();
	while (node_boot_ns() < until)
		turn();
	expect(!starts());
	exits();
	while (!tracker_is_idle(tracker))
		turn();
	expect(!writer_finish(writer));
	turn();
	tracker_free(tracker);
	writer_free(writer);
}

/* The ids of that kind, RUNS at most. */
static unsigned int ids_of(const char *kind, uuid_t ids[RUNS])
{
	struct dirent **entries;
	int count = scandir(place.spool, &entries, NULL, alphasort);
	unsigned int found = 0;

	for (int i = 0; i < count; i++) {
		_cleanup_free_ char *text = NULL;

		if (strstr(entries[i]->d_name, ".jsonl"))
			text = file_text(place.spool, entries[i]->d_name, NULL);
		for (char *line = text, *next; line && *line; line = next) {
			_cleanup_json_ cJSON *record = NULL;
			char its[16];

			next = strchr(line, '\n') + 1;
			assert_int_equal(
				record_parse((struct bytes){line, next - line - 1}, &record), 0);
			if (strcmp(record_kind(record, its, sizeof(its)), kind))
				continue;
			assert_in_range(found, 0, RUNS - 1);
			record_get_uuid(record, "run_id", ids[found++]);
			assert_int_equal(cJSON_IsNull(record_get(record, "end")), *kind == 's');
			assert_int_equal(cJSON_IsNull(record_get(record, "exit")), *kind == 's');
		}
		free(entries[i]);
	}
	free(entries);
	return found;
}

static int uuid_order(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(uuid_t));
}

static void check(void)
{
	uuid_t announced[RUNS], ended[RUNS];

	assert_int_equal(ids_of("start", announced), RUNS);
	assert_int_equal(ids_of("run", ended), RUNS);
	qsort(announced, RUNS, sizeof(uuid_t), uuid_order);
	qsort(ended, RUNS, sizeof(uuid_t), uuid_order);
	assert_memory_equal(announced, ended, sizeof(announced));
}

static void a_kill_before_the_journal_knows_doubles_none(void **state)
{
	(void)state;
	is_collected = false;
	assert_int_equal(life(first_life), SIGKILL);
	assert_int_equal(life(second_life), 0);
	check();
}

static void a_kill_after_it_doubles_none(void **state)
{
	(void)state;
	is_collected = true;
	assert_int_equal(life(first_life), SIGKILL);
	assert_int_equal(life(second_life), 0);
	check();
}

static void life_without_starts(void)
{
	life_begin();
	execs();
	for (int i = 0; i < 100; i++)
		turn();
	expect(!starts());
	expect(!writer_finish(writer));
	tracker_free(tracker);
	writer_free(writer);
}

static void none_are_made_if_not_wanted(void **state)
{
	(void)state;
	place.config.start_seconds = 0;
	assert_int_equal(life(life_without_starts), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(a_kill_before_the_journal_knows_doubles_none),
		TEST(a_kill_after_it_doubles_none),
		TEST(none_are_made_if_not_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
