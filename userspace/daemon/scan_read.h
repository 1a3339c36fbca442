/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What /proc tells of a process. To read its memory or its mappings is to wait for its memory's
 * lock, which it may keep; and whoever reads anything of it may be the last to let go of that
 * memory, and end what is mapped there. So this is done by a thread that can be left behind
 * (daemon/scan_thread.h). Each part is whole once it is in `done`, and not touched again.
 */
#pragma once

#include "daemon/event.h"

#include <stdatomic.h>

enum scan_part {
	SCAN_STATUS = 1 << 0, /* ids, names, control groups: the kernel's alone */
	SCAN_MAPS = 1 << 1,
	SCAN_ENV = 1 << 2,
	SCAN_ARGV = 1 << 3,
	SCAN_ALL = SCAN_STATUS | SCAN_MAPS | SCAN_ENV | SCAN_ARGV,
};

#define SCAN_MAPS_BYTES (1u << 20) /* of a process's objects, with their paths */

struct scan_text {
	uint32_t len;
	bool is_cut;
	bool is_partial; /* not all of it could be read */
};

struct scan_mapping {
	uint64_t inode;
	uint32_t device; /* as in struct event_file */
	uint32_t path_len;
	char path[]; /* the next one is behind it, at a multiple of 8 */
};

struct scan_read {
	uint32_t pid;	     /* of whom, and */
	unsigned int wanted; /* enum scan_part: what */
	atomic_uint done;
	/* SCAN_STATUS */
	bool is_program; /* else it is gone, or none */
	bool is_deleted;
	uint32_t uid, euid, gid, ppid, login_uid;
	struct scan_text exe, cwd, cgroup, cgroup_v1;
	char exe_data[PATH_MAX_BYTES], cwd_data[PATH_MAX_BYTES];
	char cgroup_data[CGROUP_MAX_BYTES], cgroup_v1_data[CGROUP_MAX_BYTES];
	uint64_t argv_start, argv_end, env_start, env_end; /* 0: not known */
	/* SCAN_MAPS: of the program itself, its file alone */
	struct event_file program;
	bool has_more_maps;
	uint32_t maps_bytes, maps_count;
	char *maps; /* struct scan_mapping */
	/* SCAN_ENV, SCAN_ARGV */
	struct scan_text env, argv;
	char env_data[ENV_MAX_BYTES + 1], argv_data[ARGV_MAX_BYTES + 1];
};

/* Reads all that is wanted, or of a process that is gone what there is. May never return. */
void scan_read(struct scan_read *read);
void scan_read_done(struct scan_read *read);

/* For tests: a line of maps(5), false if it is of no file. */
struct scan_line {
	uint64_t inode;
	uint32_t device;
	struct bytes path;
	bool is_executable;
};
bool scan_line_parse(const char *line, struct scan_line *ret);
