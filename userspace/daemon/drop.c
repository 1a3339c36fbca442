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

/* What may be there. */
static const struct drop_kind {
	enum message_kind kind;
	const char *suffix;
	off_t size_max;
	struct uid_quota_limits quota;
} kinds[] = {
	{MESSAGE_LINK,
	 DROP_NAME_SUFFIX,
	 MESSAGE_MAX,
	 {DROP_WINDOW_NS, DROP_UID_FILES, DROP_UID_BYTES}},
	{MESSAGE_RUN,
	 DROP_RUN_SUFFIX,
	 DROP_RUN_MAX,
	 {DROP_WINDOW_NS, DROP_UID_RUNS, DROP_UID_RUN_BYTES}},
};
#define KINDS ARRAY_SIZE(kinds)

struct drop {
	DIR *dir;
	uint64_t stale_ns;
	struct uid_quota *quotas[KINDS];
	struct drop_counters counters[KINDS];
};

static void cleanup_drop(struct drop **drop)
{
	drop_free(*drop);
}

int drop_new(const char *path, struct drop **ret)
{
	_cleanup_(cleanup_drop) struct drop *drop = calloc(1, sizeof(*drop));
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r;

	if (!drop)
		return -ENOMEM;
	drop->stale_ns = DROP_STALE_NS;
	for (size_t i = 0; i < KINDS; i++) {
		drop->quotas[i] = uid_quota_new(&kinds[i].quota);
		if (!drop->quotas[i])
			return -ENOMEM;
	}
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
	for (size_t i = 0; i < KINDS; i++)
		uid_quota_free(drop->quotas[i]);
	free(drop);
}

void drop_set_stale(struct drop *drop, uint64_t ns)
{
	drop->stale_ns = ns;
}

const struct drop_counters *drop_counters(const struct drop *drop, enum message_kind kind)
{
	size_t i = 0;

	while (i < KINDS - 1 && kinds[i].kind != kind)
		i++;
	return &drop->counters[i];
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
static bool collect_file(struct drop *drop, const struct drop_kind *kind, const char *name,
			 uint64_t now_ns, receive_fn *fn, void *arg)
{
	struct drop_counters *counters = &drop->counters[kind - kinds];
	_cleanup_close_ int fd = open_file(dirfd(drop->dir), name, false);
	_cleanup_free_ char *data = NULL;
	struct message_sender sender;
	struct stat st;
	ssize_t len;

	if (fd < 0 || fstat(fd, &st) < 0) {
		counters->refused_error++;
		return fd != -ENOENT;
	}
	if (!S_ISREG(st.st_mode)) {
		counters->refused_type++;
		return true;
	}
	if (st.st_nlink != 1) {
		counters->refused_links++;
		return true;
	}
	if (st.st_size <= 0 || st.st_size > kind->size_max) {
		counters->refused_size++;
		return true;
	}
	if (!uid_quota_take(drop->quotas[kind - kinds], st.st_uid, (size_t)st.st_size, now_ns)) {
		counters->postponed++;
		return false;
	}
	data = malloc((size_t)st.st_size);
	if (!data) {
		counters->lost_memory++;
		return false;
	}
	len = fs_read_all(fd, data, (size_t)st.st_size);
	if (len <= 0) {
		counters->refused_error++;
		return true;
	}
	sender = (struct message_sender){0, st.st_uid, st.st_gid};
	counters->files++;
	counters->bytes += (uint64_t)len;
	fn(arg, kind->kind, &sender, (struct bytes){data, (size_t)len});
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

/* NULL: not finished. */
static const struct drop_kind *kind_of(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < KINDS; i++) {
		size_t suffix_len = strlen(kinds[i].suffix);

		if (len > suffix_len && !strcmp(name + len - suffix_len, kinds[i].suffix))
			return &kinds[i];
	}
	return NULL;
}

static void collect_name(struct drop *drop, const struct dirent *entry, uint64_t now_ns,
			 receive_fn *fn, void *arg)
{
	const char *name = entry->d_name;
	const struct drop_kind *kind = kind_of(name);

	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return;
	/* what isn't a file is not even looked at: a folder may be a mount */
	if (entry->d_type != DT_REG && entry->d_type != DT_UNKNOWN) {
		if (!unlinkat(dirfd(drop->dir), name, entry->d_type == DT_DIR ? AT_REMOVEDIR : 0))
			drop->counters[0].refused_type++;
		return;
	}
	if (!kind) {
		if (!is_stale(drop, name))
			return;
		drop->counters[0].refused_stale++;
	} else if (!collect_file(drop, kind, name, now_ns, fn, arg)) {
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
