/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A directory that programs wrote into themselves (RUNMARK_SPOOL): runmarkd --collect makes spool
 * files of what is there, before they are loaded.
 */
#pragma once

#include "ingest/work.h"

/*
 * Does nothing where there are no such files. What makes no sense of them goes to the quarantine,
 * and is called NAME.bad from then on. 0, also when it can't be collected (failures grows);
 * negative errno if the database fails.
 */
int collect_directory(struct work *work, const char *path);
