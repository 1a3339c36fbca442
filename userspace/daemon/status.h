/* SPDX-License-Identifier: BSD-2-Clause */
/* What the daemon says of itself: the node record, and the answer to "status" (runmark(1)). */
#pragma once

#include "daemon/ends.h"
#include "daemon/preload.h"
#include "daemon/source.h"
#include "daemon/tracker.h"
#include "daemon/writer.h"

struct status { /* all there is to tell, gathered at one time */
	const struct config *config;
	const struct node *node;
	const struct source *source;
	struct capture_totals totals;
	struct tracker_counts tracker;
	struct writer_status writer;
	struct losses losses;
	uint64_t ring_used, ring_size;
	struct preload_counts messages;
	unsigned int queue; /* of the socket, datagrams; 0: not known */
	bool has_pidfds;
	const struct ends *ends; /* NULL: the kernel side tells of them */
};

/* event: "start", "periodic", "stop". since: Unix time of the record before. NULL if memory ran
 * out. */
cJSON *status_node_record(const struct status *status, const char *event, uint64_t since_unix_ns);
cJSON *status_answer(const struct status *status);

/* Logs errors that have begun or ended since *logged, a set that it keeps (0 at first). */
void status_log_errors(const struct status *status, unsigned int *logged);
