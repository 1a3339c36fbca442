// SPDX-License-Identifier: BSD-2-Clause
/* Start, loop and stop (daemon_control.c: what it is asked meanwhile). */
#include "daemon/daemon.h"
#include "common/fs.h"
#include "common/log.h"
#include "daemon/journal.h"
#include "daemon/daemon_state.h"
#include "daemon/scan.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

#define DRAIN_MAX      8192 /* events at one go, so that what they finish is handed on meanwhile */
#define DRAIN_IDLE_MAX 100  /* times that nothing more came of an event that is being written */
#define STOP_MAX_NS    (10 * NS_PER_S) /* lookups and the disk are waited for so long at the end */

static int drain_sink(void *arg, const struct event *event)
{
	struct daemon *d = arg;
	int r = tracker_event(d->tracker, event);

	return r ? r : ++d->drained < DRAIN_MAX ? 0 : -EAGAIN;
}

void daemon_drain(struct daemon *d)
{
	d->drained = 0;
	if (tracker_has_room(d->tracker))
		(void)capture_drain(d->capture, drain_sink, d);
}

/* --- what runs already, and what is gone */

static void turn(struct daemon *d, bool with_events)
{
	char *lines = NULL;

	if (with_events)
		daemon_drain(d);
	daemon_preload_turn(d, with_events);
	tracker_advance(d->tracker, &lines);
	daemon_flush(d);
	if (lines)
		control_lines(d->control, lines);
	free(lines);
}

/* Takes all that waits now. False if not all of it could be taken. */
static bool drain_all(struct daemon *d)
{
	uint64_t mark = capture_mark(d->capture);
	unsigned int idle = 0;

	for (;;) {
		turn(d, true);
		if (capture_is_past(d->capture, mark))
			return true;
		if (!tracker_has_room(d->tracker) || idle > DRAIN_IDLE_MAX)
			return false;
		if (!d->drained && idle++) /* an event is being written at this moment */
			usleep(1000);
	}
}

/* What the kernel side doesn't tell the end of. */
static void adopt(void *arg, const struct event_task *task, uint64_t seen_ns)
{
	struct daemon *d = arg;

	preload_adopt(d->preload, task->pid, task->start_ns, seen_ns);
}

/* The table is made to agree with what the kernel has now: unknown processes are told of, and those
 * that are gone are ended. Events that wait are taken first, and those of what ended meanwhile
 * before anything is called gone. */
static void reconcile(struct daemon *d)
{
	_cleanup_(scan_done) struct scan_tasks tasks = {0};
	int r;

	d->reconcile_wanted = false;
	scan_mark(&tasks);
	(void)drain_all(d);
	r = scan_list(d->capture, d->node.tick_ns, &tasks);
	if (r) {
		log_warn(r, "cannot list running processes; those that ran before are not known");
		return;
	}
	if (d->config->scan_running)
		scan_tell(d->tracker, d->scanner, &tasks, d->capture ? NULL : adopt, d);
	if (drain_all(d))
		live_reconcile(tracker_live(d->tracker), scan_is_alive, &tasks);
	else /* the ends of what is gone may still wait */
		d->reconcile_wanted = true;
}

/* --- the loop */

static void losses_tell(struct daemon *d)
{
	struct status status;

	daemon_gather(d, &status);
	capture_set_told(d->capture, tracker_reported(d->tracker));
	writer_set_losses(d->writer, &status.losses);
	status_log_errors(&status, &d->errors_logged);
	d->losses_due_ns = node_boot_ns() + NS_PER_S;
	/* an exit that was lost leaves its process in the table for ever */
	if (d->reconcile_wanted ||
	    status.losses.count[LOSS_RING_FULL_EXIT] + status.losses.count[LOSS_PROGRAM_MISSED] >
		    d->ends_lost) {
		d->ends_lost = status.losses.count[LOSS_RING_FULL_EXIT] +
			       status.losses.count[LOSS_PROGRAM_MISSED];
		reconcile(d);
	}
}

static void signals_take(struct daemon *d)
{
	struct signalfd_siginfo info;

	while (read(d->signal_fd, &info, sizeof(info)) == sizeof(info))
		if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
			d->stop = true;
}

static void loop(struct daemon *d)
{
	while (!d->stop) {
		struct epoll_event events[8];
		int count = epoll_wait(d->epoll_fd, events, ARRAY_SIZE(events), -1);
		bool drain = false;
		uint64_t ticks, now;

		for (int i = 0; i < count; i++) {
			if (events[i].data.fd == d->timer_fd)
				drain |= read(d->timer_fd, &ticks, sizeof(ticks)) > 0;
			else if (events[i].data.fd == capture_fd(d->capture))
				drain = true;
			else if (events[i].data.fd == d->signal_fd)
				signals_take(d);
		}
		turn(d, drain || d->flush_wanted);
		control_serve(d->control);
		now = node_boot_ns();
		if (now >= d->losses_due_ns)
			losses_tell(d);
		if (now >= d->node_due_ns)
			daemon_tell(d, "periodic");
	}
}

/* --- start and stop */

/* What has ended is written, as far as the disk allows; what still runs stays in the journal. */
static int end(struct daemon *d)
{
	uint64_t until = node_boot_ns() + STOP_MAX_NS;
	int r;

	(void)drain_all(d);
	d->is_last = true;
	daemon_tell(d, "stop");
	while (!tracker_end_groups(d->tracker) && node_boot_ns() < until) {
		turn(d, true);
		usleep(10000);
	}
	while (d->options->announces && !tracker_announce_all(d->tracker) &&
	       node_boot_ns() < until) {
		turn(d, false);
		usleep(10000);
	}
	r = writer_finish(d->writer);
	turn(d, false); /* the journal learns what is written */
	capture_set_told(d->capture, tracker_reported(d->tracker));
	return r ? log_err(r,
			   "the spool could not be written; the journal in %s keeps what is "
			   "missing "
			   "until the next start",
			   d->config->state)
		 : 0;
}

int daemon_run(const struct daemon_options *options)
{
	struct daemon d = {.options = options,
			   .run_spool_fd = -1,
			   .config = options->config,
			   .lock_fd = -1,
			   .epoll_fd = -1,
			   .timer_fd = -1,
			   .signal_fd = -1};
	int r = daemon_begin(&d);

	if (!r) {
		d.node_last_unix_ns = d.node.started_unix_ns;
		reconcile(&d);
		daemon_tell(&d, "start");
		if (options->ready)
			options->ready(options);
		loop(&d);
		r = end(&d);
	} else if (d.writer) {
		(void)writer_finish(d.writer);
	}
	daemon_done(&d);
	return r;
}
