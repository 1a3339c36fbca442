/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads processes on a thread of its own, which is left behind when one keeps it waiting: whoever
 * maps something over a page that a file system of theirs must write, and does not, keeps their
 * memory's lock for as long as they like. (Pages of such files, or of userfaultfd(2), where their
 * arguments were, are no danger: the kernel stops there.) What is charged is time in which the
 * daemon's start, or its draining, stands still.
 */
#pragma once

#include "daemon/losses.h"
#include "daemon/scan_read.h"

#define SCAN_PATIENCE_NS (250 * NS_PER_MS) /* for one process */
#define SCAN_FREE_NS	 (10 * NS_PER_MS)  /* of it, that is not charged */
/* Charged, as long as the daemon lives: then no memory is read any more, of that user's or of
 * anybody's. So no user hides what others run. */
#define SCAN_USER_NS   NS_PER_S
#define SCAN_ALL_NS    (5 * NS_PER_S)
#define SCAN_USERS_MAX 64

struct scanner;

int scanner_new(struct scanner **ret);
/* A thread that hangs keeps what it has, and nothing of the daemon's. */
void scanner_free(struct scanner *scanner);

/*
 * What could be read of the process until now; *ret_done (enum scan_part) says which parts. It is
 * there until the next call, and other parts of it are not to be looked at. NULL: there is no
 * thread.
 */
const struct scan_read *scanner_read(struct scanner *scanner, uint32_t pid, unsigned int *ret_done);

/* No more is read for now: the thread ends. */
void scanner_rest(struct scanner *scanner);
void scanner_losses(const struct scanner *scanner, struct losses *ret);
