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

#define TICK_MS	       100  /* the ring is drained so often, or when a quarter of it waits */
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
	(void)inbox_receive(d->inbox, with_events);
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
		scan_tell(d->tracker, d->scanner, &tasks);
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

static int watch(struct daemon *d)
{
	struct itimerspec every = {{0, TICK_MS * 1000000L}, {0, TICK_MS * 1000000L}};
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	d->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	d->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	d->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (d->signal_fd < 0 || d->timer_fd < 0 || d->epoll_fd < 0 ||
	    timerfd_settime(d->timer_fd, 0, &every, NULL))
		return -errno;
	int fds[] = {d->signal_fd,	     d->timer_fd,
		     capture_fd(d->capture), tracker_facts_fd(d->tracker),
		     writer_fd(d->writer),   control_fd(d->control),
		     inbox_fd(d->inbox)};
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.fd = fds[i]};

		if (fds[i] >= 0 && epoll_ctl(d->epoll_fd, EPOLL_CTL_ADD, fds[i], &event))
			return -errno;
	}
	return 0;
}

/* --- start and stop */

static int capture_begin(struct daemon *d)
{
	struct capture_options options = {.pin = d->config->pin, .ring_mib = d->config->ring_mib};
	_cleanup_free_ char *message = NULL;
	int r;

	memcpy(options.forced, d->options->forced, sizeof(options.forced));
	r = source_begin(&d->source, d->config, &options, &message);
	d->capture = d->source.capture;
	if (r && message) {
		log_err(0, "%s", message);
		return r;
	}
	if (r)
		return log_err(r, "cannot begin to capture");
	if (d->source.reason)
		log_warn(0, "BPF cannot be used: %s; going on with source = preload",
			 d->source.reason);
	if (d->source.has_pins)
		log_warn(0,
			 "the kernel side of an earlier daemon is still attached below %s, and "
			 "nobody takes what it tells; runmarkd --unload removes it",
			 d->config->pin);
	for (enum hook_fact fact = 0; fact < HOOK_FACTS; fact++) {
		struct source_rung hook = source_rung(&d->source, fact);

		if (hook.lost)
			log_warn(0, "hook %s=%s does not see: %s", hook_fact_name(fact), hook.rung,
				 hook.lost);
	}
	return 0;
}

/* The journal is had from the file system as it grows: said now, not when it is too late. */
static void state_room_check(const struct config *c)
{
	uint64_t room, wanted = (uint64_t)c->journal_mib << 20;

	if (!fs_room_for_file(c->state, "journal", &room) && room < wanted)
		log_warn(0,
			 "state folder %s has room for a journal of %u MiB, not of journal_mib = "
			 "%u: free room on its file system, or lower journal_mib",
			 c->state, (unsigned int)(room >> 20), c->journal_mib);
}

static void spool_owner_check(const struct config *c)
{
	struct stat st;

	if (!stat(c->spool, &st) && st.st_uid != geteuid())
		log_warn(0,
			 "spool folder %s is owned by user %u, who can forge and remove records: "
			 "chown root %s",
			 c->spool, st.st_uid, c->spool);
}

static int below_begin(struct daemon *d)
{
	struct event_task task;
	int r;

	if (!d->options->below)
		return 0;
	r = scan_find_proc((uint32_t)d->options->below, d->node.tick_ns, &task);
	if (r)
		return log_err(r, "--below %d", (int)d->options->below);
	tracker_set_below(d->tracker, &task);
	return 0;
}

static int begin(struct daemon *d)
{
	const struct config *c = d->config;
	struct kernel_rule rules[KERNEL_RULES_MAX];
	struct capture_totals told;
	int holder = 0, r;

	d->lock_fd = node_lock(c, &holder);
	if (d->lock_fd == -EBUSY)
		return log_err(d->lock_fd,
			       "another runmarkd (pid %d) runs with state %s; stop it first",
			       holder, c->state);
	if (d->lock_fd < 0)
		return log_err(d->lock_fd, "cannot lock %s/lock%s", c->state,
			       !geteuid() ? ""
			       : c->source == CONFIG_SOURCE_PRELOAD
				       ? "; name folders of your own (runmarkd(8), SOURCES)"
				       : "; runmarkd must be run by root");
	r = node_init(&d->node, c);
	if (r)
		return log_err(r, "cannot use state folder %s", c->state);
	state_room_check(c);
	r = writer_new(c, &d->node, &d->writer);
	if (r == -EPERM)
		return log_err(r, "everybody may write to spool folder %s: chmod o-w %s", c->spool,
			       c->spool);
	if (r)
		return log_err(r, "cannot use spool folder %s", c->spool);
	spool_owner_check(c);
	r = tracker_new(c, &d->node, d->writer, &d->tracker);
	if (r)
		return log_err(r, "cannot use the journal in %s", c->state);
	r = below_begin(d);
	if (!r)
		r = capture_begin(d);
	if (r)
		return r;
	capture_set_rules(d->capture, rules, tracker_kernel_rules(d->tracker, rules));
	capture_told(d->capture, &told);
	tracker_set_told(d->tracker, &told);
	if (!d->capture)
		live_set_begin(tracker_live(d->tracker), node_boot_ns());
	else if (!capture_is_continued(d->capture))
		tracker_capture_is_fresh(d->tracker);
	r = control_new(c->control, &daemon_control, d, &d->control);
	if (r)
		return log_err(r, "cannot listen on %s", c->control);
	r = inbox_new(c, &d->node, d->tracker, NULL, !d->capture, &d->inbox);
	if (r)
		return log_err(r, "cannot listen on %s", c->socket);
	r = scanner_new(&d->scanner);
	if (r)
		return log_err(r, "cannot read what runs");
	r = watch(d);
	return r ? log_err(r, "cannot wait for events") : 0;
}

/* What has ended is written, as far as the disk allows; what still runs stays in the journal. */
static int end(struct daemon *d)
{
	uint64_t until = node_boot_ns() + STOP_MAX_NS;
	int r;

	(void)drain_all(d);
	daemon_tell(d, "stop");
	while (!tracker_end_groups(d->tracker) && node_boot_ns() < until) {
		turn(d, true);
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
			   .config = options->config,
			   .lock_fd = -1,
			   .epoll_fd = -1,
			   .timer_fd = -1,
			   .signal_fd = -1};
	int r = begin(&d);

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
	scanner_free(d.scanner);
	inbox_free(d.inbox);
	control_free(d.control);
	if (!writer_is_stuck(d.writer)) /* else its thread may still read what it was given */
		tracker_free(d.tracker);
	source_done(&d.source);
	if (options->below && !d.source.is_preload) /* for that alone: nothing goes on without it */
		(void)capture_unload(d.config->pin);
	writer_free(d.writer);
	cleanup_close(&d.signal_fd);
	cleanup_close(&d.timer_fd);
	cleanup_close(&d.epoll_fd);
	cleanup_close(&d.lock_fd);
	return r;
}
