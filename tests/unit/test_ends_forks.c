// SPDX-License-Identifier: BSD-2-Clause
/* Forked copies: how many, and what they used; wait4(2) knows. What happens at each bound. */
#include "tests/unit/ends_children.h"

#include <arpa/inet.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <pthread.h>
#include <sys/syscall.h>

#define BIT(rung)   (1U << (rung))
#define COPIES	    7
#define BURN_NS	    (11 * NS_PER_MS)
#define FAKE_PID    0x3ff00000 /* over the kernel's highest */
#define OVERFLOWING 1009

/* --- ways to fork */

static void burn(void)
{
	struct timespec used;

	do
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	while (used.tv_sec * NS_PER_S + used.tv_nsec < BURN_NS);
}

static void wait_all(void)
{
	while (wait(NULL) > 0 || errno == EINTR)
		;
}

static void copies_burn(const void *arg)
{
	(void)arg;
	for (int i = 0; i < COPIES; i++)
		if (!fork()) {
			burn();
			_exit(i);
		}
	wait_all();
	_exit(0);
}

static void copies_of_copies(const void *arg)
{
	(void)arg;
	for (int depth = 0; depth < COPIES; depth++)
		if (fork()) {
			burn();
			wait_all();
			_exit(0);
		}
	burn();
	_exit(0);
}

static void *thread_burns(void *arg)
{
	burn();
	return arg;
}

/* Who has threads, and in which another one than the first ends last. */
static void copies_with_threads(const void *arg)
{
	pthread_t threads[2];

	(void)arg;
	for (int i = 0; i < COPIES; i++)
		if (!fork()) {
			for (int t = 0; t < 2; t++)
				(void)pthread_create(&threads[t], NULL, thread_burns, NULL);
			if (i % 2)
				syscall(SYS_exit, 0);
			for (int t = 0; t < 2; t++)
				pthread_join(threads[t], NULL);
			_exit(0);
		}
	wait_all();
	_exit(0);
}

static void *thread_forks(void *arg)
{
	if (!fork()) {
		burn();
		_exit(0);
	}
	return arg;
}

static void threads_fork(const void *arg)
{
	pthread_t threads[COPIES];

	(void)arg;
	for (int i = 0; i < COPIES; i++)
		(void)pthread_create(&threads[i], NULL, thread_forks, NULL);
	for (int i = 0; i < COPIES; i++)
		pthread_join(threads[i], NULL);
	wait_all();
	_exit(0);
}

static void *thread_forks_on(void *arg)
{
	copies_burn(arg);
	return arg;
}

static void first_thread_ends_first(const void *arg)
{
	pthread_t thread;

	(void)arg;
	(void)pthread_create(&thread, NULL, thread_forks_on, NULL);
	syscall(SYS_exit, 0);
}

static void copies_outlive(const void *arg)
{
	(void)arg;
	for (int i = 0; i < COPIES; i++)
		if (!fork()) {
			if (i >= 2)
				usleep(151000);
			_exit(0);
		}
	for (int i = 0; i < 2; i++)
		wait(NULL);
	_exit(0);
}

/* Nobody says what they had used. */
static void copies_exec(const void *arg)
{
	(void)arg;
	for (int i = 0; i < COPIES - 1; i++)
		if (!fork())
			execl("/bin/true", "true", NULL);
	if (!vfork())
		execl("/bin/true", "true", NULL);
	wait_all();
	_exit(0);
}

static void forks_nothing(const void *arg)
{
	(void)arg;
	_exit(0);
}

static const struct way {
	const char *name;
	void (*what)(const void *arg);
	uint64_t count, untold;
} ways[] = {
	{"copies burn", copies_burn, COPIES, 0},
	{"copies of copies", copies_of_copies, COPIES, 0},
	{"copies with threads", copies_with_threads, COPIES, 0},
	{"threads fork", threads_fork, COPIES, 0},
	{"the first thread ends first", first_thread_ends_first, COPIES, 0},
	{"copies outlive", copies_outlive, 2, 0},
	{"copies exec", copies_exec, COPIES, COPIES},
	{"none", forks_nothing, 0, 0},
};

/* --- as if the connector had told */

static void say(struct ends *ends, uint32_t what, pid_t pid, pid_t child, uint64_t time_ns)
{
	char message[sizeof(struct nlmsghdr) + sizeof(struct cn_msg) + sizeof(struct proc_event)];
	struct cn_msg body = {.id = {CN_IDX_PROC, CN_VAL_PROC}};
	struct proc_event event = {.timestamp_ns = time_ns - ends->mono_to_boot_ns};

	event.what = what;
	if (what == PROC_EVENT_FORK) {
		event.event_data.fork.parent_pid = event.event_data.fork.parent_tgid = pid;
		event.event_data.fork.child_pid = event.event_data.fork.child_tgid = child;
	} else {
		event.event_data.exit.process_pid = event.event_data.exit.process_tgid = pid;
	}
	memset(message, 0, sizeof(message));
	memcpy(message + sizeof(struct nlmsghdr), &body, sizeof(body));
	memcpy(message + sizeof(struct nlmsghdr) + sizeof(body), &event, sizeof(event));
	connector_take(ends, message, sizeof(message));
}

/* The test's children are copies of it, which have not exec'd. */
static struct child program_new(struct ends *ends, void (*what)(const void *arg))
{
	struct child child = child_new(what, NULL);

	ends_drain(ends);
	if (ends_works(ends, ENDS_CONNECTOR))
		say(ends, PROC_EVENT_EXEC, child.pid, 0, node_boot_ns());
	return child;
}

/* --- what is told */

static uint64_t cpu_ns(const struct rusage *usage)
{
	return (usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * NS_PER_S +
	       (usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) * 1000ULL;
}

#define CHECK(what)                                                                                \
	do {                                                                                       \
		if (!(what)) {                                                                     \
			print_error("%s%s: not %s (%llu, %llu untold)\n", way->name,               \
				    is_late ? ", asked for later" : "", #what,                     \
				    (unsigned long long)sum->count,                                \
				    (unsigned long long)sum->untold);                              \
			failed++;                                                                  \
		}                                                                                  \
	} while (0)

static unsigned int run(struct ends *ends, const struct way *way, bool is_late)
{
	bool has_usage = ends_works(ends, ENDS_TASKSTATS);
	const struct forks_sum *sum = &told.forks[0];
	uint64_t begin_ns = node_boot_ns(), known_ns, told_ns;
	struct child child = program_new(ends, way->what);
	unsigned int failed = 0;

	told.ended_count = 0;
	if (!is_late)
		assert_int_equal(ends_watch(ends, child.pid, -1), 0);
	child_go(&child);
	child_wait(&child);
	if (is_late)
		assert_int_equal(ends_watch(ends, child.pid, -1), -ESRCH);
	collect(ends, 1, 3000);
	assert_int_equal(told.ended_count, 1);
	if (!ends_works(ends, ENDS_CONNECTOR)) {
		CHECK(!sum->since_ns && !sum->count);
		return failed;
	}
	CHECK(sum->since_ns && sum->since_ns <= begin_ns);
	CHECK(sum->count == way->count);
	CHECK(sum->untold == (has_usage ? way->untold : way->count));
	if (!has_usage || way->untold)
		return failed;
	/* with taking down memory, which comes after the record */
	known_ns = cpu_ns(&child.usage);
	told_ns = told.ended[0].usage.runtime_ns + sum->usage.runtime_ns;
	CHECK(told_ns <= known_ns + NS_PER_MS);
	CHECK(told_ns + known_ns / 10 + 30 * NS_PER_MS >= known_ns);
	return failed;
}

static void copies_are_summed(void **state)
{
	static const unsigned int rungs[] = {0, BIT(ENDS_CONNECTOR) | BIT(ENDS_PIDFD),
					     BIT(ENDS_TASKSTATS) | BIT(ENDS_PIDFD)};
	unsigned int failed = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rungs); i++) {
		struct ends *ends = ends_begin_rungs(rungs[i]);

		for (size_t w = 0; w < ARRAY_SIZE(ways); w++)
			for (int is_late = 0; is_late < 2; is_late++)
				failed += run(ends, &ways[w], is_late);
		assert_int_equal(ends->counts[PLACE_COPY], 0);
		ends_free(ends);
	}
	assert_int_equal(failed, 0);
}

static struct ends *begin_with_connector(int queue_bytes)
{
	struct ends *ends = ends_begin(&(struct ends_options){.queue_bytes = queue_bytes});

	if (ends_works(ends, ENDS_CONNECTOR))
		return ends;
	ends_free(ends);
	print_message("# no connector here\n");
	skip();
	return NULL;
}

/* One program after the other in the same process, each with copies of its own. */
static void programs_are_apart(void **state)
{
	struct ends *ends = begin_with_connector(0);
	char *const argv[] = {
		"sh", "-c",
		"for i in 1 2; do (:) ; done; exec sh -c 'for i in 1 2 3; do (:); done; exit 3'",
		NULL};
	uint64_t begin_ns = node_boot_ns();
	struct forks_sum sum;
	pid_t pid = fork();

	(void)state;
	if (!pid) {
		if (!fork())
			_exit(0);
		wait_all();
		execv("/bin/sh", argv);
		_exit(99);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	ends_forks(ends, pid, node_boot_ns(), &sum);
	assert_true(sum.since_ns && sum.since_ns <= begin_ns);
	assert_int_equal(sum.count, 2);
	ends_forks(ends, pid, node_boot_ns(), &sum);
	assert_int_equal(sum.count, 0);
	assert_int_equal(ends_watch(ends, pid, -1), -ESRCH);
	collect(ends, 1, 3000);
	assert_int_equal(told.forks[0].count, 3);
	assert_int_equal(told.forks[0].untold, ends_works(ends, ENDS_TASKSTATS) ? 0 : 3);
	ends_free(ends);
}

static const struct forks_sum *end_of(struct ends *ends, struct child *child)
{
	told.ended_count = 0;
	child_go(child);
	child_wait(child);
	collect(ends, 1, 3000);
	assert_int_equal(told.ended_count, 1);
	assert_int_equal(ends->counts[PLACE_COPY], 0);
	return &told.forks[0];
}

/* What a copy had used until its exec is owed by the program that follows, and by no later one. */
static void what_is_owed(void **state)
{
	static const struct {
		uint64_t execs[2], asked, used; /* after the fork; 0: none */
	} cases[] = {{{10, 0}, 11, 5},
		     {{10, 0}, 9, 0},
		     {{10, 20}, 15, 5},
		     {{10, 20}, 25, 0},
		     {{10, 0}, 0, 0}};
	struct event_usage usage = {.runtime_ns = 5};
	struct ends *ends = begin_with_connector(0);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct child child = program_new(ends, forks_nothing);
		uint64_t at_ns = node_boot_ns();
		const struct forks_sum *sum;
		pid_t pid = FAKE_PID + i;

		assert_int_equal(ends_watch(ends, child.pid, -1), 0);
		say(ends, PROC_EVENT_FORK, child.pid, pid, at_ns);
		for (size_t e = 0; e < 2 && cases[i].execs[e]; e++)
			say(ends, PROC_EVENT_EXEC, pid, 0, at_ns + cases[i].execs[e]);
		assert_int_equal(ends_copy_of(ends, pid, at_ns + cases[i].asked),
				 cases[i].used ? child.pid : 0);
		for (int times = 0; times < 2 && cases[i].used; times++)
			ends_copy_used(ends, pid, &usage); /* counts once */
		sum = end_of(ends, &child);
		assert_int_equal(sum->count, 1);
		assert_int_equal(sum->untold, !cases[i].used);
		assert_int_equal(sum->usage.runtime_ns, cases[i].used);
	}
	ends_free(ends);
}

/* More than there is room for: what is not known is said, and the next one has room again. */
static void copies_are_bounded(void **state)
{
	struct ends *ends = begin_with_connector(0);
	const struct forks_sum *sum;

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		unsigned int count = ENDS_COPIES_OF_ONE + i - 1;
		struct child child = program_new(ends, forks_nothing);

		assert_int_equal(ends_watch(ends, child.pid, -1), 0);
		ends_drain(ends);
		for (unsigned int c = 0; c < count; c++)
			say(ends, PROC_EVENT_FORK, child.pid, FAKE_PID + c, node_boot_ns());
		assert_int_equal(ends->counts[PLACE_COPY], MIN(count, ENDS_COPIES_OF_ONE));
		sum = end_of(ends, &child);
		assert_int_equal(sum->since_ns != 0, count <= ENDS_COPIES_OF_ONE);
		assert_int_equal(sum->count, 0); /* they outlive it */
	}
	ends_free(ends);
}

static void all_copies_are_bounded(void **state)
{
	enum { MANY = ENDS_COPIES_MAX / ENDS_COPIES_OF_ONE + 2 };
	struct ends *ends = begin_with_connector(0);
	struct child children[MANY];
	unsigned int unknown = 0;

	(void)state;
	for (unsigned int i = 0; i < MANY; i++) {
		children[i] = program_new(ends, forks_nothing);
		assert_int_equal(ends_watch(ends, children[i].pid, -1), 0);
	}
	ends_drain(ends);
	for (unsigned int i = 0; i < MANY * ENDS_COPIES_OF_ONE; i++)
		say(ends, PROC_EVENT_FORK, children[i % MANY].pid, FAKE_PID + i, node_boot_ns());
	assert_int_equal(ends->counts[PLACE_COPY], ENDS_COPIES_MAX);
	told.ended_count = 0;
	for (unsigned int i = 0; i < MANY; i++) {
		child_go(&children[i]);
		child_wait(&children[i]);
	}
	collect(ends, MANY, 3000);
	for (unsigned int i = 0; i < MANY; i++)
		unknown += !told.forks[i].since_ns;
	assert_int_equal(unknown, MANY);
	assert_int_equal(ends->counts[PLACE_COPY], 0);
	ends_drain(ends);
	(void)process_get(ends, FAKE_PID - 1);
	assert_int_equal(ends->counts[PLACE_RECENT], RECENT_MAX);
	ends_free(ends);
}

/* Nobody has asked for it yet, and others have taken its place. */
static void who_is_forgotten_is_unknown(void **state)
{
	struct ends *ends = begin_with_connector(0);
	struct child child = program_new(ends, forks_nothing);
	uint64_t begin_ns = node_boot_ns();

	(void)state;
	ends_drain(ends);
	say(ends, PROC_EVENT_FORK, child.pid, FAKE_PID, begin_ns + 1);
	say(ends, PROC_EVENT_EXIT, FAKE_PID, 0, begin_ns + 2);
	for (unsigned int i = 0; i < RECENT_MAX; i++)
		say(ends, PROC_EVENT_EXIT, FAKE_PID + 1 + i, 0, begin_ns + 3);
	assert_int_equal(ends_watch(ends, child.pid, -1), 0);
	assert_true(end_of(ends, &child)->since_ns > begin_ns);
	ends_free(ends);
}

/* Messages were lost while it ran: nothing is known of it; of the next one all is, unless the rest
 * of the node overflows so small a queue again. */
static void losses_make_it_unknown(void **state)
{
	struct ends *ends = begin_with_connector(4096);
	uint64_t begin_ns = node_boot_ns(), overruns;
	bool is_known;
	struct child child = program_new(ends, copies_burn);

	(void)state;
	assert_int_equal(ends_watch(ends, child.pid, -1), 0);
	for (int i = 0; i < OVERFLOWING; i++) {
		pid_t pid = fork();

		if (!pid)
			_exit(0);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
	}
	assert_true(end_of(ends, &child)->since_ns > begin_ns);
	overruns = ends->overruns[ENDS_BY_CONNECTOR];
	assert_true(overruns > 0);
	begin_ns = node_boot_ns();
	child = program_new(ends, forks_nothing);
	assert_int_equal(ends_watch(ends, child.pid, -1), 0);
	is_known = end_of(ends, &child)->since_ns <= begin_ns;
	assert_int_equal(is_known, ends->overruns[ENDS_BY_CONNECTOR] == overruns);
	ends_free(ends);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies_are_summed),
		cmocka_unit_test(programs_are_apart),
		cmocka_unit_test(what_is_owed),
		cmocka_unit_test(copies_are_bounded),
		cmocka_unit_test(all_copies_are_bounded),
		cmocka_unit_test(who_is_forgotten_is_unknown),
		cmocka_unit_test(losses_make_it_unknown),
		cmocka_unit_test(as_plain_user),
	};
	size_t last = ARRAY_SIZE(tests) - 1;

	(void)argv;
	return argc > 1 ? _cmocka_run_group_tests("plain", tests, last, NULL, NULL)
			: cmocka_run_group_tests(tests, NULL, NULL);
}
