// SPDX-License-Identifier: BSD-2-Clause
/*
 * From events to spool files with everything in between but the kernel: killed at random moments,
 * with the ring's last events told again, each run has one record, and each record is valid.
 */
#include "tests/unit/daemon_script.h"
#include "tests/unit/daemon_spool.h"

#include "daemon/tracker.h"

#include <math.h>
#include <search.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define RUNS  997
#define KILLS 23
#define BATCH 37 /* events between two turns of the loop */

static struct place place;

/* What outlives the daemon, as the ring does. */
struct ring {
	unsigned int released;
};

static int begin(void **state)
{
	static char *environment[] = {"OMP_*"};

	(void)state;
	place_begin(&place);
	place.config.journal_mib = 1; /* so that it is started anew often */
	place.config.environment = (struct config_list){environment, 1};
	return 0;
}

/* The same with every run in a group where that can be. */
static int begin_grouped(void **state)
{
	static struct config_rule rule = {.text = "group"};
	int r = begin(state);

	place.config.rules = (struct config_rules){&rule, 1};
	place.config.group_seconds = UINT32_MAX; /* the events are of long ago */
	place.config.group_short_seconds = 10;
	return r;
}

static int end(void **state)
{
	(void)state;
	place_end(&place);
	return 0;
}

/*
 * Events of RUNS runs, five each: a process is forked by one that ended with the last round, execs,
 * maps, forks a copy, ends; of every third the copy ends later. Its argv is its number.
 */
#define PER_RUN 6
static void event_of(unsigned int i, union event_room *room)
{
	unsigned int run = i / PER_RUN;
	struct live_key key = {1000000 + run, 100 + run, 1}, copy = {2000000 + run, 50000 + run, 1};
	struct event head = script_head(&key, 1000 + i);
	char argv[16];

	head.cpu = run % 3;
	head.seq = i + 1;
	switch (i % PER_RUN) {
	case 0:
		event_make_exec(room, &head,
				&(struct exec_texts){
					.argv = {argv, snprintf(argv, sizeof(argv), "%u", run) + 1},
					.env = BYTES("SECRET=1\0OMP_X=\xff\0")});
		break;
	case 1:
	case 2:
		event_make_mmap(room, &head, i % 7, bytes_of("/lib/\xff/lib.so"));
		break;
	case 3:
		room->fork = (struct event_fork){.head = script_head(&copy, 1000 + i),
						 .parent_start_ns = key.start_ns,
						 .parent_pid = key.pid,
						 .parent_exec_id = 1};
		room->head.kind = EVENT_FORK;
		room->head.size = sizeof(room->fork);
		room->head.cpu = head.cpu;
		room->head.seq = head.seq;
		break;
	case 4: /* the copy's end, or first that of its origin */
	case 5:
		if ((i % PER_RUN == 4) == (run % 3 != 0)) {
			head.pid = copy.pid;
			head.start_ns = copy.start_ns;
		}
		event_make_exit(room, &head, (run % 251) << 8);
		room->exit.usage.runtime_ns = 1000;
	}
}

static struct tracker *tracker_begin(struct writer **ret_writer)
{
	struct tracker *tracker;

	place.node.started_unix_ns = node_unix_ns();
	snprintf(place.node.instance, sizeof(place.node.instance), "%016llx",
		 (unsigned long long)node_unix_ns());
	if (writer_new(&place.config, &place.node, ret_writer) ||
	    tracker_new(&place.config, &place.node, *ret_writer, &tracker))
		abort();
	return tracker;
}

static void turn(struct tracker *tracker)
{
	char *lines;

	tracker_advance(tracker, &lines);
	free(lines);
}

/* One life of the daemon: to the end, or killed before event kill_at and that many microseconds. */
static void live_once(struct ring *ring, unsigned int kill_at, unsigned int pause_us)
{
	static union event_room room;
	struct writer *writer;
	struct tracker *tracker = tracker_begin(&writer);

	for (unsigned int i = ring->released; i < RUNS * PER_RUN; i++) {
		if (i == kill_at) {
			usleep(pause_us);
			kill(getpid(), SIGKILL);
		}
		while (!tracker_has_room(tracker))
			turn(tracker);
		event_of(i, &room);
		tracker_event(tracker, &room.head);
		if (i % BATCH == 0) { /* the ring lets go of what was taken */
			turn(tracker);
			ring->released = i + 1;
			if (i % (7 * BATCH) == 0)
				tracker_end_groups(tracker);
		}
	}
	while (!tracker_is_idle(tracker)) {
		turn(tracker);
		tracker_end_groups(tracker);
	}
	if (writer_finish(writer))
		abort();
	turn(tracker);
	tracker_free(tracker);
	writer_free(writer);
	_exit(0);
}

/* A life in a process of its own. */
static int life(struct ring *ring, unsigned int kill_at, unsigned int pause_us)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		live_once(ring, kill_at, pause_us);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

struct seen {
	unsigned int runs[RUNS], copies[RUNS];
	unsigned int doubled;
	void *ids;
	/* runs and members of groups together */
	unsigned int exits[251], all, groups;
	uint64_t cpu_us, elapsed_us, forks;
};

static int id_compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static uint64_t number_of(const cJSON *record, const char *path, double scale)
{
	double value;

	assert_int_equal(record_get_number(record, path, &value), 0);
	return llround(value * scale);
}

static bool id_is_new(struct seen *seen, const cJSON *record, const char *name)
{
	char *copy = strdup(record_get(record, name)->valuestring);

	if (*(char **)tsearch(copy, &seen->ids, id_compare) == copy)
		return true;
	seen->doubled++;
	free(copy);
	return false;
}

static void run_see(struct seen *seen, const cJSON *record)
{
	const cJSON *argv = record_get(record, "argv");
	unsigned int run;

	assert_non_null(argv);
	run = atoi(argv->child->valuestring);
	assert_in_range(run, 0, RUNS - 1);
	if (!id_is_new(seen, record, "run_id"))
		return;
	if (!strcmp(record_get(record, "origin")->valuestring, "fork")) {
		seen->copies[run]++;
	} else {
		seen->runs[run]++;
		assert_int_equal(record_get(record, "usage.forks")->valueint, run % 3 != 0);
	}
	assert_int_equal(record_get(record, "exit.code")->valueint, run % 251);
	seen->all++;
	seen->exits[run % 251]++;
	seen->cpu_us +=
		number_of(record, "usage.user_s", 1e6) + number_of(record, "usage.system_s", 1e6);
	seen->elapsed_us += number_of(record, "elapsed_s", 1e6);
	seen->forks += number_of(record, "usage.forks", 1);
}

static void group_see(struct seen *seen, const cJSON *record)
{
	const cJSON *exit;
	uint64_t count = 0;

	if (!id_is_new(seen, record, "group_id"))
		return;
	seen->groups++;
	cJSON_ArrayForEach (exit, record_get(record, "exits")) {
		seen->exits[number_of(exit, "exit.code", 1)] += number_of(exit, "count", 1);
		count += number_of(exit, "count", 1);
	}
	assert_int_equal(count, number_of(record, "count", 1));
	assert_in_range(count, 2, RUNS * 2);
	seen->all += count;
	seen->cpu_us += number_of(record, "usage.user_s.sum", 1e6) +
			number_of(record, "usage.system_s.sum", 1e6);
	seen->elapsed_us += number_of(record, "elapsed_s.sum", 1e6);
	seen->forks += number_of(record, "usage.forks.sum", 1);
}

static void record_see(struct seen *seen, const cJSON *record)
{
	char kind[16];

	if (!strcmp(record_kind(record, kind, sizeof(kind)), "run"))
		run_see(seen, record);
	else if (!strcmp(kind, "group"))
		group_see(seen, record);
}

static void files_see(struct seen *seen)
{
	struct dirent **entries;
	int count = scandir(place.spool, &entries, NULL, alphasort);

	for (int i = 0; i < count; i++) {
		_cleanup_free_ char *text = NULL;

		if (strstr(entries[i]->d_name, ".jsonl")) {
			assert_int_not_equal(entries[i]->d_name[0], '.');
			text = file_text(place.spool, entries[i]->d_name, NULL);
		}
		for (char *line = text, *next; line && *line; line = next) {
			_cleanup_json_ cJSON *record = NULL;

			next = strchr(line, '\n') + 1;
			assert_int_equal(
				record_parse((struct bytes){line, next - line - 1}, &record), 0);
			record_see(seen, record);
		}
		free(entries[i]);
	}
	free(entries);
}

static void check_runs(void)
{
	static struct seen seen;

	memset(&seen, 0, sizeof(seen));
	files_see(&seen);
	for (unsigned int run = 0; run < RUNS; run++) {
		assert_int_equal(seen.runs[run], 1);
		assert_int_equal(seen.copies[run], run % 3 == 0);
	}
	tdestroy(seen.ids, free);
	assert_int_equal(seen.doubled, 0);
}

/* What each of RUNS runs, and each copy that outlived one, has used and how it ended: exactly, but
 * in few records. */
static void check_groups(void)
{
	static struct seen seen, want;
	unsigned int records = 0;

	memset(&seen, 0, sizeof(seen));
	memset(&want, 0, sizeof(want));
	files_see(&seen);
	for (unsigned int run = 0; run < RUNS; run++) {
		bool outlived = run % 3 == 0;

		want.exits[run % 251] += 1 + outlived;
		want.all += 1 + outlived;
		want.cpu_us += 2; /* the copy's and its origin's */
		want.forks += !outlived;
		/* from its exec to its end; from the copy's fork to its end */
		want.elapsed_us += outlived ? 4000 + 2000 : 5000;
		records += seen.runs[run] + seen.copies[run];
		assert_in_range(seen.runs[run], 0, 1);
		assert_in_range(seen.copies[run], 0, 1);
	}
	print_message("# %u runs in %u groups, %u alone\n", seen.all - records, seen.groups,
		      records);
	assert_memory_equal(seen.exits, want.exits, sizeof(want.exits));
	assert_int_equal(seen.all, want.all);
	assert_int_equal(seen.cpu_us, want.cpu_us);
	assert_int_equal(seen.elapsed_us, want.elapsed_us);
	assert_int_equal(seen.forks, want.forks);
	assert_int_equal(seen.doubled, 0);
	assert_in_range(seen.groups, 2, RUNS / 2);
	assert_in_range(records, 0, RUNS / 2);
	tdestroy(seen.ids, free);
}

static void (*check)(void) = check_runs;

/* Every line against its schema; the tests are run from the top folder. */
static void check_schema(void)
{
	char command[256];

	if (access("tests/validate", X_OK) ||
	    system("/usr/bin/python3 -c 'import jsonschema' 2>/dev/null")) {
		print_message(
			"tests/validate or its python3-jsonschema is not here: not validated\n");
		return;
	}
	snprintf(command, sizeof(command), "/usr/bin/python3 tests/validate %s/*.jsonl >&2",
		 place.spool);
	assert_int_equal(system(command), 0);
}

static void each_run_has_one_record(void **state)
{
	struct ring ring = {0};

	(void)state;
	assert_int_equal(life(&ring, UINT32_MAX, 0), 0);
	check();
	check_schema();
}

static void kill_often(void)
{
	struct ring *ring = mmap(NULL, sizeof(*ring), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned int seed = node_unix_ns() / 1000 % 1000000;

	print_message("# seed %u\n", seed);
	srandom(seed);
	ring->released = 0;
	for (unsigned int i = 0; i < KILLS; i++) {
		unsigned int kill_at = ring->released + random() % (2 * RUNS * PER_RUN / KILLS);
		int status = life(ring, kill_at, random() % 2 ? random() % 3000 : 0);

		assert_true(status == 0 || WTERMSIG(status) == SIGKILL);
		if (!status)
			break;
	}
	assert_int_equal(life(ring, UINT32_MAX, 0), 0);
	check();
	check_schema();
	munmap(ring, sizeof(*ring));
}

static void kills_lose_nothing_and_double_nothing(void **state)
{
	(void)state;
	kill_often();
}

/* Nor where each batch has a file of its own: what is closed isn't read at the next start. */
static void kills_around_the_closing_of_files(void **state)
{
	(void)state;
	place.config.rotate_seconds = 0;
	kill_often();
}

/* Killed while the disk is full and images wait for it: they are written when it has room. */
static void a_disk_that_takes_nothing_loses_nothing(void **state)
{
	struct ring *ring = mmap(NULL, sizeof(*ring), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;

	(void)state;
	if (!folder_mount(place.spool, "64k")) {
		print_message("no tmpfs can be mounted here\n");
		skip();
	}
	status = life(ring, 3001, 200000); /* long before that the disk is full */
	assert_int_equal(WTERMSIG(status), SIGKILL);
	assert_int_equal(mount("none", place.spool, "tmpfs", MS_REMOUNT, "size=64m"), 0);
	assert_int_equal(life(ring, UINT32_MAX, 0), 0);
	check();
	check_schema();
	munmap(ring, sizeof(*ring));
}

static int check_as_runs(void **state)
{
	check = check_runs;
	return begin(state);
}

static int check_as_groups(void **state)
{
	check = check_groups;
	return begin_grouped(state);
}

int main(void)
{
#define TEST(name)    cmocka_unit_test_setup_teardown(name, check_as_runs, end)
#define GROUPED(name) cmocka_unit_test_setup_teardown(name, check_as_groups, end)
	const struct CMUnitTest tests[] = {
		TEST(each_run_has_one_record),
		TEST(kills_lose_nothing_and_double_nothing),
		TEST(kills_around_the_closing_of_files),
		TEST(a_disk_that_takes_nothing_loses_nothing),
		GROUPED(each_run_has_one_record),
		GROUPED(kills_lose_nothing_and_double_nothing),
		GROUPED(kills_around_the_closing_of_files),
		GROUPED(a_disk_that_takes_nothing_loses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
