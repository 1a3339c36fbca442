// SPDX-License-Identifier: BSD-2-Clause
/* Opening the spool's folder, noticing that it is another one, and taking a file along to it. */
#include "daemon/spool_folder.h"
#include "common/fs.h"

#include <errno.h>
#include <sys/stat.h>

#define PIECE 65536

int spool_folder_open(const char *path, int *ret_fd)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) || faccessat(fd, ".", W_OK | X_OK, AT_EACCESS))
		return -errno;
	if (st.st_mode & S_IWOTH)
		return -EPERM;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

int spool_folder_changed(const char *path, int folder_fd, int open_fd, const char *name,
			 int *ret_fd)
{
	_cleanup_close_ int fd = -1;
	struct stat was, now;
	int other = SPOOL_FOLDER_OTHER;
	int r = spool_folder_open(path, &fd);

	if (r)
		return r;
	if (fstat(folder_fd, &was) || fstat(fd, &now))
		return -errno;
	if (is_same(&was, &now)) {
		if (open_fd < 0)
			return 0;
		if (fstat(open_fd, &was))
			return -errno;
		/* not by its number of links: not every file system tells that of a removed one */
		if (!fstatat(fd, name, &now, AT_SYMLINK_NOFOLLOW) && is_same(&was, &now))
			return 0;
		other = SPOOL_FILE_GONE;
	}
	*ret_fd = TAKE_FD(fd);
	return other;
}

int spool_folder_copy(int from, uint64_t len, int folder_fd, const char *name, int *ret_fd)
{
	_cleanup_free_ char *piece = malloc(PIECE);
	_cleanup_close_ int to = -1;
	int r = piece ? 0 : -ENOMEM;

	/* one that is there is a copy of ours, as the name has the instance */
	if (!r && unlinkat(folder_fd, name, 0) && errno != ENOENT)
		r = -errno;
	if (!r)
		to = openat(folder_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
			    0640);
	if (!r && to < 0)
		r = -errno;
	for (uint64_t at = 0; !r && at < len;) {
		ssize_t n = fs_pread_all(from, piece, MIN(len - at, (uint64_t)PIECE), at);

		r = n < 0 ? n : !n ? -EIO : fs_write_all(to, piece, n);
		at += n;
	}
	if (r) {
		if (to >= 0)
			unlinkat(folder_fd, name, 0);
		return r;
	}
	*ret_fd = TAKE_FD(to);
	return 0;
}
