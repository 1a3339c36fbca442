/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nothing ends a thread that hangs in a file system, not even SIGKILL, and what a process has open
 * stays so until its last thread ends. So threads that may hang have descriptors of their own: a
 * daemon that is killed lets go of its lock and sockets all the same, and the next one can start.
 */
#pragma once

#include <stddef.h>

/* From here on this thread has its own, and of the daemon's only keep's; 0, 1 and 2 are /dev/null.
 * Where that can't be had, they stay shared. */
void descriptors_own(const int *keep, size_t count);
