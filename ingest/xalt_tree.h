/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files that XALT wrote, in the directories of its users, whoever put what there meanwhile: nothing
 * is followed out of the tree, and nothing is opened that could block.
 */
#pragma once

#include "common/util.h"
#include <signal.h>
#include <sys/stat.h>

#define XALT_DEPTH_MAX 16 /* directories below the one that was named */

struct xalt_tree {
	const volatile sig_atomic_t *stop;
	/*
	 * A regular file, open for reading; fd is the function's. is_named: it is the path itself,
	 * not found in a directory. Other than 0 ends the walk.
	 */
	int (*file)(void *arg, const char *path, int fd, const struct stat *st, bool is_named);
	void *arg;
	/* What was passed over. */
	uint64_t others;    /* names that are not those of records */
	uint64_t irregular; /* links, FIFOs, devices with names of records */
	uint64_t too_deep;  /* directories */
	uint64_t failures;  /* could not be opened or read; said already */
};

/* run.*.json, link.*.json, pkg.*.json */
bool xalt_tree_is_record(const char *name);

/* A file, or a directory and all below it. 0, -EINTR when asked to stop, or what file() returned.
 */
int xalt_tree_walk(struct xalt_tree *tree, const char *path);
