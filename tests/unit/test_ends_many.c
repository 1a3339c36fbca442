// SPDX-License-Identifier: BSD-2-Clause
/* Ends of many, of strangers, of who is gone already or comes back under the same pid; what happens
 * at each bound. */
#include "tests/unit/ends_children.h"

#include <linux/sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define BIT(rung) (1U << (rung))
#define MANY	  1009
#define BOUND	  13
#define BOUNDED	  61
#define OVERFLOW  499

static struct child children[MANY];
static int codes[MANY];

static void children_begin(size_t count)
{
	for (size_t i = 0; i < count; i++) {
		codes[i] = i % 251;
		children[i] = child_new(exits, &codes[i]);
	}
}

/* They end while others are being let go, and ends, if given, is asked now and then; some have been
 * waited for when their end is told. */
static void children_end(struct ends *ends, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		child_go(&children[i]);
		if (i % 3 == 0)
			child_wait(&children[i]);
		/* the queue of who is not root is small */
		if (ends && i % 101 == 100)
			ends_collect(ends, &sink);
	}
}

static void children_wait(size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (i % 3)
			child_wait(&children[i]);
}

static const struct end *end_of(pid_t pid)
{
	const struct end *found = NULL;

	for (size_t i = 0; i < told.ended_count; i++)
		if (told.ended[i].pid == pid) {
			assert_null(found);
			found = &told.ended[i];
		}
	return found;
}

/* Once each, and none with a status that it has not. Number of those with status. */
static size_t check_each_is_told(size_t count)
{
	size_t known = 0;

	assert_int_equal(told.ended_count, count);
	for (size_t i = 0; i < count; i++) {
		const struct end *end = end_of(children[i].pid);

		assert_non_null(end);
		if (end->has_status)
			assert_int_equal(end->wait_status, codes[i] << 8);
		known += end->has_status;
	}
	return known;
}

static void many_at_once(void **state)
{
	static const unsigned int rungs[] = {0, BIT(ENDS_TASKSTATS) | BIT(ENDS_PIDFD),
					     BIT(ENDS_CONNECTOR) | BIT(ENDS_PIDFD), BIT(ENDS_PIDFD),
					     BIT(ENDS_CONNECTOR)};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rungs); i++) {
		struct ends *ends = ends_begin_rungs(rungs[i]);
		bool tells = ends_works(ends, ENDS_TASKSTATS) || ends_works(ends, ENDS_CONNECTOR);

		if (!(rungs[i] & BIT(ENDS_PIDFD)) && !tells) {
			ends_free(ends);
			continue;
		}
		children_begin(MANY);
		ends_collect(ends, &sink); /* their forks may have been too many */
		for (size_t c = 0; c < MANY; c++)
			assert_int_equal(ends_watch(ends, children[c].pid, -1), 0);
		assert_int_equal(ends_watched(ends), MANY);
		children_end(ends, MANY);
		collect(ends, MANY, 10000);
		if (tells)
			assert_int_equal(check_each_is_told(MANY), MANY);
		else
			check_each_is_told(MANY);
		assert_int_equal(ends_watched(ends), 0);
		children_wait(MANY);
		ends_free(ends);
	}
}

/* Its parent ends before it does, or waits for it at once. */
static void strangers(void **state)
{
	struct ends *ends = ends_begin_rungs(0);
	int pids[2], go[2], status;
	pid_t parent, pid;
	char byte;

	(void)state;
	for (int is_orphan = 0; is_orphan < 2; is_orphan++) {
		told.ended_count = 0;
		assert_int_equal(pipe2(pids, O_CLOEXEC) | pipe2(go, O_CLOEXEC), 0);
		parent = fork();
		if (!parent) {
			close(go[1]);
			pid = fork();
			if (!pid) {
				_exit(read(go[0], &byte, 1) + 17 - 1);
			}
			(void)!write(pids[1], &pid, sizeof(pid));
			if (!is_orphan)
				waitpid(pid, NULL, 0);
			_exit(0);
		}
		assert_int_equal(read(pids[0], &pid, sizeof(pid)), sizeof(pid));
		if (is_orphan)
			assert_int_equal(waitpid(parent, &status, 0), parent);
		assert_int_equal(ends_watch(ends, pid, -1), 0);
		assert_int_equal(write(go[1], "", 1), 1);
		close(go[1]);
		collect(ends, 1, 3000);
		assert_int_equal(told.ended_count, 1);
		assert_int_equal(told.ended[0].pid, pid);
		if (ends_works(ends, ENDS_CONNECTOR) || ends_works(ends, ENDS_PIDFD_INFO)) {
			assert_true(told.ended[0].has_status);
			assert_int_equal(told.ended[0].wait_status, 17 << 8);
		}
		if (!is_orphan)
			assert_int_equal(waitpid(parent, &status, 0), parent);
		close(pids[0]);
		close(pids[1]);
		close(go[0]);
	}
	ends_free(ends);
}

/* A message of theirs was read too late. */
static void gone_before_watched(void **state)
{
	struct ends *ends = ends_begin_rungs(0);

	(void)state;
	children_begin(23);
	for (size_t i = 0; i < 23; i++) {
		child_go(&children[i]);
		child_wait(&children[i]);
		if (i % 2)
			ends_collect(ends, &sink);
	}
	for (size_t i = 0; i < 23; i++)
		assert_int_equal(ends_watch(ends, children[i].pid, -1), -ESRCH);
	collect(ends, 23, 3000);
	if (ends_works(ends, ENDS_CONNECTOR) || ends_works(ends, ENDS_TASKSTATS))
		assert_int_equal(check_each_is_told(23), 23);
	else
		assert_int_equal(check_each_is_told(23), 0);
	for (size_t i = 0; i < 23; i++)
		assert_int_equal(told.ended[i].has_usage, ends_works(ends, ENDS_TASKSTATS));
	ends_free(ends);
}

static void ends_slowly(const void *arg)
{
	size_t size = 211 << 20;
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	madvise(memory, size, MADV_NOHUGEPAGE);
	if (memory != MAP_FAILED)
		memset(memory, 1, size);
	_exit(*(const int *)arg);
}

/* Its record is out, but its memory is still being taken down. */
static void watched_while_it_ends(void **state)
{
	struct ends *ends = ends_begin_rungs(BIT(ENDS_TASKSTATS) | BIT(ENDS_PIDFD));
	struct process *process = NULL;
	uint64_t until = node_boot_ns() + 10 * NS_PER_S;

	(void)state;
	if (!ends_works(ends, ENDS_TASKSTATS)) {
		ends_free(ends);
		print_message("# no taskstats here\n");
		skip();
	}
	codes[0] = 31;
	children[0] = child_new(ends_slowly, &codes[0]);
	child_go(&children[0]);
	while (!(process && process->told.has_last) && node_boot_ns() < until) {
		taskstats_drain(ends);
		process = process_heard(ends, children[0].pid);
	}
	assert_int_equal(ends_watch(ends, children[0].pid, -1), 0);
	collect(ends, 1, 5000);
	child_wait(&children[0]);
	assert_int_equal(check_each_is_told(1), 1);
	assert_true(told.ended[0].has_usage);
	ends_free(ends);
}

/* Nothing is known of it at all: told all the same, without status. */
static void gone_before_the_start(void **state)
{
	struct ends *ends;

	(void)state;
	children_begin(1);
	child_go(&children[0]);
	child_wait(&children[0]);
	ends = ends_begin_rungs(0);
	assert_int_equal(ends_watch(ends, children[0].pid, -1), -ESRCH);
	collect(ends, 1, 3000);
	assert_int_equal(check_each_is_told(1), 0);
	ends_free(ends);
}

/* A pidfd that came with a message speaks of who was waited for before it was read. */
static void pidfd_of_the_dead(void **state)
{
	struct ends *ends = ends_begin_rungs(BIT(ENDS_PIDFD) | BIT(ENDS_PIDFD_INFO));
	int pidfd;

	(void)state;
	codes[0] = 29;
	children[0] = child_new(exits, &codes[0]);
	pidfd = pidfd_new(children[0].pid);
	if (pidfd < 0) {
		ends_free(ends);
		print_message("# pidfd doesn't work here\n");
		skip();
	}
	child_go(&children[0]);
	child_wait(&children[0]);
	assert_int_equal(ends_watch(ends, children[0].pid, pidfd), 0);
	assert_int_equal(ends_watch(ends, children[0].pid, -1), 0);
	collect(ends, 1, 3000);
	assert_int_equal(check_each_is_told(1), ends_works(ends, ENDS_PIDFD_INFO));
	assert_int_equal(fcntl(pidfd, F_GETFD), -1); /* it was taken over */
	ends_free(ends);
}

static void pidfds_are_bounded(void **state)
{
	struct ends *ends = ends_begin(&(struct ends_options){.pidfds_max = BOUND});
	struct losses losses = {};
	bool tells = ends_works(ends, ENDS_TASKSTATS) || ends_works(ends, ENDS_CONNECTOR);

	(void)state;
	children_begin(BOUNDED);
	for (size_t i = 0; i < BOUNDED; i++)
		assert_int_equal(
			ends_watch(ends, children[i].pid, i % 2 ? pidfd_new(children[i].pid) : -1),
			0);
	children_end(NULL, BOUNDED);
	children_wait(BOUNDED);
	collect(ends, BOUNDED, 5000);
	if (tells)
		assert_int_equal(check_each_is_told(BOUNDED), BOUNDED);
	else
		check_each_is_told(BOUNDED);
	ends_losses(ends, &losses);
	assert_int_equal(losses.count[LOSS_ENDS_UNWATCHED], BOUNDED - BOUND);
	ends_free(ends);
}

/* The limit itself is met: others have used up the descriptors. In a process of its own. */
static void descriptors_run_out(void **state)
{
	struct rlimit limit, lowered = {64, 64};
	struct losses losses = {};
	struct ends *ends;
	int null, fds = 0;

	(void)state;
	children_begin(BOUNDED);
	getrlimit(RLIMIT_NOFILE, &limit);
	lowered.rlim_cur = 2 * BOUNDED + 32; /* the children's pipes */
	lowered.rlim_max = limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &lowered), 0);
	ends = ends_begin(&(struct ends_options){.pidfds_max = 4096});
	while ((null = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
		fds = null;
	for (int i = 0; i < 5; i++)
		close(fds - i);
	for (size_t i = 0; i < BOUNDED; i++)
		assert_int_equal(ends_watch(ends, children[i].pid, -1), 0);
	children_end(NULL, BOUNDED);
	children_wait(BOUNDED);
	collect(ends, BOUNDED, 5000);
	check_each_is_told(BOUNDED);
	ends_losses(ends, &losses);
	assert_in_range(losses.count[LOSS_ENDS_UNWATCHED], BOUNDED - 5, BOUNDED - 3);
	ends_free(ends);
	for (int fd = 3; fd <= fds; fd++)
		close(fd);
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* Nobody reads for a while, and the queues are small. */
static void queues_overflow(void **state)
{
	struct ends *ends = ends_begin(&(struct ends_options){.queue_bytes = 4096});
	struct losses losses = {};
	size_t known;

	(void)state;
	children_begin(OVERFLOW);
	for (size_t i = 0; i < OVERFLOW; i++)
		assert_int_equal(ends_watch(ends, children[i].pid, -1), 0);
	children_end(NULL, OVERFLOW);
	children_wait(OVERFLOW);
	collect(ends, OVERFLOW, 5000);
	known = check_each_is_told(OVERFLOW);
	ends_losses(ends, &losses);
	if (ends_works(ends, ENDS_CONNECTOR))
		assert_true(losses.count[LOSS_ENDS_OVERRUN] > 0);
	/* the lower rung, where there is one, knows them all */
	if (ends_works(ends, ENDS_PIDFD_INFO))
		assert_int_equal(known, OVERFLOW);
	print_message("# %zu of %u known, %llu overruns\n", known, OVERFLOW,
		      (unsigned long long)losses.count[LOSS_ENDS_OVERRUN]);
	/* and it goes on */
	told.ended_count = 0;
	children_begin(1);
	assert_int_equal(ends_watch(ends, children[0].pid, -1), 0);
	children_end(NULL, 1);
	collect(ends, 1, 3000);
	if (ends_works(ends, ENDS_CONNECTOR))
		assert_int_equal(check_each_is_told(1), 1);
	ends_free(ends);
}

static pid_t fork_as(pid_t pid)
{
	struct clone_args args = {.exit_signal = SIGCHLD,
				  .set_tid = pid ? (uintptr_t)&pid : 0,
				  .set_tid_size = pid ? 1 : 0};

	return syscall(SYS_clone3, &args, sizeof(args));
}

/* The pid comes back before the first one's end is told. */
static void pid_is_used_again(void **state)
{
	static const unsigned int rungs[] = {0, BIT(ENDS_PIDFD),
					     BIT(ENDS_PIDFD) | BIT(ENDS_PIDFD_INFO), BIT(ENDS_STAT),
					     BIT(ENDS_TASKSTATS) | BIT(ENDS_PIDFD)};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rungs); i++) {
		struct ends *ends = ends_begin_rungs(rungs[i]);
		pid_t pid = 0;

		for (int code = 41; code < 44; code++) {
			int go[2], status;
			char byte;
			pid_t next;

			assert_int_equal(pipe2(go, O_CLOEXEC), 0);
			usleep(11000); /* a tick: there is a pidfd, or else another start */
			next = fork_as(pid);
			if (!next) {
				close(go[1]);
				(void)!read(go[0], &byte, 1);
				_exit(code);
			}
			if (next < 0) {
				ends_free(ends);
				print_message("# no pid can be chosen here: %s\n", strerror(errno));
				skip();
			}
			pid = next;
			assert_int_equal(ends_watch(ends, pid, -1), 0);
			close(go[0]);
			close(go[1]);
			assert_int_equal(waitpid(pid, &status, 0), pid);
		}
		collect(ends, 3, 3000);
		assert_int_equal(told.ended_count, 3);
		for (int n = 0; n < 3; n++) {
			assert_int_equal(told.ended[n].pid, pid);
			if (told.ended[n].has_status)
				assert_int_equal(told.ended[n].wait_status, (41 + n) << 8);
			if (ends->works & ~(BIT(ENDS_PIDFD) | BIT(ENDS_STAT)))
				assert_true(told.ended[n].has_status);
		}
		ends_free(ends);
	}
}

static void execs_true(const void *arg)
{
	(void)arg;
	execl("/bin/true", "true", NULL);
}

static void execs_are_counted(void **state)
{
	struct ends *ends = ends_begin_rungs(0);
	uint64_t before = ends_execs(ends);

	(void)state;
	for (size_t i = 0; i < 23; i++) {
		children[i] = child_new(execs_true, NULL);
		child_go(&children[i]);
		child_wait(&children[i]);
	}
	ends_collect(ends, &sink);
	if (ends_works(ends, ENDS_CONNECTOR))
		assert_true(ends_execs(ends) - before >= 23);
	else
		assert_int_equal(ends_execs(ends), 0);
	assert_int_equal(told.ended_count, 0);
	ends_free(ends);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_at_once),		 cmocka_unit_test(strangers),
		cmocka_unit_test(gone_before_watched),	 cmocka_unit_test(watched_while_it_ends),
		cmocka_unit_test(gone_before_the_start), cmocka_unit_test(pidfd_of_the_dead),
		cmocka_unit_test(pidfds_are_bounded),	 cmocka_unit_test(descriptors_run_out),
		cmocka_unit_test(queues_overflow),	 cmocka_unit_test(pid_is_used_again),
		cmocka_unit_test(execs_are_counted),	 cmocka_unit_test(as_plain_user),
	};
	size_t last = ARRAY_SIZE(tests) - 1;

	(void)argv;
	return argc > 1 ? _cmocka_run_group_tests("plain", tests, last, NULL, NULL)
			: cmocka_run_group_tests(tests, NULL, NULL);
}
