// SPDX-License-Identifier: BSD-2-Clause
/* What a daemon is made of, in the order in which each needs the one before; and letting it go. */
#include "common/fs.h"
#include "common/log.h"
#include "daemon/daemon_state.h"
#include "daemon/scan.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

#define TICK_MS 100 /* the ring is drained so often, or when a quarter of it waits */

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
		     inbox_fd(d->inbox),     d->ends ? ends_fd(d->ends) : -1};
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.fd = fds[i]};

		if (fds[i] >= 0 && epoll_ctl(d->epoll_fd, EPOLL_CTL_ADD, fds[i], &event))
			return -errno;
	}
	return 0;
}

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
	return 0;
}

static void hooks_log(const struct daemon *d)
{
	for (enum hook_fact fact = 0; fact < HOOK_FACTS; fact++) {
		struct source_rung hook = source_rung(&d->source, fact);

		if (hook.lost)
			log_warn(0, "hook %s=%s does not see: %s", hook_fact_name(fact), hook.rung,
				 hook.lost);
	}
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

int daemon_begin(struct daemon *d)
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
	r = scanner_new(&d->scanner);
	if (r)
		return log_err(r, "cannot read what runs");
	r = daemon_preload_begin(d);
	if (r)
		return log_err(r, "cannot prepare for messages of programs%s%s",
			       *c->run_spool ? " and their files in " : "", c->run_spool);
	hooks_log(d);
	r = inbox_new(c, &d->node, d->tracker, d->preload, !d->capture, &d->inbox);
	if (r)
		return log_err(r, "cannot listen on %s", c->socket);
	r = watch(d);
	return r ? log_err(r, "cannot wait for events") : 0;
}

void daemon_done(struct daemon *d)
{
	inbox_free(d->inbox);
	daemon_preload_done(d);
	scanner_free(d->scanner);
	control_free(d->control);
	if (!writer_is_stuck(d->writer)) /* else its thread may still read what it was given */
		tracker_free(d->tracker);
	source_done(&d->source);
	if (d->options->below &&
	    !d->source.is_preload) /* for that alone: nothing goes on without it */
		(void)capture_unload(d->config->pin);
	writer_free(d->writer);
	cleanup_close(&d->signal_fd);
	cleanup_close(&d->timer_fd);
	cleanup_close(&d->epoll_fd);
	cleanup_close(&d->lock_fd);
}
