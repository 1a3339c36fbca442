/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What users' programs tell, on its way in: from the socket (receive.h) and the drop folder
 * (drop.h). Link records are checked (link_record.h), given host and job, and go to the tracker;
 * what programs tell of themselves goes to preload.h.
 */
#pragma once

#include "common/config.h"
#include "daemon/losses.h"
#include "daemon/node.h"
struct preload; /* daemon/preload.h */
#include "daemon/tracker.h"

struct inbox;

/* preload: stays the caller's. is_first: programs' messages are what the node is seen by, so the
 * drop folder is looked at in every tick. */
int inbox_new(const struct config *config, const struct node *node, struct tracker *tracker,
	      struct preload *preload, bool is_first, struct inbox **ret);
void inbox_free(struct inbox *inbox);

/* Readable when a message waits. */
int inbox_fd(const struct inbox *inbox);
/* Datagrams that the socket has room for; 0: not known. */
unsigned int inbox_queue(const struct inbox *inbox);
/* True if a message comes with its sender's pidfd. */
bool inbox_has_pidfds(const struct inbox *inbox);
/*
 * Takes what waits, within a budget; and, now and then when the tick is asked for, what was
 * dropped. True if nothing is left in the socket.
 */
bool inbox_receive(struct inbox *inbox, bool is_tick);
/* Takes what waits in the socket and lies in the drop folder now, all of it. */
void inbox_receive_all(struct inbox *inbox);
void inbox_losses(const struct inbox *inbox, struct losses *losses);
