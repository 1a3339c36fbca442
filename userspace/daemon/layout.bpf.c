// SPDX-License-Identifier: BSD-2-Clause
/*
 * Nothing runs here: compiled for BPF for the sake of its BTF, which tells how this version lays
 * out what outlives a daemon: events in the ring and entries of the journal. It is stored beside
 * both, and layout.c reads it when they are another version's.
 */
#include "daemon/capture.h"
#include "daemon/group.h"
#include "daemon/live_ended.h"

struct stored {
	struct event_exec exec;
	struct event_fork fork;
	struct event_mmap mapping;
	struct event_exit exit;
	struct control control;
	struct task_state task_state;
	struct live_image_state image;
	struct live_process_state process;
	struct ended_process ended;
	struct live_file_state file;
	struct live_key key;
	struct live_job_state job;
	struct group_member member;
	struct group_state group;
} * stored;
