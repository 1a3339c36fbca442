// SPDX-License-Identifier: BSD-2-Clause
/*
 * Forked copies of processes, by the connector: how many ended, or exec'd, before what they are
 * copies of did, and what they had used until then. It is summed up here, as it comes; nothing is
 * asked of the kernel for a copy, so that who forks at full speed costs little more than the
 * message itself.
 *
 * A copy belongs to the process that runs the program (its origin), also if another copy has made
 * it. The connector tells forks, execs and exits in one order. A copy's usage is taskstats', whose
 * record was sent before the exit event, and is taken then if need be; it may be taken long before.
 * Of a program that ends, it is not known by its exit event alone whether other threads go on: the
 * sum as it was then is kept beside, and holds if no other exit follows. Of a copy that exec'd,
 * what it had used is known by its new program's own word alone, and owed until that comes.
 *
 * Sums are kept of every process that forks, since it often is asked for later; and of each program
 * that it has run since, since it may tell of that later. What finds no room makes them unknown.
 */
#include "daemon/ends_state.h"
#include "daemon/event.h"
#include "daemon/node.h"

#define PROGRAMS_MAX 4	       /* of one process, of which nobody has told yet */
#define LATE_NS	     NS_PER_MS /* a fork's message is, behind the begin of what it made */

struct forks {
	unsigned int users; /* the process or its end; and those that owe */
	unsigned int depth; /* how many there are before */
	pid_t pid;
	uint64_t until_ns; /* the program's end; 0: it goes on */
	uint64_t exit_ns;  /* of its thread that ended last, as far as was heard */
	bool is_unknown;   /* some found no room */
	struct forks_sum sum, at_exit;
	struct forks *earlier; /* of the program before, if nobody has asked for it */
};

static struct forks *forks_hold(struct forks *forks)
{
	forks->users++;
	return forks;
}

void forks_free(struct forks *forks)
{
	while (forks && !--forks->users) {
		struct forks *earlier = forks->earlier;

		free(forks);
		forks = earlier;
	}
}

/* Of the program that it runs now. NULL: no memory, so all is unknown. */
static struct forks *forks_open(struct ends *ends, struct process *process)
{
	struct forks *forks = process->forks;

	if (forks && !forks->until_ns)
		return forks;
	forks = calloc(1, sizeof(*forks));
	if (!forks) {
		ends->forks_lost_ns = node_boot_ns();
		return NULL;
	}
	forks->users = 1;
	forks->pid = process->pid;
	forks->depth = process->forks ? process->forks->depth + 1 : 0;
	forks->earlier = process->forks;
	process->forks = forks;
	return forks;
}

/* --- copies */

static void copy_begin(struct ends *ends, struct process *origin, struct process *copy)
{
	copy->origin = origin;
	TAILQ_INSERT_TAIL(&origin->copies, copy, of_origin);
	origin->copies_count++;
	if (process_is_watched(origin) && copy->place == PLACE_RECENT)
		process_move(ends, copy, PLACE_COPY);
}

static void copy_leave(struct ends *ends, struct process *copy)
{
	TAILQ_REMOVE(&copy->origin->copies, copy, of_origin);
	copy->origin->copies_count--;
	copy->origin = NULL;
	if (copy->place == PLACE_COPY)
		process_move(ends, copy, PLACE_RECENT);
}

/* What they fork from now on is their own. */
static void copies_outlive(struct ends *ends, struct process *origin, uint64_t time_ns)
{
	while (!TAILQ_EMPTY(&origin->copies)) {
		struct process *copy = TAILQ_FIRST(&origin->copies);

		copy_leave(ends, copy);
		copy->since_ns = MAX(copy->since_ns, time_ns);
	}
}

static void copy_end(struct ends *ends, struct process *copy)
{
	struct forks *forks = copy->origin->forks;

	forks->sum.count++;
	if (copy->told.has_last)
		usage_fold(&forks->sum.usage, &copy->told.usage);
	if (!copy->told.has_last || process_is_partial(copy))
		forks->sum.untold++;
	copy_leave(ends, copy);
}

/* Its last record may have been taken while the connector still tells of earlier threads' exits. */
static bool copy_has_ended(const struct process *copy, uint64_t time_ns)
{
	return copy->told.has_last && copy->fork_ns + copy->told.elapsed_ns <= time_ns;
}

/* Those that had ended by then, though the message of that is still to come: it is sent after the
 * copy's parent has been woken. */
static void copies_sweep(struct ends *ends, struct process *origin, uint64_t time_ns)
{
	struct process *copy, *next;

	for (copy = TAILQ_FIRST(&origin->copies); copy; copy = next) {
		next = TAILQ_NEXT(copy, of_origin);
		if (copy->is_leader_gone || copy_has_ended(copy, time_ns))
			copy_end(ends, copy);
	}
}

static bool has_room(const struct ends *ends, const struct process *origin)
{
	return origin->copies_count < ENDS_COPIES_OF_ONE &&
	       (!process_is_watched(origin) || ends->counts[PLACE_COPY] < ENDS_COPIES_MAX);
}

void forks_watched(struct ends *ends, struct process *process)
{
	struct process *copy;

	TAILQ_FOREACH (copy, &process->copies, of_origin) {
		if (copy->place != PLACE_RECENT)
			continue;
		if (ends->counts[PLACE_COPY] >= ENDS_COPIES_MAX)
			process->forks->is_unknown = true;
		else
			process_move(ends, copy, PLACE_COPY);
	}
}

/* --- what the connector tells */

void forks_fork(struct ends *ends, pid_t parent_pid, pid_t child_pid, uint64_t time_ns)
{
	struct process *parent = process_get(ends, parent_pid), *origin, *child;
	struct forks *forks = NULL;

	if (parent) {
		origin = parent->origin ?: parent;
		forks = forks_open(ends, origin);
	}
	if (!forks) {
		ends->forks_lost_ns = node_boot_ns();
		return;
	}
	origin->forked_ns = time_ns;
	process_stay(ends, origin);
	process_stay(ends, parent);
	if (forks->is_unknown)
		return;
	child = has_room(ends, origin) ? process_get(ends, child_pid) : NULL;
	if (!child || child->origin || child == origin) {
		forks->is_unknown = true;
		return;
	}
	child->fork_ns = time_ns;
	copy_begin(ends, origin, child);
}

void forks_exec(struct ends *ends, struct process *process, uint64_t time_ns)
{
	struct forks *forks = process->forks;

	if (process->owed && !process->owed_until_ns)
		process->owed_until_ns = time_ns;
	if (process->origin) {
		forks = process->origin->forks;
		forks->sum.count++;
		forks->sum.untold++;
		forks_free(process->owed);
		process->owed = forks_hold(forks);
		process->owed_since_ns = time_ns;
		process->owed_until_ns = 0;
		copy_leave(ends, process);
		return;
	}
	if (!forks || forks->until_ns)
		return;
	copies_sweep(ends, process, time_ns);
	copies_outlive(ends, process, time_ns);
	if (forks->depth == PROGRAMS_MAX)
		forks->is_unknown = true; /* and the next one's as well */
	else
		forks->until_ns = time_ns;
}

void forks_exit(struct ends *ends, pid_t pid, bool is_leader, uint64_t time_ns)
{
	struct process *process = process_heard(ends, pid);

	if (process && !process->told.has_last && (process->origin || process->copies_count)) {
		taskstats_drain(ends);
		process = process_heard(ends, pid);
	}
	if (!process)
		return;
	if (process->origin) {
		process->is_leader_gone |= is_leader && !process->told.has_last;
		if (copy_has_ended(process, time_ns + LATE_NS) ||
		    (is_leader && ends->taskstats_fd < 0))
			copy_end(ends, process);
	} else if (process->forks && !process->forks->until_ns) {
		if (process->told.has_last)
			copies_sweep(ends, process, time_ns);
		process->forks->exit_ns = time_ns;
		process->forks->at_exit = process->forks->sum;
	}
}

/* --- its end */

struct forks *forks_end(struct ends *ends, struct process *process, bool is_exit_heard)
{
	struct forks *forks = process->forks;

	if (forks && !forks->until_ns && !(is_exit_heard && forks->exit_ns))
		copies_sweep(ends, process, process->ended_ns);
	copies_outlive(ends, process, node_boot_ns());
	if (forks && !forks->until_ns) {
		forks->until_ns = process->ended_ns;
		if (is_exit_heard && forks->exit_ns) {
			forks->until_ns = forks->exit_ns;
			forks->sum = forks->at_exit;
		}
	}
	return TAKE_PTR(process->forks);
}

void forks_forget(struct ends *ends, struct process *process)
{
	if (process->origin && process->told.has_last) {
		copy_end(ends, process);
	} else if (process->origin) {
		process->origin->forks->is_unknown = true;
		copy_leave(ends, process);
	}
	copies_outlive(ends, process, node_boot_ns());
	/* who is asked for later may have been this one */
	if (process->forks)
		ends->forks_forgot_ns = MAX(ends->forks_forgot_ns, process->forked_ns);
	forks_free(TAKE_PTR(process->forks));
	forks_free(TAKE_PTR(process->owed));
}

/* --- what is asked for */

uint64_t forks_since(const struct ends *ends, const struct process *process)
{
	if (!ends_works(ends, ENDS_CONNECTOR) || ends->is_undrained ||
	    ends->is_overrun[ENDS_BY_CONNECTOR])
		return 0;
	return MAX(process ? process->since_ns : ends->forks_forgot_ns, ends->forks_lost_ns);
}

void forks_take(struct forks **at, uint64_t time_ns, struct forks_sum *sum)
{
	struct forks *forks;

	while (*at && (!(*at)->until_ns || (*at)->until_ns > time_ns))
		at = &(*at)->earlier;
	for (forks = *at; forks; forks = forks->earlier) {
		sum->count += forks->sum.count;
		sum->untold += forks->sum.untold;
		usage_fold(&sum->usage, &forks->sum.usage);
		if (forks->is_unknown)
			sum->since_ns = 0;
	}
	forks_free(*at);
	*at = NULL;
}

void ends_forks(struct ends *ends, pid_t pid, uint64_t time_ns, struct forks_sum *ret)
{
	struct forks_sum sum = {};
	struct process *process;

	ends_catch_up(ends, time_ns);
	process = process_heard(ends, pid);
	sum.since_ns = forks_since(ends, process);
	if (process)
		forks_take(&process->forks, time_ns, &sum);
	*ret = sum;
}

pid_t ends_copy_of(struct ends *ends, pid_t pid, uint64_t time_ns)
{
	struct process *process;

	ends_catch_up(ends, time_ns);
	process = process_heard(ends, pid);
	if (!process || !process->owed || time_ns < process->owed_since_ns)
		return 0;
	/* another program of it told nothing */
	if (process->owed_until_ns && time_ns >= process->owed_until_ns)
		forks_free(TAKE_PTR(process->owed));
	return process->owed ? process->owed->pid : 0;
}

static void pay(struct forks_sum *sum, const struct event_usage *usage)
{
	if (!sum->untold)
		return;
	usage_fold(&sum->usage, usage);
	sum->untold--;
}

void ends_copy_used(struct ends *ends, pid_t pid, const struct event_usage *usage)
{
	struct process *process = process_heard(ends, pid);
	uint64_t exec_ns;
	struct forks *forks;

	if (!process || !process->owed)
		return;
	exec_ns = process->owed_since_ns;
	forks = TAKE_PTR(process->owed);
	if (!forks->until_ns || exec_ns <= forks->until_ns)
		pay(&forks->sum, usage);
	if (forks->exit_ns && exec_ns <= forks->exit_ns)
		pay(&forks->at_exit, usage);
	forks_free(forks);
}
