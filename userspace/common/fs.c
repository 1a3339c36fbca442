/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads and writes that don't stop half way. A short read is the end of the file, never a signal;
 * what is read whole has a limit that its caller names, since /proc and users' files tell no honest
 * size.
 */
#include "common/fs.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define READ_STEP 4096

ssize_t fs_read_all(int fd, void *data, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = read(fd, (char *)data + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		done += n;
	}
	return done;
}

ssize_t fs_pread_all(int fd, void *data, size_t len, off_t offset)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, (char *)data + done, len - done, offset + (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		done += n;
	}
	return done;
}

int fs_write_all(int fd, const void *data, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = write(fd, (const char *)data + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		done += n;
	}
	return 0;
}

int fs_read_file(int dir, const char *path, size_t max, char **ret, size_t *ret_len)
{
	/* O_NONBLOCK: a FIFO in the place of a file must not hold us; regular files don't care. */
	_cleanup_close_ int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	_cleanup_free_ char *data = NULL;
	size_t len = 0, size = 0;

	if (fd < 0)
		return -errno;
	for (;;) {
		/* One byte over max tells a longer file from one of just that length. */
		size_t want = MIN(MAX(size, (size_t)READ_STEP), max + 1 - len);
		char *grown = realloc(data, len + want + 1);
		ssize_t n;

		if (!grown)
			return -ENOMEM;
		data = grown;
		n = fs_read_all(fd, data + len, want);
		if (n < 0)
			return n;
		len += n;
		if (len > max)
			return -EFBIG;
		if ((size_t)n < want)
			break;
		size = len;
	}
	data[len] = '\0';
	*ret = TAKE_PTR(data);
	if (ret_len)
		*ret_len = len;
	return 0;
}

int fs_mkdir_all(const char *path, mode_t mode)
{
	char part[PATH_MAX];
	size_t len = strlen(path);
	struct stat st;

	if (!len)
		return -ENOENT;
	if (len >= sizeof(part))
		return -ENAMETOOLONG;
	memcpy(part, path, len + 1);
	for (size_t i = 1; i <= len; i++) {
		if (part[i] && part[i] != '/')
			continue;
		char end = part[i];

		part[i] = '\0';
		/* On a read-only file system mkdir says so before it says that the part exists. */
		if (mkdir(part, mode) && errno != EEXIST) {
			int r = -errno;

			if (stat(part, &st))
				return r;
		}
		part[i] = end;
	}
	if (stat(path, &st))
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int fs_room_for_file(const char *folder, const char *name, uint64_t *ret)
{
	_cleanup_close_ int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct statvfs fs;
	struct stat st;

	if (fd < 0 || fstatvfs(fd, &fs))
		return -errno;
	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW))
		st.st_blocks = 0;
	*ret = (uint64_t)fs.f_bavail * fs.f_frsize + (uint64_t)st.st_blocks * 512;
	return 0;
}

const char *fs_base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}
