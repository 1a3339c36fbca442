/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon: everything made in order, one loop, everything undone. The loop never waits for
 * anything but its descriptors: disks, file systems and name services are other threads' (writer.h,
 * facts.h).
 */
#pragma once

#include "common/config.h"
#include "daemon/hooks.h"

struct daemon_options {
	const struct config *config;
	const struct hook *forced[HOOK_FACTS];
	pid_t below;	/* only this process and what descends from it is recorded; 0: all */
	bool announces; /* at the end, what still runs: nobody goes on with it */
	/* called when tracking has begun; NULL: nobody waits */
	void (*ready)(const struct daemon_options *options);
	int ready_fd; /* for ready() */
};

/* Runs until SIGTERM or SIGINT. 0 or negative errno; what went wrong is logged. */
int daemon_run(const struct daemon_options *options);
