/* SPDX-License-Identifier: BSD-2-Clause */
#include "ingest/xalt_tree.h"
#include "common/log.h"
#include "common/text.h"

#include <dirent.h>
#include <errno.h>

/* O_NONBLOCK: a FIFO must not hold us. */
#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW)

static int walk(struct xalt_tree *tree, int fd, const char *path, int depth);

bool xalt_tree_is_record(const char *name)
{
	static const char *const kinds[] = {"run.", "link.", "pkg."};
	size_t len = strlen(name);

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strncmp(name, kinds[i], strlen(kinds[i])))
			return len > 5 && !strcmp(name + len - 5, ".json");
	return false;
}

static void fail(struct xalt_tree *tree, int error, const char *path)
{
	_cleanup_free_ char *safe = text_for_terminal(bytes_of(path));

	tree->failures++;
	if (error == -ELOOP)
		log_err(0, "%s is a symbolic link, which is not followed; name what it points to",
			safe ?: "a path");
	else if (error == -ENOTSUP)
		log_err(0, "cannot import %s: it is neither a regular file nor a directory",
			safe ?: "a path");
	else
		log_err(error, "cannot read %s", safe ?: "a path");
}

/* What was gone before it was opened is nobody's failure. */
static int open_at(struct xalt_tree *tree, int dir, const char *name, int flags, const char *path,
		   struct stat *ret)
{
	int fd = openat(dir, name, OPEN_FLAGS | flags);

	if (fd >= 0 && fstat(fd, ret) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	/* A socket, or a device without a driver. */
	if (errno == ELOOP || errno == ENXIO || errno == ENODEV || errno == ENOTDIR)
		tree->irregular++;
	else if (errno != ENOENT)
		fail(tree, -errno, path);
	return -errno;
}

static int take_file(struct xalt_tree *tree, int dir, const char *name, const char *path)
{
	struct stat st;
	int fd = open_at(tree, dir, name, 0, path, &st);

	if (fd < 0)
		return 0;
	if (S_ISREG(st.st_mode))
		return tree->file(tree->arg, path, fd, &st, false);
	close(fd);
	tree->irregular++;
	return 0;
}

static int take_directory(struct xalt_tree *tree, int dir, const char *name, const char *path,
			  int depth)
{
	struct stat st;
	int fd;

	if (depth == XALT_DEPTH_MAX) {
		tree->too_deep++;
		return 0;
	}
	fd = open_at(tree, dir, name, O_DIRECTORY, path, &st);
	return fd < 0 ? 0 : walk(tree, fd, path, depth + 1);
}

static bool is_directory(int dir, const struct dirent *entry)
{
	struct stat st;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_DIR;
	return fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static int take_entry(struct xalt_tree *tree, int dir, const struct dirent *entry,
		      const char *parent, int depth)
{
	_cleanup_free_ char *path = NULL;

	if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
		return 0;
	if (asprintf(&path, "%s/%s", parent, entry->d_name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	if (is_directory(dir, entry))
		return take_directory(tree, dir, entry->d_name, path, depth);
	if (xalt_tree_is_record(entry->d_name))
		return take_file(tree, dir, entry->d_name, path);
	tree->others++;
	return 0;
}

static int walk(struct xalt_tree *tree, int fd, const char *path, int depth)
{
	DIR *dir = fdopendir(fd);
	const struct dirent *entry;
	int r = 0;

	if (!dir) {
		close(fd);
		return -ENOMEM;
	}
	while (r == 0 && (errno = 0, entry = readdir(dir)))
		r = *tree->stop ? -EINTR : take_entry(tree, fd, entry, path, depth);
	if (r == 0 && errno)
		fail(tree, -errno, path);
	closedir(dir);
	return r;
}

int xalt_tree_walk(struct xalt_tree *tree, const char *path)
{
	_cleanup_close_ int fd = open(path, OPEN_FLAGS);
	struct stat st;

	if (fd < 0 || fstat(fd, &st)) {
		fail(tree, errno == ENXIO ? -ENOTSUP : -errno, path);
		return 0;
	}
	if (S_ISDIR(st.st_mode))
		return walk(tree, TAKE_FD(fd), path, 0);
	if (S_ISREG(st.st_mode))
		return tree->file(tree->arg, path, TAKE_FD(fd), &st, true);
	fail(tree, -ENOTSUP, path);
	return 0;
}
