/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * runmarkd --collect DIR: files that programs left in a folder of RUNMARK_SPOOL, where no daemon
 * ran, become spool files in the same folder. Nothing but the user's own rights is needed.
 *
 *	DIR/NAME.run ─► of processes that have ended ─► preload.h ─► tracker ─► DIR/NAME.jsonl
 *
 * Exactly once, however often it is killed: a file goes when the spool file that has its run is
 * whole and on the disk. Killed in between, both are there; the file is taken again and makes a
 * record of the same id, which a loader drops. The same id needs the same images in front of it in
 * its process, so a process's files are taken together, and go the newest first; and the same
 * clocks, so what they were is kept in DIR/.runmark.
 */
#pragma once

#include "common/config.h"

#define COLLECT_FILES_MAX 65536 /* looked at in one go; more are taken in the next */
#define COLLECT_BATCH	  997	/* files that make one spool file, or the next process's end */
#define COLLECT_AGE_S	  86400 /* of one of another host or boot, whose end isn't told */

/*
 * Prints "refused NAME: why" for each file that makes no sense, and "collected N files, N of
 * programs that still run, N refused". 0 or negative errno, after saying why.
 */
int collect_run(const struct config *config, const char *folder);
