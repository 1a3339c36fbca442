// SPDX-License-Identifier: BSD-2-Clause
/* How processes end, as each rung tells it alone and as all tell it together; wait4(2) knows. */
#include "tests/unit/ends_children.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#define BIT(rung) (1U << (rung))
#define MEMORY	  (23 << 20)
#define BURN_NS	  (41 * NS_PER_MS)
#define WRITTEN	  (7 << 20)

/* --- ways to end */

static void *thread_pauses(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void *thread_exits_later(void *arg)
{
	usleep(31000);
	_exit(*(int *)arg);
}

static void *thread_returns(void *arg)
{
	usleep(31000);
	return arg;
}

static void *thread_execs(void *arg)
{
	(void)arg;
	execl("/bin/sh", "sh", "-c", "exit 11", NULL);
	_exit(97);
}

static void burn(void)
{
	struct timespec used;

	do
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	while (used.tv_sec * NS_PER_S + used.tv_nsec < BURN_NS);
}

static void *thread_burns(void *arg)
{
	burn();
	return arg;
}

static void threads_begin(pthread_t *threads, size_t count, void *(*what)(void *))
{
	static int code = 7;

	for (size_t i = 0; i < count; i++)
		if (pthread_create(&threads[i], NULL, what, &code))
			_exit(96);
}

static void killed(const void *arg)
{
	kill(getpid(), *(const int *)arg);
	pause();
}

static void dumps_core(const void *arg)
{
	struct rlimit limit;

	(void)arg;
	getrlimit(RLIMIT_CORE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_CORE, &limit);
	kill(getpid(), SIGSEGV);
	pause();
}

static void with_threads(const void *arg)
{
	pthread_t threads[5];

	threads_begin(threads, ARRAY_SIZE(threads), thread_pauses);
	usleep(10000);
	_exit(*(const int *)arg);
}

static void leader_first(const void *arg)
{
	pthread_t thread;

	(void)arg;
	threads_begin(&thread, 1, thread_exits_later);
	syscall(SYS_exit, 0);
}

static void leader_first_all_return(const void *arg)
{
	pthread_t threads[3];

	(void)arg;
	threads_begin(threads, ARRAY_SIZE(threads), thread_returns);
	syscall(SYS_exit, 0);
}

static void leader_first_killed(const void *arg)
{
	pthread_t thread;

	(void)arg;
	if (!fork()) {
		usleep(47000);
		kill(getppid(), SIGKILL);
		_exit(0);
	}
	threads_begin(&thread, 1, thread_pauses);
	syscall(SYS_exit, 5 << 8);
}

static void exec_by_thread(const void *arg)
{
	pthread_t threads[3];

	(void)arg;
	threads_begin(threads, 2, thread_pauses);
	threads_begin(threads + 2, 1, thread_execs);
	for (;;)
		pause();
}

static void burns(const void *arg)
{
	pthread_t threads[2];

	threads_begin(threads, ARRAY_SIZE(threads), thread_burns);
	burn();
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	_exit(*(const int *)arg);
}

static void takes_memory(const void *arg)
{
	char *memory = malloc(MEMORY);

	memset(memory, 1, MEMORY);
	__asm__ volatile("" ::"r"(memory) : "memory");
	_exit(*(const int *)arg);
}

static uint64_t *counted; /* by the kernel, as the child that writes sees it; shared */

static void writes(const void *arg)
{
	int fd = open("/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	int io = open("/proc/self/io", O_RDONLY | O_CLOEXEC);
	char *data = calloc(1, WRITTEN), text[512] = "", *at;

	if (fd < 0 || write(fd, data, WRITTEN) != WRITTEN || fsync(fd))
		_exit(95);
	if (io < 0 || read(io, text, sizeof(text) - 1) <= 0)
		_exit(94);
	at = strstr(text, "\nwrite_bytes: ");
	*counted = at ? strtoul(at + 14, NULL, 10) : 0;
	_exit(*(const int *)arg);
}

static const int numbers[] = {0, 3, 255, SIGKILL, SIGTERM, SIGPIPE, SIGABRT};

static const struct way {
	const char *name;
	void (*what)(const void *arg);
	const int *arg;
} ways[] = {
	{"exit 0", exits, &numbers[0]},
	{"exit 3", exits, &numbers[1]},
	{"exit 255", exits, &numbers[2]},
	{"SIGKILL", killed, &numbers[3]},
	{"SIGTERM", killed, &numbers[4]},
	{"SIGPIPE", killed, &numbers[5]},
	{"SIGABRT", killed, &numbers[6]},
	{"SIGSEGV with a core", dumps_core, NULL},
	{"threads run", with_threads, &numbers[1]},
	{"leader first, a thread exits", leader_first, NULL},
	{"leader first, threads return", leader_first_all_return, NULL},
	{"leader first, killed", leader_first_killed, NULL},
	{"exec by a thread", exec_by_thread, NULL},
	{"three threads burn", burns, &numbers[1]},
	{"takes memory", takes_memory, &numbers[1]},
	{"writes", writes, &numbers[1]},
};

/* --- rungs */

enum can {
	CAN_STATUS_WAITED = 1 << 0, /* somebody has waited for the process */
	CAN_STATUS_UNWAITED = 1 << 1,
	CAN_USAGE = 1 << 2,
	CAN_TIMES_UNWAITED = 1 << 3,
};
#define CAN_STATUS (CAN_STATUS_WAITED | CAN_STATUS_UNWAITED)

/* Each with pidfds, and those that can do without. Every step-th way to end is tried. */
static const struct rungs {
	const char *name;
	unsigned int allowed, needed, can;
	size_t step;
} rungs[] = {
	{"all", 0, 0, 0, 1},
	{"taskstats", BIT(ENDS_TASKSTATS) | BIT(ENDS_PIDFD), BIT(ENDS_TASKSTATS),
	 CAN_STATUS | CAN_USAGE, 1},
	{"connector", BIT(ENDS_CONNECTOR) | BIT(ENDS_PIDFD), BIT(ENDS_CONNECTOR), CAN_STATUS, 1},
	{"stat", BIT(ENDS_STAT) | BIT(ENDS_PIDFD), BIT(ENDS_STAT),
	 CAN_STATUS_UNWAITED | CAN_TIMES_UNWAITED, 1},
	{"pidfd_info", BIT(ENDS_PIDFD_INFO) | BIT(ENDS_PIDFD), BIT(ENDS_PIDFD_INFO),
	 CAN_STATUS_WAITED, 1},
	{"pidfd", BIT(ENDS_PIDFD), BIT(ENDS_PIDFD), 0, 5},
	{"taskstats alone", BIT(ENDS_TASKSTATS), BIT(ENDS_TASKSTATS), CAN_STATUS | CAN_USAGE, 5},
	{"connector alone", BIT(ENDS_CONNECTOR), BIT(ENDS_CONNECTOR), CAN_STATUS, 5},
	{"stat alone", BIT(ENDS_STAT), BIT(ENDS_STAT), CAN_STATUS_UNWAITED | CAN_TIMES_UNWAITED, 5},
};

/* What all of them can together here. */
static unsigned int can_here(const struct ends *ends)
{
	unsigned int can = 0;

	for (size_t i = 1; i < ARRAY_SIZE(rungs); i++)
		if ((ends->works & rungs[i].needed) == rungs[i].needed)
			can |= rungs[i].can;
	/* all usage, so times need not be asked for */
	return can & CAN_USAGE ? can & ~CAN_TIMES_UNWAITED : can;
}

static uint64_t usage_total_ns(const struct rusage *usage)
{
	return (usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * NS_PER_S +
	       (usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) * 1000ULL;
}

static bool is_near(uint64_t told_value, uint64_t known, uint64_t less, uint64_t more)
{
	return told_value + less >= known && told_value <= known + more;
}

static bool is_before(unsigned int version, unsigned int patchlevel)
{
	unsigned int is_version = 0, is_patchlevel = 0;
	struct utsname name;

	uname(&name);
	sscanf(name.release, "%u.%u", &is_version, &is_patchlevel);
	return is_version < version || (is_version == version && is_patchlevel < patchlevel);
}

/* Before Linux 5.17 /proc/PID/stat has it of the first thread. */
static bool status_is_thread(const struct way *way, bool is_waited, const struct end *end)
{
	return (way->what == leader_first || way->what == leader_first_killed) && !is_waited &&
	       !end->has_usage && !ends_works(told.ends, ENDS_CONNECTOR) && is_before(5, 17);
}

#define CHECK(what)                                                                                \
	do {                                                                                       \
		if (!(what)) {                                                                     \
			print_error("%s, %s%s: not %s\n", rung->name, way->name,                   \
				    is_waited ? ", waited for" : "", #what);                       \
			failed++;                                                                  \
		}                                                                                  \
	} while (0)

/* The wait4() of who has children adds theirs, and of who has exec'd the peak of before. */
static unsigned int check_usage(const struct rungs *rung, const struct way *way, bool is_waited,
				const struct end *end, const struct child *child)
{
	uint64_t known_ns = usage_total_ns(&child->usage);
	bool is_compared = way->what != leader_first_killed && way->what != exec_by_thread;
	unsigned int failed = 0;

	if (!is_compared)
		return 0;
	/* taking the memory down comes later, and the kernel shows the dead's times in ticks of 10
	 * ms */
	CHECK(is_near(end->usage.runtime_ns, known_ns, known_ns / 2 + 60 * NS_PER_MS, NS_PER_MS));
	if (end->has_usage && way->what == burns && !end->is_partial)
		CHECK(end->usage.runtime_ns >= 3 * BURN_NS);
	CHECK(is_near(end->usage.minor_faults, child->usage.ru_minflt, 64, 0));
	if (way->what == writes && (end->has_usage || end->has_io))
		CHECK(is_near(end->usage.write_bytes, *counted, 1023, 0));
	if (end->has_usage)
		CHECK(is_near(end->usage.max_rss, child->usage.ru_maxrss * 1024ULL, 1 << 18,
			      1 << 18));
	if (end->has_usage && way->what == burns)
		CHECK(end->usage.user_ns + end->usage.system_ns > 0);
	return failed;
}

static unsigned int check(const struct rungs *rung, const struct way *way, bool is_waited,
			  const struct child *child)
{
	unsigned int can = rung->allowed ? rung->can : can_here(told.ends), failed = 0;
	const struct end *end = &told.ended[0];

	CHECK(told.ended_count == 1);
	if (told.ended_count != 1)
		return failed;
	CHECK(end->pid == child->pid);
	CHECK(end->has_status == !!(can & (is_waited ? CAN_STATUS_WAITED : CAN_STATUS_UNWAITED)));
	if (end->has_status && !status_is_thread(way, is_waited, end))
		CHECK((int)end->wait_status == child->status);
	CHECK(end->has_usage == !!(can & CAN_USAGE));
	/* before, no record but the first thread's says whose it is */
	CHECK(!end->is_partial || is_before(5, 19));
	CHECK(end->has_times == (!is_waited && can & CAN_TIMES_UNWAITED));
	if (end->has_usage || end->has_times)
		failed += check_usage(rung, way, is_waited, end, child);
	CHECK(!!end->exec_ns ==
	      (way->what == exec_by_thread && ends_works(told.ends, ENDS_CONNECTOR)));
	CHECK(end->exec_ns <= end->time_ns);
	CHECK(end->time_ns <= node_boot_ns() && end->time_ns + 5 * NS_PER_S > node_boot_ns());
	return failed;
}

static unsigned int cores;

static unsigned int run(const struct rungs *rung, const struct way *way, bool is_waited)
{
	struct child child = child_new(way->what, way->arg);
	struct ends *ends = told.ends;
	unsigned int failed;

	told.ended_count = 0;
	assert_int_equal(ends_watch(ends, child.pid, -1), 0);
	ends_collect(ends, &sink);
	assert_int_equal(told.ended_count, 0);
	child_go(&child);
	if (is_waited) {
		child_wait(&child);
		collect(ends, 1, 3000);
	} else {
		child_wait_zombie(&child);
		collect(ends, 1, 3000);
		child_wait(&child);
	}
	failed = check(rung, way, is_waited, &child);
	cores += WIFSIGNALED(child.status) && WCOREDUMP(child.status);
	assert_int_equal(ends_watched(ends), 0);
	ends_collect(ends, &sink);
	if (told.ended_count > 1)
		failed++;
	return failed;
}

static unsigned int run_ways(const struct rungs *rung)
{
	unsigned int failed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(ways); i += rung->step) {
		failed += run(rung, &ways[i], true);
		/* a second each; one shows it */
		if (strcmp(rung->name, "pidfd_info") || i == 1)
			failed += run(rung, &ways[i], false);
	}
	return failed;
}

static void each_rung_tells_what_it_can(void **state)
{
	char folder[] = "/tmp/ends.XXXXXX", remove[64];
	unsigned int failed = 0;

	(void)state;
	counted = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(counted != MAP_FAILED);
	assert_non_null(mkdtemp(folder)); /* for the cores */
	assert_int_equal(chdir(folder), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rungs); i++) {
		const struct rungs *rung = &rungs[i];
		struct ends *ends = ends_begin_rungs(rung->allowed);

		if ((ends->works & rung->needed) != rung->needed)
			print_message("# %s doesn't work here\n", rung->name);
		else
			failed += run_ways(rung);
		ends_free(ends);
	}
	assert_int_equal(chdir("/"), 0);
	snprintf(remove, sizeof(remove), "rm -rf %s", folder);
	assert_int_equal(system(remove), 0);
	if (!cores)
		print_message("# no cores are made here\n");
	assert_int_equal(failed, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_rung_tells_what_it_can),
		cmocka_unit_test(as_plain_user),
	};
	const struct CMUnitTest plain[] = {
		cmocka_unit_test(each_rung_tells_what_it_can),
	};

	(void)argv;
	return argc > 1 ? cmocka_run_group_tests(plain, NULL, NULL)
			: cmocka_run_group_tests(tests, NULL, NULL);
}
