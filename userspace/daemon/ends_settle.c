// SPDX-License-Identifier: BSD-2-Clause
/*
 * What to tell of a process that has ended. Taskstats' record came before the pidfd told, so it is
 * there or was lost. /proc tells as long as nobody has waited for the process, the pidfd from then
 * on. The connector's message of the last thread comes a moment after the pidfd told, and doesn't
 * say that it was the last one: what came is believed when no other has followed for a while.
 */
#include "daemon/ends_state.h"
#include "daemon/node.h"

#define OTHER_THREADS_NS (20 * NS_PER_MS)
#define CONNECTOR_NS	 (200 * NS_PER_MS)

static bool works(const struct ends *ends, enum ends_rung rung)
{
	return ends->works & 1U << rung;
}

/* The exit event heard last is the last that there was, if none was lost since. */
static bool exit_is_last(const struct ends *ends, const struct process *process)
{
	return process->told.has_exit &&
	       process->told.exit_epoch == ends->epochs[ENDS_BY_CONNECTOR];
}

bool process_is_partial(const struct process *process)
{
	return process->told.usage.runtime_ns < process->told.threads_runtime_ns;
}

/* Once, at once: it is gone as soon as somebody waits. */
void settle_look(struct ends *ends, struct process *process)
{
	struct stat_told told;

	if (!works(ends, ENDS_STAT) || (process->told.has_last && !process_is_partial(process)) ||
	    stat_read(process->pid, &told) || !told.is_dead)
		return;
	/* still the same process's, after it was read? */
	if (process->pidfd >= 0 ? pidfd_is_reaped(process->pidfd)
				: told.start_ns != process->start_ns)
		return;
	process->start_ns = told.start_ns;
	process->usage = told.usage;
	process->has_times = true;
	process->has_io = told.has_io;
	process->has_status = told.has_status;
	process->wait_status = told.wait_status;
	if (!process->told.comm[0])
		memcpy(process->told.comm, told.comm, sizeof(told.comm));
}

/* The pidfd's answer, and whether it may still come. */
static bool ask_pidfd(struct ends *ends, struct process *process)
{
	bool is_reaped;

	if (process->pidfd < 0 || !works(ends, ENDS_PIDFD_INFO))
		return false;
	is_reaped = pidfd_is_reaped(process->pidfd); /* before: the answer is there from then on */
	if (!pidfd_status(process->pidfd, &process->wait_status))
		process->has_status = true;
	return !process->has_status && !is_reaped;
}

/* Whether the connector may still tell something that is missing. */
static bool connector_may_tell(const struct ends *ends, const struct process *process,
			       bool has_status, uint64_t age_ns)
{
	bool had_threads = !process->told.has_last || process->told.threads_runtime_ns;

	if (!works(ends, ENDS_CONNECTOR))
		return false;
	if (process->told.has_exit)
		return had_threads && age_ns < OTHER_THREADS_NS;
	return (!has_status || process->forks) && age_ns < CONNECTOR_NS;
}

bool settle_is_ready(struct ends *ends, struct process *process)
{
	uint64_t age_ns = node_boot_ns() - process->ended_ns;
	bool has_status = process->told.has_last || process->has_status;
	bool may_come = false;

	if (!has_status) {
		may_come = ask_pidfd(ends, process);
		has_status = process->has_status;
	}
	/* the next one of its pid may end at any time, and is told later than this one */
	if (!process->is_hashed)
		return true;
	may_come |= connector_may_tell(ends, process, has_status, age_ns);
	may_come |= ends->is_undrained && !process->told.has_last;
	/* the connector's, if nothing better comes; no need to wait for that */
	if (may_come && !has_status && exit_is_last(ends, process) && age_ns >= OTHER_THREADS_NS)
		may_come = false;
	return !may_come || age_ns >= ENDS_HOLD_MS * NS_PER_MS;
}

static void usage_set(struct end *end, const struct process *process)
{
	const struct told *told = &process->told;

	if (told->has_last) {
		end->usage = told->usage;
		end->has_usage = true;
		end->is_partial = process_is_partial(process);
		if (!end->is_partial || !process->has_times || !process->has_io)
			return;
		/* whole, but for the peak, which all threads share */
		end->usage = process->usage;
		end->usage.runtime_ns = told->threads_runtime_ns;
		end->usage.max_rss = told->usage.max_rss;
		end->is_partial = false;
	} else if (process->has_times) {
		end->usage = process->usage;
		end->has_times = true;
		end->has_io = process->has_io;
	}
}

void settle_tell(struct ends *ends, struct process *process, struct end *ret)
{
	const struct told *told = &process->told;
	struct end end = {.pid = process->pid,
			  .start_ns = process->start_ns,
			  .time_ns = process->ended_ns,
			  .exec_ns = told->exec_ns,
			  .has_status = true};

	if (exit_is_last(ends, process))
		end.time_ns = MIN(end.time_ns, told->exit_ns);
	else if (told->has_last)
		end.time_ns = MIN(end.time_ns, told->last_ns);
	if (told->has_last)
		end.wait_status = told->last_status;
	else if (process->has_status)
		end.wait_status = process->wait_status;
	else if (exit_is_last(ends, process))
		end.wait_status = told->exit_status;
	else
		end.has_status = false;
	usage_set(&end, process);
	memcpy(end.comm, told->comm, sizeof(end.comm));
	end.forks_since_ns = forks_since(ends, process);
	end.forks = forks_end(ends, process, exit_is_last(ends, process));
	*ret = end;
}
