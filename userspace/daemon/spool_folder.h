/* SPDX-License-Identifier: BSD-2-Clause */
/* The folder of the spool, which may be moved away, made anew or mounted over while it is used. */
#pragma once

#include "common/util.h"

/* Opens it. -EPERM if everybody may write there: who can could put records into others' names. */
int spool_folder_open(const char *path, int *ret_fd);
/* Opens it anew if by its name it is another than folder_fd, or if open_fd (-1: none) is not its
 * file of that name any more: *ret_fd is the folder. 0: all is as it was; or negative errno. */
enum { SPOOL_FOLDER_OTHER = 1, SPOOL_FILE_GONE };
int spool_folder_changed(const char *path, int folder_fd, int open_fd, const char *name,
			 int *ret_fd);
/* The first len bytes of from, as a new file of that name, open for writing behind them. */
int spool_folder_copy(int from, uint64_t len, int folder_fd, const char *name, int *ret_fd);
