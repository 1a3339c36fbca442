/* SPDX-License-Identifier: BSD-2-Clause */
/* From a message to the events that the kernel side would have sent of the same. Nothing is looked
 * up here. */
#pragma once

#include "common/run_read.h"
#include "daemon/live.h"

/* What is known of a process otherwise than by its own word. */
struct preload_about {
	struct live_key key;
	struct live_key parent; /* pid 0: not known */
	uint64_t time_ns;	/* of the exec, CLOCK_BOOTTIME */
	uint32_t uid, euid, gid, login_uid;
	uint32_t traits;
	struct bytes cgroup; /* as /proc/PID/cgroup reads */
	bool is_cgroup_told; /* but told by itself */
};

/* An event's room. */
union preload_room {
	struct event head;
	struct event_exec exec;
	struct event_fork fork;
	struct event_mmap mapping;
	struct event_exit exit;
	char bytes[EVENT_MAX_BYTES];
};

void preload_make_exec(const struct run_read *message, const struct preload_about *about,
		       union preload_room *ret);

/* The program's own notes; and its name, where what the kernel ran is a loader. */
void preload_make_program(const struct run_read *message, const struct live_key *key,
			  uint64_t time_ns, union preload_room *ret);
/* An object that it has mapped. */
void preload_make_object(const struct run_object *object, struct bytes path,
			 const struct live_key *key, uint64_t time_ns, union preload_room *ret);

/*
 * The interpreter as the kernel had it, where the program was run for a script: then the script is
 * what was requested (AT_EXECFN), and the kernel has put it behind interpreter and option. Empty if
 * it is none.
 */
struct bytes preload_interpreter(const struct run_read *message);

/* The groups of v2 and of v1 (the deepest) in the text of /proc/PID/cgroup; empty: none. */
void preload_cgroups(struct bytes text, struct bytes *ret_v2, struct bytes *ret_v1);
