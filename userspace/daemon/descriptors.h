/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nothing ends a thread that hangs in a file system, not even SIGKILL, and what a process has open
 * stays so until its last thread ends. So threads that may hang have descriptors of their own: a
 * daemon that is killed lets go of its lock and sockets all the same, and the next one can start.
 * What one of them has opened for another thread must be handed over.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* From here on this thread has its own, and of the daemon's only keep's; 0, 1 and 2 are /dev/null.
 * Where that can't be had, they stay shared. */
void descriptors_own(const int *keep, size_t count);

/* A pair of sockets, the sender's first, by which threads hand descriptors to each other. 0 or
 * negative errno. */
int descriptors_pair(int ret[2]);
/* Hands fd, which is closed in any case, to who takes from the other socket; -1: that there is
 * none. False if it can't be; then nothing comes. Never waits. */
bool descriptors_pass(int socket, int fd);
/* In the order in which they were handed; -1 if there is none. */
int descriptors_take(int socket);
