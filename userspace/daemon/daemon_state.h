/* SPDX-License-Identifier: BSD-2-Clause */
/* The daemon's insides, which daemon.c (start, loop, stop) and daemon_control.c (what it is asked)
 * share. */
#pragma once

#include "daemon/control.h"
#include "daemon/daemon.h"
#include "daemon/ends.h"
#include "daemon/inbox.h"
#include "daemon/preload.h"
#include "daemon/scan_thread.h"
#include "daemon/source.h"
#include "daemon/status.h"
#include "daemon/untold.h"

struct daemon {
	const struct daemon_options *options;
	const struct config *config;
	struct node node;
	struct source source;
	struct capture *capture; /* the source's; NULL: none */
	struct tracker *tracker;
	struct writer *writer;
	struct control_server *control;
	struct inbox *inbox;
	struct preload *preload;
	struct ends *ends; /* NULL: the kernel side tells of ends */
	int run_spool_fd;
	struct scanner *scanner;
	int lock_fd, epoll_fd, timer_fd, signal_fd;
	unsigned int drained; /* in this go */
	uint64_t node_due_ns, node_last_unix_ns, losses_due_ns;
	uint64_t closes_asked; /* of the writer, and before any flush that waits */
	uint64_t ends_lost;    /* exits the ring had no room for, when the table was last looked
				  through */
	unsigned int errors_logged;
	bool reconcile_wanted; /* it could not be done yet */
	bool flush_wanted, flush_asked;
	uint64_t flush_mark; /* what was in the ring when it was asked for */
	uint64_t flush_number, flush_asked_ns;
	struct untold untold;
	bool stop, is_last; /* is to end; what comes now is not heard any more */
};

/* daemon_start.c. A message is logged on failure; daemon_done() is called in any case. */
int daemon_begin(struct daemon *d);
void daemon_done(struct daemon *d);

/* Takes what the ring holds, up to a limit. */
void daemon_drain(struct daemon *d);

/* All that is known of how it goes. */
void daemon_gather(struct daemon *d, struct status *ret);
/* A node record: event is "start", "periodic" or "stop". */
void daemon_tell(struct daemon *d, const char *event);
/* Goes on with a flush that was asked for: once all that waited then is in the writer's hands, it
 * is asked to close the file. */
void daemon_flush(struct daemon *d);
extern const struct control_actions daemon_control;

/* daemon_preload.c: what programs tell of themselves. */
int daemon_preload_begin(struct daemon *d);
void daemon_preload_done(struct daemon *d);
/* Takes what waits; is_tick: of the drop folder, too. */
void daemon_preload_turn(struct daemon *d, bool is_tick);
/* False while more is to be known of what had ended by then. */
bool daemon_preload_is_settled(const struct daemon *d, uint64_t since_ns);
void daemon_preload_gather(struct daemon *d, struct status *ret);
