/* SPDX-License-Identifier: BSD-2-Clause */
/* The last step of a spool file's life here: from a temporary name to what readers see. */
#pragma once

#include "common/util.h"

/*
 * Syncs fd, which is open on tmp, and gives it its final name ("NAME", or "NAME.zst" compressed).
 * Where compression fails (a full disk), the plain file is renamed. 0 or negative errno.
 */
int spool_finish(int folder_fd, int fd, const char *tmp, const char *name, bool compress);
