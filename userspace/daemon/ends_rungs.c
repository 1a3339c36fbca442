// SPDX-License-Identifier: BSD-2-Clause
/* Which rungs work here: tried with a child that ends in a known way. */
#include "daemon/ends_state.h"
#include "daemon/node.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

#define QUEUE_BYTES  (32 << 20)
#define CHILD_CODE   7
#define CHILD_STATUS (CHILD_CODE << 8)
#define PROVE_MS     200

const struct ends_rung_about ends_rungs[ENDS_RUNGS] = {
	[ENDS_TASKSTATS] = {"taskstats",
			    "CAP_NET_ADMIN in the first pid, user and network namespaces",
			    "the exact time of an end"},
	[ENDS_CONNECTOR] =
		{"connector",
		 "the first pid, user and network namespaces; before Linux 6.6 also root", "usage"},
	[ENDS_STAT] = {"stat", "/proc; for other users' processes root",
		       "status and usage of a process that was waited for at once; peak memory"},
	[ENDS_PIDFD_INFO] = {"pidfd_info", "Linux 6.15",
			     "status of a process that nobody waits for; usage"},
	[ENDS_PIDFD] = {"pidfd", "Linux 5.3", "status and usage"},
};

bool ends_works(const struct ends *ends, enum ends_rung rung)
{
	return ends->works & 1U << rung;
}

const char *ends_rung(const struct ends *ends)
{
	for (enum ends_rung rung = 0; rung < ENDS_RUNGS; rung++)
		if (ends_works(ends, rung))
			return ends_rungs[rung].name;
	return "poll";
}

uint64_t ends_execs(const struct ends *ends)
{
	return ends->execs;
}

/* Being woken by each end of the node costs it more than a look now and then, and where the kernel
 * keeps all for us until we look, nothing is won by it. */
int ends_fd(const struct ends *ends)
{
	return ends_works(ends, ENDS_TASKSTATS) && ends_works(ends, ENDS_CONNECTOR)
		       ? -1
		       : ends->epoll_fd;
}

void ends_losses(const struct ends *ends, struct losses *losses)
{
	losses->count[LOSS_ENDS_OVERRUN] +=
		ends->overruns[ENDS_BY_CONNECTOR] + ends->overruns[ENDS_BY_TASKSTATS];
	losses->count[LOSS_ENDS_UNWATCHED] += ends->unwatched;
}

/* --- trying */

static unsigned int bit(bool does_work, enum ends_rung rung)
{
	return does_work ? 1U << rung : 0;
}

/* What the sockets tell of the child; the connector's message may come a little later. */
static unsigned int prove_sockets(struct ends *ends, pid_t pid)
{
	struct process *process = NULL;

	for (int ms = 0; ms < PROVE_MS; ms++) {
		connector_drain(ends);
		taskstats_drain(ends);
		process = process_heard(ends, pid);
		if (process && (process->told.has_exit || ends->connector_fd < 0) &&
		    (process->told.has_last || ends->taskstats_fd < 0))
			break;
		if (ends->connector_fd < 0 && ends->taskstats_fd < 0)
			break;
		usleep(1000);
	}
	if (!process)
		return 0;
	return bit(process->told.has_exit && process->told.exit_status == CHILD_STATUS,
		   ENDS_CONNECTOR) |
	       bit(process->told.has_last && process->told.last_status == CHILD_STATUS,
		   ENDS_TASKSTATS);
}

static int prove(struct ends *ends, unsigned int wanted)
{
	_cleanup_close_ int pidfd = -1;
	struct stat_told told = {};
	uint32_t status = 0;
	siginfo_t info;
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (!pid)
		_exit(CHILD_CODE);
	pidfd = pidfd_new(pid);
	while (waitid(P_PID, pid, &info, WEXITED | WNOWAIT) && errno == EINTR)
		;
	ends->works |= bit(pidfd >= 0 && pidfd_is_dead(pidfd), ENDS_PIDFD);
	/* whether we may see a status is each process's own matter */
	ends->works |= bit(!stat_read(pid, &told) && told.is_dead &&
				   (!told.has_status || told.wait_status == CHILD_STATUS),
			   ENDS_STAT);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	ends->works |= bit(pidfd >= 0 && !pidfd_status(pidfd, &status) && status == CHILD_STATUS,
			   ENDS_PIDFD_INFO);
	ends->works |= prove_sockets(ends, pid);
	ends->works &= wanted;
	return 0;
}

/* A socket that doesn't work is closed. */
static void sockets_begin(struct ends *ends, const struct ends_options *options)
{
	if (options->rungs & 1U << ENDS_CONNECTOR)
		(void)connector_new(options->queue_bytes, &ends->connector_fd);
	if (options->rungs & 1U << ENDS_TASKSTATS)
		(void)taskstats_new(options->queue_bytes, &ends->taskstats_fd,
				    &ends->taskstats_family);
}

static void sockets_end(struct ends *ends, unsigned int rungs)
{
	if (rungs & 1U << ENDS_CONNECTOR) {
		connector_stop(ends->connector_fd);
		cleanup_close(&ends->connector_fd);
		ends->connector_fd = -1;
	}
	if (rungs & 1U << ENDS_TASKSTATS) {
		taskstats_stop(ends->taskstats_fd, ends->taskstats_family);
		cleanup_close(&ends->taskstats_fd);
		ends->taskstats_fd = -1;
	}
}

/* A quarter of the descriptors is for others. */
static size_t pidfds_limit(void)
{
	struct rlimit limit = {};

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return 0;
	if (limit.rlim_cur < limit.rlim_max) {
		struct rlimit raised = {limit.rlim_max, limit.rlim_max};

		if (!setrlimit(RLIMIT_NOFILE, &raised))
			limit = raised;
	}
	return MIN(limit.rlim_cur - limit.rlim_cur / 4, (rlim_t)ENDS_WATCHED_MAX);
}

static int begin(struct ends *ends, const struct ends_options *options)
{
	struct epoll_event event = {.events = EPOLLIN};
	int r;

	ends->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	ends->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (ends->epoll_fd < 0 || ends->timer_fd < 0 ||
	    epoll_ctl(ends->epoll_fd, EPOLL_CTL_ADD, ends->timer_fd, &event))
		return -errno;
	ends->pidfds_max = options->pidfds_max ? options->pidfds_max : pidfds_limit();
	sockets_begin(ends, options);
	r = prove(ends, options->rungs);
	sockets_end(ends, ~ends->works);
	ends->forks_lost_ns = node_boot_ns();
	ends->is_narrow = ends->connector_fd >= 0 &&
			  !netlink_is_wide(ends->connector_fd, options->queue_bytes);
	return r;
}

static void ends_cleanup(struct ends **ends)
{
	ends_free(*ends);
}

int ends_new_with(const struct ends_options *wanted, struct ends **ret)
{
	struct ends_options options = *wanted;
	_cleanup_(ends_cleanup) struct ends *ends = calloc(1, sizeof(*ends));
	int r;

	if (!ends)
		return -ENOMEM;
	ends->epoll_fd = ends->timer_fd = ends->connector_fd = ends->taskstats_fd = -1;
	for (enum process_place place = 0; place < PLACES; place++)
		TAILQ_INIT(&ends->places[place]);
	if (!options.rungs)
		options.rungs = ~0U;
	if (!options.queue_bytes)
		options.queue_bytes = QUEUE_BYTES;
	r = begin(ends, &options);
	if (!r)
		*ret = TAKE_PTR(ends);
	return r;
}

int ends_new(struct ends **ret)
{
	return ends_new_with(&(struct ends_options){}, ret);
}

void ends_free(struct ends *ends)
{
	if (!ends)
		return;
	for (enum process_place place = 0; place < PLACES; place++)
		while (!TAILQ_EMPTY(&ends->places[place]))
			process_free(ends, TAILQ_FIRST(&ends->places[place]));
	sockets_end(ends, ~0U);
	cleanup_close(&ends->timer_fd);
	cleanup_close(&ends->epoll_fd);
	free(ends);
}
