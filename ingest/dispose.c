/* SPDX-License-Identifier: BSD-2-Clause */
#include "ingest/dispose.h"
#include "common/fs.h"

#include <errno.h>
#include <sys/stat.h>

#define COPY_SIZE 65536

int dispose_remove(const char *path)
{
	return unlink(path) && errno != ENOENT ? -errno : 0;
}

static int copy_data(int from, int to)
{
	_cleanup_free_ char *buffer = malloc(COPY_SIZE);
	ssize_t n;
	int r;

	if (!buffer)
		return -ENOMEM;
	while ((n = fs_read_all(from, buffer, COPY_SIZE)) > 0) {
		r = fs_write_all(to, buffer, (size_t)n);
		if (r < 0)
			return r;
	}
	return (int)n;
}

/* Whether both have the same bytes; negative errno. */
static int is_equal(int a, int b)
{
	_cleanup_free_ char *buffer = malloc(2 * COPY_SIZE);
	ssize_t n, m;

	if (!buffer)
		return -ENOMEM;
	do {
		n = fs_read_all(a, buffer, COPY_SIZE);
		m = fs_read_all(b, buffer + COPY_SIZE, COPY_SIZE);
		if (n < 0 || m < 0)
			return (int)MIN(n, m);
		if (n != m || memcmp(buffer, buffer + COPY_SIZE, (size_t)n))
			return 0;
	} while (n);
	return 1;
}

/* Under a name with a dot, which no loader takes, then under its own. */
static int copy_over(int from, int dir, const char *name)
{
	_cleanup_free_ char *temporary = NULL;
	_cleanup_close_ int to = -1;
	struct stat st;
	int r;

	if (fstat(from, &st) || asprintf(&temporary, ".%s.%d.tmp", name, (int)getpid()) < 0)
		return -errno;
	to = openat(dir, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		return -errno;
	r = copy_data(from, to);
	/* Who owned it may read it on; where that is not for us to give, it stays private. */
	if (r == 0 && !fchown(to, st.st_uid, st.st_gid) && fchmod(to, st.st_mode & 07777))
		r = -errno;
	if (r == 0 && fsync(to))
		r = -errno;
	if (r == 0 && linkat(dir, temporary, dir, name, 0))
		r = -errno;
	(void)unlinkat(dir, temporary, 0);
	return r;
}

/* A file of that name is there: fine if it is the same one, archived before we were interrupted. */
static int settle_existing(int from, int dir, const char *name)
{
	_cleanup_close_ int there = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int r;

	if (there < 0)
		return -errno;
	r = is_equal(from, there);
	return r < 0 ? r : r ? 0 : -EEXIST;
}

int dispose_archive(const char *path, const char *directory)
{
	_cleanup_close_ int from = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const char *name = fs_base_name(path);
	int r;

	if (dir < 0)
		return -errno;
	if (from < 0)
		return errno == ENOENT ? 0 : -errno;
	/* A link first: it never takes the place of another file, as rename would. */
	r = linkat(AT_FDCWD, path, dir, name, 0) ? -errno : 0;
	if (r == -EXDEV || r == -EPERM || r == -ENOTSUP)
		r = copy_over(from, dir, name);
	if (r == -ENOENT)
		return 0;
	if (r == -EEXIST)
		r = settle_existing(from, dir, name);
	if (r == 0 && fsync(dir))
		r = -errno;
	return r < 0 ? r : dispose_remove(path);
}
