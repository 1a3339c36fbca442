/* SPDX-License-Identifier: BSD-2-Clause */
/* The files of a folder of RUNMARK_SPOOL: found, read, and whether their process has ended. */
#pragma once

#include "common/run_message.h"
#include "common/util.h"

#include <sys/stat.h>

#define COLLECT_NAME_LEN  20 /* "<16 hex digits>.run" */
#define COLLECT_FILE_SIZE (1024 * 1024)
#define COLLECT_HOST_MAX  253

struct collect_file {
	char name[COLLECT_NAME_LEN + 1];
	char boot_id[37];
	char *host; /* up to its first dot */
	uint32_t pid;
	uint64_t start_ticks, boot_ns, unix_ns;
	bool is_here; /* of this boot */
};

struct collect_files {
	struct collect_file *items;
	size_t count, size;
	size_t running, refused;
	bool has_more;
};

/*
 * The files whose processes have ended, those of a process together and in order. boot_id: this
 * machine's. refuse is told the others' names and reasons. 0 or negative errno.
 */
int collect_files_list(int folder, const char *boot_id, struct collect_files *ret,
		       void (*refuse)(const char *name, const char *why));
void collect_files_done(struct collect_files *files);

/* The file's bytes, freed by the caller, and what it is. 0, -EINVAL with *ret_why, or another
 * negative errno: it could not be read. */
int collect_file_read(int folder, const char *name, char **ret, size_t *ret_len,
		      struct stat *ret_st, const char **ret_why);
