// SPDX-License-Identifier: BSD-2-Clause
/*
 * A loader opens libraries by names that lead over links ("/lib/x86_64-linux-gnu/libz.so.1"); the
 * kernel side sees the file that was mapped. So that both tell of the same object, the way is gone
 * here, one part after the other, from the root of the process that told it.
 *
 * Memory is opened through /proc/PID/map_files, which takes the process's own lock: it may keep
 * that for ever. What is there may be anything that it has mapped: a file of its own file system,
 * which would hang, or a device that does something when it is opened. So the place is looked at
 * first without asking its file system, and only memory of the kernel's own (tmpfs that is mounted
 * nowhere: shared anonymous memory, memfd_create(2)) is opened.
 */
#include "daemon/facts_real.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define LINKS_MAX 40 /* as the kernel */
#define PARTS_MAX 512

/* out: the way so far, without links; left: what is to go still. */
struct way {
	char out[PATH_MAX_BYTES + 1], left[2 * PATH_MAX_BYTES + 2];
	unsigned int links, parts;
};

/* The first part of what is left, taken off it. Its length; 0 at the end, -1 if it is too long. */
static int part_take(struct way *way, char name[256])
{
	const char *at = way->left + strspn(way->left, "/");
	size_t len = strcspn(at, "/");

	if (len >= 256 || ++way->parts > PARTS_MAX)
		return -1;
	memcpy(name, at, len);
	name[len] = '\0';
	memmove(way->left, at + len, strlen(at + len) + 1);
	return len;
}

/* What a link holds goes in front of what is left. */
static bool link_take(struct way *way, int fd)
{
	char target[PATH_MAX_BYTES + 1];
	ssize_t len = readlinkat(fd, "", target, PATH_MAX_BYTES);
	size_t left = strlen(way->left);

	if (len <= 0 || ++way->links > LINKS_MAX || (size_t)len + 1 + left >= sizeof(way->left))
		return false;
	memmove(way->left + len + 1, way->left, left + 1);
	way->left[len] = '/';
	memcpy(way->left, target, len);
	return true;
}

/* The folder that out names, or the root. */
static bool out_open(struct lookup *l, const char *root, const struct way *way, int *ret)
{
	_cleanup_close_ int at = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char name[256];
	const char *path = way->out;

	for (path += strspn(path, "/"); at >= 0 && *path; path += strspn(path, "/")) {
		size_t len = strcspn(path, "/");
		int next;

		memcpy(name, path, len);
		name[len] = '\0';
		if (lookup_step(l, at, name, &next))
			return false;
		close(at);
		at = next;
		path += len;
	}
	if (at < 0)
		return false;
	cleanup_close(ret);
	*ret = TAKE_FD(at);
	return true;
}

static bool out_add(struct way *way, const char *name)
{
	size_t used = strlen(way->out), len = strlen(name);

	if (used + 1 + len >= sizeof(way->out))
		return false;
	way->out[used] = '/';
	memcpy(way->out + used + 1, name, len + 1);
	return true;
}

/* One part on. *at: where the way is; may be replaced. */
static bool part_go(struct lookup *l, const char *root, struct way *way, const char *name, int *at)
{
	_cleanup_close_ int next = -1;
	struct statx st;
	char *slash;

	if (!strcmp(name, "."))
		return true;
	if (!strcmp(name, "..")) { /* not by "..", which leads out of a root that isn't ours */
		slash = strrchr(way->out, '/');
		*(slash ? slash : way->out) = '\0';
		return out_open(l, root, way, at);
	}
	if (lookup_step(l, *at, name, &next) ||
	    statx(next, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &st))
		return false;
	if (!S_ISLNK(st.stx_mode)) {
		close(*at);
		*at = TAKE_FD(next);
		return out_add(way, name);
	}
	if (lookup_enter(l, lookup_folder_place(next)) || !link_take(way, next))
		return false;
	if (*way->left != '/')
		return true;
	*way->out = '\0';
	return out_open(l, root, way, at);
}

static bool way_go(struct lookup *l, const char *root, struct way *way)
{
	_cleanup_close_ int at = -1;
	struct statx st;
	char name[256];
	int len;

	if (strlen(l->path) > PATH_MAX_BYTES || *l->path != '/')
		return false;
	*way = (struct way){};
	strcpy(way->left, l->path);
	if (!out_open(l, root, way, &at))
		return false;
	while ((len = part_take(way, name)) > 0)
		if (!part_go(l, root, way, name, &at))
			return false;
	return !len && !statx(at, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &st) &&
	       S_ISREG(st.stx_mode);
}

void lookup_real(struct lookup *l)
{
	struct way *way = malloc(sizeof(*way));
	char root[32];

	l->found = true;
	for (size_t i = 0; way && l->path && i < ARRAY_SIZE(l->pids) && !l->real; i++) {
		if (l->pids[i])
			snprintf(root, sizeof(root), "/proc/%u/root", l->pids[i]);
		if (l->pids[i] && way_go(l, root, way))
			l->real = strdup(way->out);
	}
	if (way && l->path && !l->real && !l->is_refused && way_go(l, "/", way))
		l->real = strdup(way->out);
	if (l->real && !strcmp(l->real, l->path)) {
		free(l->real);
		l->real = NULL;
	}
	free(way);
}

/* Where the kernel has memory that is no file's. */
static bool shared_memory_device(uint32_t *ret_major, uint32_t *ret_minor)
{
	_cleanup_close_ int fd = memfd_create("runmark", MFD_CLOEXEC);
	struct statx st;

	if (fd < 0 || statx(fd, "", AT_EMPTY_PATH, 0, &st))
		return false;
	*ret_major = st.stx_dev_major;
	*ret_minor = st.stx_dev_minor;
	return true;
}

void lookup_memory(struct lookup *l)
{
	_cleanup_close_ int place = -1;
	uint64_t from = l->file.inode, to = from + l->file.size;
	uint32_t major, minor;
	struct statx st;
	char path[96];

	l->found = false;
	l->why = lookup_enter(l, PLACE_USER(l->uid));
	if (l->why)
		return;
	l->why = "memory could not be opened";
	snprintf(path, sizeof(path), "/proc/%u/map_files/%llx-%llx", l->pids[0],
		 (unsigned long long)from, (unsigned long long)to);
	place = open(path, O_PATH | O_CLOEXEC);
	if (place < 0 || !shared_memory_device(&major, &minor) ||
	    statx(place, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_BASIC_STATS, &st) ||
	    st.stx_dev_major != major || st.stx_dev_minor != minor || !S_ISREG(st.stx_mode) ||
	    st.stx_size < l->file.size)
		return;
	snprintf(path, sizeof(path), "/proc/thread-self/fd/%d", place);
	l->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	l->found = l->fd >= 0;
	if (l->found)
		l->why = NULL;
}
