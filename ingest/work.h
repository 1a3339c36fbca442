/* SPDX-License-Identifier: BSD-2-Clause */
/* What runmark-ingest does with files and directories, and what it says about it. */
#pragma once

#include "ingest/loader.h"
#include "ingest/options.h"
#include "ingest/progress.h"

struct work {
	const struct options *options;
	struct loader loader;
	struct progress progress;
	struct site_names names;
	const volatile sig_atomic_t *stop;
	uint64_t disposed;	 /* files removed or archived */
	uint64_t failures;	 /* files that could not be read or disposed of; said already */
	bool is_database_broken; /* and that has been said */
};

/*
 * One file: loaded, then removed or archived if that is wanted. is_listed: it comes from a
 * directory, and may be gone again without anybody minding. 0 also when the file is at fault
 * (failures grows); negative errno if the database is, or on -EINTR.
 */
int work_file(struct work *work, const char *path, bool is_listed);

/* All whole spool files of a directory, oldest first. As work_file(); a directory that cannot be
 * read is a failure. */
int work_directory(struct work *work, const char *path);

/* Directories among paths are watched, and read again now and then, until stop. As work_file(), but
 * a database that fails is tried again after a while. */
int work_follow(struct work *work, char *const *paths, size_t count);

/* What was loaded, on standard output; what is missing, as warnings. */
void work_report(struct work *work);
