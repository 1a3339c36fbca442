/* SPDX-License-Identifier: BSD-2-Clause */
/* Whole reads and writes, directories, and files that appear at once or not at all. */
#pragma once

#include "util.h"
#include <sys/types.h>

/* Until len bytes or the end. Number of bytes, or negative errno. */
ssize_t fs_read_all(int fd, void *data, size_t len);
ssize_t fs_pread_all(int fd, void *data, size_t len, off_t offset);
/* All of it. 0 or negative errno; on error some of it may have been written. */
int fs_write_all(int fd, const void *data, size_t len);

/* A file's whole content up to max bytes, NUL behind it; -EFBIG if it is longer. Caller frees. */
int fs_read_file(int dir, const char *path, size_t max, char **ret, size_t *ret_len);

/* Like mkdir -p: each missing part with mode; the last one is checked to be a directory. */
int fs_mkdir_all(const char *path, mode_t mode);

/* Bytes that a file in that folder has, or could have on its file system. 0 or negative errno. */
int fs_room_for_file(const char *folder, const char *name, uint64_t *ret);

/* Part after the last slash. */
const char *fs_base_name(const char *path);
