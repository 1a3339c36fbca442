/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file is opened once, by openat2() without crossing links or mounts (a FUSE mount of a user's in
 * here could hold us for ever), and all that is said of it is said of the open file.
 */
#include "drop.h"

#include "uid_quota.h"

#include "common/fs.h"

#include <dirent.h>
#include <errno.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

struct drop {
	DIR *dir;
	struct uid_quota *quota;
	uint64_t stale_ns;
	struct drop_counters counters;
};

static void cleanup_drop(struct drop **drop)
{
	drop_free(*drop);
}

int drop_new(const char *path, struct drop **ret)
{
	static const struct uid_quota_limits limits = {DROP_WINDOW_NS, DROP_UID_FILES,
						       DROP_UID_BYTES};
	_cleanup_(cleanup_drop) struct drop *drop = calloc(1, sizeof(*drop));
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r;

	if (!drop)
		return -ENOMEM;
	drop->stale_ns = DROP_STALE_NS;
	drop->quota = uid_quota_new(&limits);
	if (!drop->quota)
		return -ENOMEM;
	r = fs_mkdir_all(path, 0755);
	if (r < 0)
		return r;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ELOOP ? -ENOTDIR : -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_uid != geteuid())
		return -EPERM;
	if ((st.st_mode & 07777) != 01733 && fchmod(fd, 01733) < 0)
		return -errno;
	drop->dir = fdopendir(fd);
	if (!drop->dir)
		return -errno;
	fd = -1; /* the stream's now */
	*ret = TAKE_PTR(drop);
	return 0;
}

void drop_free(struct drop *drop)
{
	if (!drop)
		return;
	if (drop->dir)
		closedir(drop->dir);
	uid_quota_free(drop->quota);
	free(drop);
}

void drop_set_stale(struct drop *drop, uint64_t ns)
{
	drop->stale_ns = ns;
}

const struct drop_counters *drop_counters(const struct drop *drop)
{
	return &drop->counters;
}

/* to_look: only for fstat(), which needs no right to the file. */
static int open_file(int dir, const char *name, bool to_look)
{
	struct open_how how = {
		.flags = to_look ? O_PATH | O_NOFOLLOW | O_CLOEXEC
				 : O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
		.resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH,
	};
	long fd = syscall(SYS_openat2, dir, name, &how, sizeof(how));

	if (fd < 0 && errno == ENOSYS) /* before 5.6 */
		fd = openat(dir, name, (int)how.flags);
	return fd < 0 ? -errno : (int)fd;
}

/* Returns true if the name shall go. */
static bool collect_file(struct drop *drop, const char *name, uint64_t now_ns, receive_fn *fn,
			 void *arg)
{
	_cleanup_close_ int fd = open_file(dirfd(drop->dir), name, false);
	_cleanup_free_ char *data = NULL;
	struct message_sender sender;
	struct stat st;
	ssize_t len;

	if (fd < 0 || fstat(fd, &st) < 0) {
		drop->counters.refused_error++;
		return fd != -ENOENT;
	}
	if (!S_ISREG(st.st_mode)) {
		drop->counters.refused_type++;
		return true;
	}
	if (st.st_nlink != 1) {
		drop->counters.refused_links++;
		return true;
	}
	if (st.st_size <= 0 || st.st_size > MESSAGE_MAX) {
		drop->counters.refused_size++;
		return true;
	}
	if (!uid_quota_take(drop->quota, st.st_uid, (size_t)st.st_size, now_ns)) {
		drop->counters.postponed++;
		return false;
	}
	data = malloc((size_t)st.st_size);
	if (!data) {
		drop->counters.lost_memory++;
		return false;
	}
	len = fs_read_all(fd, data, (size_t)st.st_size);
	if (len <= 0) {
		drop->counters.refused_error++;
		return true;
	}
	sender = (struct message_sender){0, st.st_uid, st.st_gid};
	drop->counters.files++;
	drop->counters.bytes += (uint64_t)len;
	fn(arg, MESSAGE_LINK, &sender, (struct bytes){data, (size_t)len});
	return true;
}

/* True if a file that isn't finished never will be. Its age is told by the wall clock. */
static bool is_stale(struct drop *drop, const char *name)
{
	_cleanup_close_ int fd = open_file(dirfd(drop->dir), name, true);
	struct timespec now;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || S_ISDIR(st.st_mode))
		return false;
	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec - st.st_ctim.tv_sec > (time_t)(drop->stale_ns / NS_PER_S);
}

static bool has_suffix(const char *name)
{
	size_t len = strlen(name), suffix_len = strlen(DROP_NAME_SUFFIX);

	return len > suffix_len && !strcmp(name + len - suffix_len, DROP_NAME_SUFFIX);
}

static void collect_name(struct drop *drop, const struct dirent *entry, uint64_t now_ns,
			 receive_fn *fn, void *arg)
{
	const char *name = entry->d_name;

	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return;
	/* what isn't a file is not even looked at: a folder may be a mount */
	if (entry->d_type != DT_REG && entry->d_type != DT_UNKNOWN) {
		if (!unlinkat(dirfd(drop->dir), name, entry->d_type == DT_DIR ? AT_REMOVEDIR : 0))
			drop->counters.refused_type++;
		return;
	}
	if (!has_suffix(name)) {
		if (!is_stale(drop, name))
			return;
		drop->counters.refused_stale++;
	} else if (!collect_file(drop, name, now_ns, fn, arg)) {
		return;
	}
	unlinkat(dirfd(drop->dir), name, 0);
}

int drop_collect(struct drop *drop, unsigned int budget, uint64_t now_ns, receive_fn *fn, void *arg)
{
	unsigned int done = 0;

	while (done < budget) {
		struct dirent *entry;

		errno = 0;
		entry = readdir(drop->dir);
		if (!entry) {
			int r = -errno;

			rewinddir(drop->dir);
			return r ? r : (int)done;
		}
		collect_name(drop, entry, now_ns, fn, arg);
		done++;
	}
	return (int)done;
}
