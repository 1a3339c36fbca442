/* SPDX-License-Identifier: BSD-2-Clause */
/* One line on the terminal that watches, if one does. */
#pragma once

#include "ingest/loader.h"

struct progress {
	bool is_shown; /* standard error is a terminal */
	bool is_there; /* the line stands there now */
	uint64_t start_ms, last_ms;
	size_t file, files; /* the one at hand, all of this directory */
	const struct loader *loader;
};

void progress_init(struct progress *progress, const struct loader *loader);
/* loader's callback; arg is the struct. At most five times a second. */
void progress_show(void *arg, const char *path, uint64_t lines);
/* records: loaded so far, of what has no known end. */
void progress_records(struct progress *progress, uint64_t records);
/* Wipes the line, before something else is printed. */
void progress_clear(struct progress *progress);
