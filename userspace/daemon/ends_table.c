// SPDX-License-Identifier: BSD-2-Clause
/* The processes that ends knows of, by pid and by where they stand. */
#include "daemon/ends_state.h"
#include "daemon/node.h"

#include <sys/epoll.h>

static struct process **bucket(struct ends *ends, pid_t pid)
{
	return &ends->buckets[(uint32_t)pid * 2654435761U >> 18 & (PROCESS_BUCKETS - 1)];
}

struct process *process_heard(struct ends *ends, pid_t pid)
{
	struct process *process = *bucket(ends, pid);

	while (process && process->pid != pid)
		process = process->next;
	return process;
}

void process_forget_told(struct process *process)
{
	process->told = (struct told){};
	process->heard_ns = node_boot_ns();
}

struct process *process_get(struct ends *ends, pid_t pid)
{
	struct process *process = process_heard(ends, pid), **at = bucket(ends, pid);

	if (process)
		return process;
	process = calloc(1, sizeof(*process));
	if (!process)
		return NULL;
	process->pid = pid;
	process->pidfd = -1;
	process->next = *at;
	process->is_hashed = true;
	*at = process;
	process->since_ns = ends->forks_forgot_ns;
	TAILQ_INIT(&process->copies);
	process_forget_told(process);
	TAILQ_INSERT_TAIL(&ends->places[PLACE_RECENT], process, link);
	ends->counts[PLACE_RECENT]++;
	while (ends->counts[PLACE_RECENT] > RECENT_MAX)
		process_free(ends, TAILQ_FIRST(&ends->places[PLACE_RECENT]));
	return process;
}

bool process_is_watched(const struct process *process)
{
	return process->place != PLACE_RECENT && process->place != PLACE_COPY;
}

void process_stay(struct ends *ends, struct process *process)
{
	if (process->place == PLACE_RECENT)
		process_move(ends, process, PLACE_RECENT);
}

void process_move(struct ends *ends, struct process *process, enum process_place place)
{
	TAILQ_REMOVE(&ends->places[process->place], process, link);
	ends->counts[process->place]--;
	process->place = place;
	TAILQ_INSERT_TAIL(&ends->places[place], process, link);
	ends->counts[place]++;
}

void process_unhash(struct ends *ends, struct process *process)
{
	struct process **at = bucket(ends, process->pid);

	if (!process->is_hashed)
		return;
	while (*at != process)
		at = &(*at)->next;
	*at = process->next;
	process->is_hashed = false;
}

void process_free(struct ends *ends, struct process *process)
{
	process_unhash(ends, process);
	forks_forget(ends, process);
	TAILQ_REMOVE(&ends->places[process->place], process, link);
	ends->counts[process->place]--;
	if (process->pidfd >= 0) {
		close(process->pidfd);
		ends->pidfds--;
	}
	free(process);
}

void process_dies(struct ends *ends, struct process *process)
{
	process->ended_ns = node_boot_ns();
	/* else it would be shown again and again, until its end is told */
	if (process->pidfd >= 0)
		(void)epoll_ctl(ends->epoll_fd, EPOLL_CTL_DEL, process->pidfd, NULL);
	process_move(ends, process, PLACE_DYING);
}

void process_replaced(struct ends *ends, struct process *process)
{
	process_unhash(ends, process);
	if (!process_is_watched(process))
		process_free(ends, process);
	else if (process->place != PLACE_DYING)
		process_dies(ends, process);
}
