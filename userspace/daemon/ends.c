// SPDX-License-Identifier: BSD-2-Clause
/* Watching, noticing and telling. */
#include "daemon/ends_state.h"
#include "daemon/node.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#define POLL_EVERY_NS (100 * NS_PER_MS)
#define POLL_AT_ONCE  512 /* processes looked at each time */
#define NARROW_MS     20
#define HELD_MS	      20 /* until those that are held back are looked at again */

void ends_drain(struct ends *ends)
{
	ends->is_undrained = false;
	/* in this order: a message of a pid's new process makes what comes later that one's */
	taskstats_drain(ends);
	connector_drain(ends);
}

void ends_catch_up(struct ends *ends, uint64_t time_ns)
{
	if (ends->connector_fd >= 0 && time_ns >= ends->drained_ns)
		ends_drain(ends);
}

size_t ends_watched(const struct ends *ends)
{
	return ends->counts[PLACE_WATCHED] + ends->counts[PLACE_POLLED] + ends->counts[PLACE_DYING];
}

bool ends_are_told(const struct ends *ends, uint64_t before_ns)
{
	/* the first one was looked at longest ago */
	const struct process *polled = TAILQ_FIRST(&ends->places[PLACE_POLLED]);

	return !ends->counts[PLACE_DYING] && (!polled || polled->looked_ns >= before_ns);
}

/*
 * When to look again without being told to. held_ns: at those whose end is to be told. A queue of
 * 208 KiB, as net.core.rmem_max has it for those who are not root, takes some 550 messages.
 */
static void timer_set(struct ends *ends, uint64_t held_ns)
{
	uint64_t ns = ends->counts[PLACE_DYING]		      ? held_ns
		      : ends->is_narrow && ends_watched(ends) ? NARROW_MS * NS_PER_MS
		      : ends->counts[PLACE_POLLED]	      ? POLL_EVERY_NS
							      : 0;
	struct itimerspec when = {.it_value.tv_nsec = ns};

	(void)timerfd_settime(ends->timer_fd, 0, &when, NULL);
}

/* --- noticing */

static void take_dead(struct ends *ends)
{
	struct epoll_event events[64];
	uint64_t ticks;
	int count;

	do {
		count = epoll_wait(ends->epoll_fd, events, ARRAY_SIZE(events), 0);
		for (int i = 0; i < count; i++) {
			if (events[i].data.ptr)
				process_dies(ends, events[i].data.ptr);
			else if (read(ends->timer_fd, &ticks, sizeof(ticks)) < 0)
				continue;
		}
	} while (count == (int)ARRAY_SIZE(events));
}

/* By pid and start, where there is no pidfd. */
static bool is_gone(const struct process *process)
{
	struct stat_told told;
	int r;

	if (process->pidfd >= 0)
		return pidfd_is_dead(process->pidfd);
	r = stat_read(process->pid, &told);
	return r == -ESRCH || (!r && (told.is_dead || told.start_ns != process->start_ns));
}

static void poll_some(struct ends *ends)
{
	size_t count = MIN(ends->counts[PLACE_POLLED], (size_t)POLL_AT_ONCE);
	uint64_t now = node_boot_ns();

	if (!count || now < ends->polled_ns + POLL_EVERY_NS)
		return;
	ends->polled_ns = now;
	while (count--) {
		struct process *process = TAILQ_FIRST(&ends->places[PLACE_POLLED]);

		process->looked_ns = now;
		if (is_gone(process))
			process_dies(ends, process);
		else
			process_move(ends, process, PLACE_POLLED);
	}
}

/* --- watching */

/* True if it is the same process that is watched already, or whose end is not told yet. */
static bool is_known(struct ends *ends, pid_t pid, int pidfd)
{
	struct process *process = process_heard(ends, pid);

	if (!process || !process_is_watched(process))
		return false;
	if (process->place != PLACE_DYING && !is_gone(process))
		return true;
	/* Dead. So is who asks, or it is the next one of this pid. */
	if (pidfd >= 0 && pidfd_is_dead(pidfd))
		return true;
	if (pidfd < 0) {
		struct stat_told told;

		if (stat_read(pid, &told) || told.is_dead)
			return true;
	}
	ends_drain(ends); /* what was sent up to now is of the one that is dead */
	process = process_heard(ends, pid);
	if (process && process_is_watched(process))
		process_replaced(ends, process);
	return false;
}

/* A pidfd, or -1 if there is to be none; -ESRCH. */
static int pidfd_get(struct ends *ends, pid_t pid, int given)
{
	_cleanup_close_ int fd = given;

	if (!ends_works(ends, ENDS_PIDFD))
		return -1;
	if (ends->pidfds >= ends->pidfds_max) {
		ends->unwatched++;
		return -1;
	}
	if (fd >= 0)
		return TAKE_FD(fd);
	fd = pidfd_new(pid);
	if (fd == -ESRCH || fd == -EINVAL)
		return -ESRCH;
	if (fd < 0)
		ends->unwatched++;
	return fd < 0 ? -1 : TAKE_FD(fd);
}

static int watch_gone(struct ends *ends, pid_t pid)
{
	struct process *process;

	ends_drain(ends);
	process = process_get(ends, pid);
	if (!process)
		return -ENOMEM;
	process_dies(ends, process);
	return -ESRCH;
}

/* Not dead yet, but all its threads' records may be out: taking down its memory comes between. */
static bool is_ending(pid_t pid)
{
	struct stat_told told;

	return stat_read(pid, &told) || told.is_ending;
}

static int watch_new(struct ends *ends, pid_t pid, int fd)
{
	struct epoll_event event = {.events = EPOLLIN};
	_cleanup_close_ int pidfd = fd;
	struct stat_told told = {};
	struct process *process;

	if (pidfd < 0 && stat_read(pid, &told) == -ESRCH)
		return watch_gone(ends, pid);
	process = process_get(ends, pid);
	if (!process)
		return -ENOMEM;
	/* it lives: what is known so far are ends of threads of it, or those of an earlier one */
	if (pidfd >= 0 ? !pidfd_is_dead(pidfd) : !told.is_dead) {
		process->told.has_exit = false;
		if (process->told.has_last && !is_ending(pid))
			process_forget_told(process);
	}
	event.data.ptr = process;
	if (pidfd >= 0 && epoll_ctl(ends->epoll_fd, EPOLL_CTL_ADD, pidfd, &event))
		return -errno;
	process->start_ns = told.start_ns;
	process->pidfd = TAKE_FD(pidfd);
	ends->pidfds += process->pidfd >= 0;
	process_move(ends, process, process->pidfd >= 0 ? PLACE_WATCHED : PLACE_POLLED);
	forks_watched(ends, process);
	return 0;
}

int ends_watch(struct ends *ends, pid_t pid, int pidfd)
{
	int r;

	if (is_known(ends, pid, pidfd)) {
		cleanup_close(&pidfd);
		return 0;
	}
	if (ends_watched(ends) >= ENDS_WATCHED_MAX) {
		cleanup_close(&pidfd);
		ends->unwatched++;
		return -ENOSPC;
	}
	pidfd = pidfd_get(ends, pid, pidfd);
	r = pidfd == -ESRCH ? watch_gone(ends, pid) : watch_new(ends, pid, pidfd);
	timer_set(ends, 1);
	return r;
}

/* --- telling */

/* In the order in which they were noticed; what the sink adds is for the next time. */
static void tell_ends(struct ends *ends, const struct ends_sink *sink)
{
	struct process *process = TAILQ_FIRST(&ends->places[PLACE_DYING]), *next;
	size_t count = ends->counts[PLACE_DYING];
	struct end end;

	for (; count--; process = next) {
		next = TAILQ_NEXT(process, link);
		if (!settle_is_ready(ends, process))
			continue;
		settle_tell(ends, process, &end);
		process_free(ends, process);
		sink->ended(sink->arg, &end);
	}
}

void ends_collect(struct ends *ends, const struct ends_sink *sink)
{
	struct process *process = TAILQ_LAST(&ends->places[PLACE_DYING], process_list);

	take_dead(ends);
	poll_some(ends);
	ends_drain(ends);
	/* those that died just now */
	process = process ? TAILQ_NEXT(process, link) : TAILQ_FIRST(&ends->places[PLACE_DYING]);
	for (; process; process = TAILQ_NEXT(process, link))
		settle_look(ends, process);
	tell_ends(ends, sink);
	timer_set(ends, HELD_MS * NS_PER_MS);
}
