/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel itself says of a process that told of itself, while it is there. Read are only
 * files of /proc that wait for nobody (no memory of the process is looked at), through one folder
 * that stays this process's, whoever has its number later.
 */
#pragma once

#include "bpf/event.h"
#include "common/util.h"

struct preload_look {
	bool is_there; /* else nothing of the rest is known */
	bool has_cgroup;
	uint64_t start_ns; /* CLOCK_BOOTTIME, floored to a clock tick */
	uint32_t ppid;
	uint32_t euid, login_uid; /* login_uid -1: none */
	uint32_t traits;	  /* TRAITS_NAMESPACES */
	struct bytes cgroup;	  /* in room */
	char room[4096];
};

/* pidfd: of the process, or -1: whoever has the number. */
void preload_look(uint32_t pid, int pidfd, uint64_t tick_ns, struct preload_look *ret);

/* Parent and start of a process: false if it has ended. */
bool preload_look_stat(uint32_t pid, uint64_t tick_ns, uint32_t *ret_ppid, uint64_t *ret_start_ns);
/* True if both run the same file, as far as its name tells. */
bool preload_is_same_program(uint32_t pid, uint32_t other_pid);
