/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /proc/PID/stat. The second field is the program's name, in which it may write what it likes, also
 * what looks like the fields behind it: those begin behind the last bracket.
 */
#pragma once

#include "common/util.h"

#include <sys/types.h>

/* By proc_pid_stat(5); times are in clock ticks. */
struct proc_stat {
	pid_t pid, ppid;
	char comm[16];
	char state;
	bool is_zombie;	 /* its first thread has ended */
	bool is_exiting; /* or is about to */
	uint64_t minor_faults, major_faults, user_ticks, system_ticks, threads, start_ticks;
	/* places in its memory, and how it ended: 0 to who may not look */
	uint64_t argv_start, argv_end, env_start, env_end;
	uint32_t wait_status;
};

/* 0; -ESRCH if the process was gone before all of it was written; -EBADMSG: a field is missing, or
 * is none. */
int proc_stat_parse(const char *text, struct proc_stat *ret);
/* The file of that path in the folder. 0, -ESRCH: there is no such process, or negative errno. */
int proc_stat_read(int folder, const char *path, struct proc_stat *ret);
