// SPDX-License-Identifier: BSD-2-Clause
/* Start, loop and stop. */
#include "daemon/daemon.h"
#include "common/fs.h"
#include "common/log.h"
#include "daemon/control.h"
#include "daemon/journal.h"
#include "daemon/links.h"
#include "daemon/scan.h"
#include "daemon/status.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#define TICK_MS	       100  /* the ring is drained so often, or when a quarter of it waits */
#define DRAIN_MAX      8192 /* events at one go, so that what they finish is handed on meanwhile */
#define DRAIN_IDLE_MAX 100  /* times that nothing more came of an event that is being written */
#define STOP_MAX_NS    (10 * NS_PER_S) /* lookups and the disk are waited for so long at the end */

struct daemon {
	const struct daemon_options *options;
	const struct config *config;
	struct node node;
	struct capture *capture;
	struct tracker *tracker;
	struct writer *writer;
	struct control_server *control;
	struct links *links;
	int lock_fd, epoll_fd, timer_fd, signal_fd;
	unsigned int drained; /* in this go */
	uint64_t node_due_ns, node_last_unix_ns, losses_due_ns;
	uint64_t closes_asked; /* of the writer, and before any flush that waits */
	uint64_t ends_lost;    /* exits the ring had no room for, when the table was last looked
				  through */
	bool reconcile_wanted; /* it could not be done yet */
	bool flush_wanted, flush_asked;
	uint64_t flush_number;
	bool stop;
};

/* --- status and control */

static void gather(struct daemon *d, struct status *ret)
{
	*ret = (struct status){.config = d->config, .node = &d->node, .capture = d->capture};
	(void)capture_totals(d->capture, &ret->totals);
	tracker_counts(d->tracker, &ret->tracker);
	writer_status(d->writer, &ret->writer);
	capture_ring(d->capture, &ret->ring_used, &ret->ring_size);
	tracker_losses(d->tracker, &ret->totals, &ret->writer, &ret->losses);
	links_losses(d->links, &ret->losses);
}

static void node_tell(struct daemon *d, const char *event)
{
	struct status status;
	cJSON *record;

	gather(d, &status);
	record = status_node_record(&status, event, d->node_last_unix_ns);
	if (!record)
		return;
	writer_put_record(d->writer, "node", record, NULL);
	tracker_reported(d->tracker, &status.totals);
	d->node_last_unix_ns = node_unix_ns();
	d->node_due_ns = node_boot_ns() + d->config->node_seconds * NS_PER_S;
}

static cJSON *control_status(void *arg)
{
	struct status status;

	gather(arg, &status);
	return status_answer(&status);
}

static int drain_sink(void *arg, const struct event *event)
{
	struct daemon *d = arg;
	int r = tracker_event(d->tracker, event);

	return r ? r : ++d->drained < DRAIN_MAX ? 0 : -EAGAIN;
}

static void drain(struct daemon *d)
{
	d->drained = 0;
	if (tracker_has_room(d->tracker))
		(void)capture_drain(d->capture, drain_sink, d);
}

static cJSON *control_explain(void *arg, const char *what)
{
	struct daemon *d = arg;

	drain(d); /* it may be asked for as soon as it runs */
	return tracker_explain(d->tracker, what);
}

static void control_flush(void *arg)
{
	struct daemon *d = arg;

	d->flush_wanted = true;
	d->flush_asked = false;
}

/* Once all that has ended is in the writer's hands, it is asked to close the file; then the flush
 * is done. */
static void flush_advance(struct daemon *d)
{
	uint64_t used, size;

	if (!d->flush_wanted || d->flush_asked)
		return;
	capture_ring(d->capture, &used, &size);
	if (used || !tracker_end_groups(d->tracker))
		return;
	writer_put_close(d->writer);
	writer_go(d->writer);
	d->flush_number = ++d->closes_asked;
	d->flush_asked = true;
}

static cJSON *control_flushed(void *arg)
{
	struct daemon *d = arg;
	struct writer_status status;
	cJSON *answer;

	if (!d->flush_asked || writer_closed(d->writer) < d->flush_number)
		return NULL;
	d->flush_wanted = false;
	writer_status(d->writer, &status);
	answer = cJSON_CreateObject();
	cJSON_AddStringToObject(answer, "schema", "runmark.status/1");
	cJSON_AddTrueToObject(answer, "flushed");
	cJSON_AddStringToObject(answer, "file", status.last);
	cJSON_AddNumberToObject(answer, "last_seq", status.last_seq);
	return answer;
}

static void control_tail(void *arg, bool on)
{
	writer_set_tail(((struct daemon *)arg)->writer, on);
}

static const struct control_actions control_actions = {
	control_status, control_explain, control_flush, control_flushed, control_tail};

/* --- what runs already, and what is gone */

static void turn(struct daemon *d, bool with_events)
{
	char *lines = NULL;

	if (with_events)
		drain(d);
	links_receive(d->links, with_events);
	tracker_advance(d->tracker, &lines);
	flush_advance(d);
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
	r = scan_list(d->capture, &tasks);
	if (r) {
		log_warn(r, "cannot list running processes; those that ran before are not known");
		return;
	}
	scan_tell(d->tracker, &tasks);
	if (drain_all(d))
		live_reconcile(tracker_live(d->tracker), scan_is_alive, &tasks);
	else /* the ends of what is gone may still wait */
		d->reconcile_wanted = true;
}

/* --- the loop */

static void losses_tell(struct daemon *d)
{
	struct status status;

	gather(d, &status);
	writer_set_losses(d->writer, &status.losses);
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
			node_tell(d, "periodic");
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
		     links_fd(d->links)};
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
	r = capture_new(&options, &d->capture, &message);
	if (r && message) {
		log_err(0, "%s", message);
		return r;
	}
	if (r)
		return log_err(r, "cannot begin to capture");
	for (enum hook_fact fact = 0; fact < HOOK_FACTS; fact++)
		if (capture_hook(d->capture, fact)->lost)
			log_warn(0, "hook %s=%s does not see: %s", hook_fact_name(fact),
				 capture_hook(d->capture, fact)->rung,
				 capture_hook(d->capture, fact)->lost);
	return 0;
}

static int begin(struct daemon *d)
{
	const struct config *c = d->config;
	struct kernel_rule rules[KERNEL_RULES_MAX];
	int holder = 0, r;

	d->lock_fd = node_lock(c, &holder);
	if (d->lock_fd == -EBUSY)
		return log_err(d->lock_fd,
			       "another runmarkd (pid %d) runs with state %s; stop it first",
			       holder, c->state);
	if (d->lock_fd < 0)
		return log_err(d->lock_fd, "cannot lock %s/lock; runmarkd must be run by root",
			       c->state);
	r = node_init(&d->node, c);
	if (r)
		return log_err(r, "cannot use state folder %s", c->state);
	r = writer_new(c, &d->node, &d->writer);
	if (r)
		return log_err(r, "cannot use spool folder %s", c->spool);
	r = tracker_new(c, &d->node, d->writer, &d->tracker);
	if (r)
		return log_err(r, "cannot use the journal in %s", c->state);
	if (c->source == CONFIG_SOURCE_PRELOAD)
		return log_err(-ENOTSUP, "source = preload is not there yet; use auto or bpf");
	r = capture_begin(d);
	if (r)
		return r;
	capture_set_rules(d->capture, rules, tracker_kernel_rules(d->tracker, rules));
	if (!capture_is_continued(d->capture))
		tracker_capture_is_fresh(d->tracker);
	r = control_new(c->control, &control_actions, d, &d->control);
	if (r)
		return log_err(r, "cannot listen on %s", c->control);
	r = links_new(c, &d->node, d->tracker, &d->links);
	if (r)
		return log_err(r, "cannot listen on %s", c->socket);
	r = watch(d);
	return r ? log_err(r, "cannot wait for events") : 0;
}

/* What has ended is written, as far as the disk allows; what still runs stays in the journal. */
static int end(struct daemon *d)
{
	uint64_t until = node_boot_ns() + STOP_MAX_NS;
	int r;

	(void)drain_all(d);
	node_tell(d, "stop");
	while (!tracker_end_groups(d->tracker) && node_boot_ns() < until) {
		turn(d, true);
		usleep(10000);
	}
	r = writer_finish(d->writer);
	turn(d, false); /* the journal learns what is written */
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
		node_tell(&d, "start");
		if (options->ready)
			options->ready(options);
		loop(&d);
		r = end(&d);
	} else if (d.writer) {
		(void)writer_finish(d.writer);
	}
	links_free(d.links);
	control_free(d.control);
	if (!writer_is_stuck(d.writer)) /* else its thread may still read what it was given */
		tracker_free(d.tracker);
	capture_free(d.capture);
	writer_free(d.writer);
	cleanup_close(&d.signal_fd);
	cleanup_close(&d.timer_fd);
	cleanup_close(&d.epoll_fd);
	cleanup_close(&d.lock_fd);
	return r;
}
