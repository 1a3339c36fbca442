/* SPDX-License-Identifier: BSD-2-Clause */
/* The capture's insides, which capture.c (making, draining) and capture_read.c (asking) share. */
#pragma once

#include "daemon/capture.h"

struct capture {
	struct ring_buffer *ring;
	int lock_fd; /* the pin folder, as long as we live */
	int ring_fd, counters_fd, control_fd, scan_link_fd;
	int program_fds[HOOK_FACTS];
	const struct hook *hooks[HOOK_FACTS];
	/* shared with the programs; mapped, since bpf(2) on a map keeps perf-based programs of this
	 * CPU from running meanwhile, uncounted */
	struct control *control;
	uint64_t ring_bytes;
	uint64_t left_behind;
	bool is_reused;
	capture_sink sink;
	void *sink_arg;
};
