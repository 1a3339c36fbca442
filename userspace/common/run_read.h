/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads what run_message.h describes. It comes from users: any byte of it may be chosen to do harm.
 * A message is either taken whole or refused, once; what is read of it lies inside of it.
 *
 * Unknown kinds of items are skipped. A struct that is longer than ours is taken for what we know
 * of it, a shorter one is filled with zeros. Refused are: an item that leaves the message, one that
 * may be there once and is there twice, text with NUL in it or longer than its limit, lengths and
 * flags that no module writes, numbers of processes and times that no kernel has. Usage that can't
 * be is as that of a module that doesn't tell it.
 */
#pragma once

#include "common/run_message.h"
#include "common/util.h"

#define RUN_PID_MAX   INT32_MAX
#define RUN_SPAN_MAX  (1ULL << 60) /* ns: 36 years since the boot, or of a run */
#define RUN_UNIX_MAX  (1ULL << 62) /* ns: the year 2116; a run from then on still has its dates */
#define RUN_TICKS_MAX (1ULL << 36) /* 21 years at 100 in a second */
#define RUN_CPU_MAX   (1ULL << 61) /* ns: 73 years of one CPU */
#define RUN_USAGE_MAX (1ULL << 53) /* bytes, and faults */
#define RUN_HOST_MAX  253
#define RUN_BOOT_LEN  36

struct run_text {
	struct bytes text; /* in the message; argv and env: strings, each with its NUL */
	bool is_there, is_cut, is_fault;
};

struct run_read {
	enum run_phase phase;
	uint32_t pid; /* in the process's own namespace */
	uint64_t random[2];
	bool has_process, has_file, has_program;
	bool has_usage; /* of process: an old module doesn't tell it */
	bool has_more;	/* objects that found no room */
	bool has_later; /* it may open more of them */
	struct run_process process;
	struct run_file file;
	struct run_object program;
	struct run_end_memory end_memory; /* size 0: there is none */
	struct run_text exe, requested, cwd, cgroup, argv, env, host, boot, spool_file;
	uint64_t start_ticks; /* 0: not told */
	unsigned int object_count;
	struct bytes items; /* for run_read_object() */
};

/* One message; what is behind its size is not looked at. 0 or -EINVAL. */
int run_read(struct bytes message, struct run_read *ret);

/* The next object of a message that was read: items is moved behind it. False at the end. */
bool run_read_object(struct bytes *items, struct run_object *ret, struct bytes *ret_path);

struct run_end {
	struct run_read message;
	/* from the begin to the end, by CLOCK_MONOTONIC_COARSE; 0: not known */
	uint64_t elapsed_ns;
	bool closed; /* objects were let go of that are not told */
};

/* An end area of the image whose random[0] is token. 0; -ENODATA if its end isn't told; -EINVAL. */
int run_read_end(struct bytes area, uint64_t token, struct run_end *ret);

/* A file of RUNMARK_SPOOL: its begin, and where its end area would stand (empty: nowhere). 0 or
 * -EINVAL. */
int run_read_file(struct bytes file, struct run_read *ret, struct bytes *ret_area);
