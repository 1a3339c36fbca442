// SPDX-License-Identifier: BSD-2-Clause
/*
 * What programs tell of themselves, and without the kernel side also who tells of their ends.
 *
 * Of one process its messages come first, then its end: so ends are collected before the socket is
 * read, and handed on when nothing is left there. Where the kernel side sees the same processes,
 * what it has told until now is taken before any message.
 */
#include "daemon/daemon_state.h"

#include <errno.h>
#include <poll.h>

#define ROUNDS_MAX  8		   /* of the ring, before messages wait for the next turn */
#define HELD_MAX_NS (2 * NS_PER_S) /* a flush waits so long for what is not known of ends */

static int watch(void *arg, pid_t pid, int pidfd)
{
	struct daemon *d = arg;

	return ends_watch(d->ends, pid, pidfd);
}

/* What the best rung that works does not tell, nor another one. */
static const char *ends_lost(const struct ends *ends)
{
	for (enum ends_rung rung = 0; rung < ENDS_RUNGS; rung++)
		if (ends_works(ends, rung))
			return rung == ENDS_TASKSTATS && ends_works(ends, ENDS_CONNECTOR)
				       ? NULL
				       : ends_rungs[rung].unknown;
	return "the exact time, status and usage";
}

int daemon_preload_begin(struct daemon *d)
{
	struct preload_options options = {.node = &d->node,
					  .tracker = d->tracker,
					  .watch = d->capture ? NULL : watch,
					  .watch_arg = d,
					  .is_beside_bpf = d->capture,
					  .scanner = d->scanner,
					  .spool_fd = -1};
	int r = 0;

	if (*d->config->run_spool) {
		d->run_spool_fd =
			open(d->config->run_spool, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (d->run_spool_fd < 0)
			return -errno;
		options.spool_fd = d->run_spool_fd;
	}
	if (!d->capture) {
		r = ends_new(&d->ends);
		if (r)
			return r;
		options.ends = d->ends;
		d->source.exit_rung = ends_rung(d->ends);
		d->source.exit_lost = ends_lost(d->ends);
		if (ends_works(d->ends, ENDS_CONNECTOR)) {
			d->source.exec_counter = ends_rungs[ENDS_CONNECTOR].name;
			d->source.fork_lost =
				ends_works(d->ends, ENDS_TASKSTATS)
					? "copies that outlive their program"
					: "copies that outlive their program, and what copies use";
		}
	}
	r = preload_new(&options, &d->preload);
	if (!r)
		(void)preload_resume(d->preload);
	return r;
}

void daemon_preload_done(struct daemon *d)
{
	preload_free(d->preload);
	ends_free(d->ends);
	cleanup_close(&d->run_spool_fd);
}

/* True if all that the kernel side had told when a message came is with the tracker. */
static bool capture_is_taken(struct daemon *d)
{
	struct pollfd socket = {.fd = inbox_fd(d->inbox), .events = POLLIN};
	uint64_t mark;

	if (!d->capture || poll(&socket, 1, 0) <= 0)
		return true;
	mark = capture_mark(d->capture);
	for (unsigned int i = 0; !capture_is_past(d->capture, mark); i++) {
		if (i == ROUNDS_MAX)
			return false;
		daemon_drain(d);
	}
	return true;
}

void daemon_preload_turn(struct daemon *d, bool is_tick)
{
	struct ends_sink sink = {.arg = d->preload, .ended = preload_end};
	bool is_drained = false;

	if (d->ends)
		ends_collect(d->ends, &sink);
	if (capture_is_taken(d))
		is_drained = inbox_receive(d->inbox, is_tick);
	preload_advance(d->preload, is_drained);
}

bool daemon_preload_is_settled(const struct daemon *d, uint64_t since_ns)
{
	if (!d->ends || node_boot_ns() >= since_ns + HELD_MAX_NS)
		return true;
	return ends_are_told(d->ends, since_ns) && preload_is_settled(d->preload);
}

void daemon_preload_gather(struct daemon *d, struct status *ret)
{
	struct preload_counts *counts = &ret->messages;

	preload_counts(d->preload, counts);
	ret->queue = inbox_queue(d->inbox);
	ret->has_pidfds = inbox_has_pidfds(d->inbox);
	ret->ends = d->ends;
	inbox_losses(d->inbox, &ret->losses);
	ret->losses.count[LOSS_RUN_REFUSED] += counts->refused;
	ret->losses.count[LOSS_LIVE_FULL] += counts->full;
	if (!d->ends)
		return;
	ends_losses(d->ends, &ret->losses);
	/* not those that were refused, or came twice: any user can send many */
	if (d->source.exec_counter)
		ret->losses.count[LOSS_EXEC_UNTOLD] =
			untold_count(&d->untold, ends_execs(d->ends), counts->begins + counts->full,
				     node_boot_ns(), d->is_last);
}
