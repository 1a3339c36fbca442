/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Link records on their way in: from the socket (receive.h) and the drop folder (drop.h), checked
 * (link_record.h), given host and job, to the tracker.
 */
#pragma once

#include "common/config.h"
#include "daemon/losses.h"
#include "daemon/node.h"
#include "daemon/tracker.h"

struct links;

int links_new(const struct config *config, const struct node *node, struct tracker *tracker,
	      struct links **ret);
void links_free(struct links *links);

/* Readable when a message waits. */
int links_fd(const struct links *links);
/* Takes what waits, within a budget; and, now and then when the tick is asked for, what was
 * dropped. */
void links_receive(struct links *links, bool is_tick);
void links_losses(const struct links *links, struct losses *losses);
