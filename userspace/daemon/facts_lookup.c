// SPDX-License-Identifier: BSD-2-Clause
/*
 * How a worker looks: a file through the process that has it (its root may be a container's, the
 * name may be gone by now), then by its path in ours. What is opened must be the file of the event:
 * same inode, size and time of change as the kernel saw; else it was replaced, and nothing is
 * better than something else's id.
 */
#include "daemon/facts_lookup.h"
#include "common/elf_id.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

int lookup_init(struct lookup *l, const struct fact *fact, const uint32_t pids[2])
{
	*l = (struct lookup){.kind = fact->kind,
			     .file = fact->file,
			     .pids = {pids[0], pids[1]},
			     .uid = fact->uid};
	if (fact->path) {
		l->path = strdup(fact->path);
		if (!l->path)
			return -ENOMEM;
	}
	return 0;
}

void lookup_done(struct lookup *l)
{
	free(l->path);
}

/* overlayfs and btrfs show stat(2) another device than the inode's super block has */
static bool device_may_differ(const char *fstype)
{
	return !strcmp(fstype, "overlay") || !strcmp(fstype, "btrfs");
}

static bool is_same_file(const struct stat *st, const struct event_file *file)
{
	dev_t device = makedev(file->device >> 20, file->device & 0xfffff);

	if (!S_ISREG(st->st_mode) || st->st_ino != file->inode)
		return false;
	/* of what ran before tracking began only device and inode are known */
	if (!*file->fstype)
		return st->st_dev == device;
	return (uint64_t)st->st_size == file->size &&
	       (uint64_t)st->st_mtim.tv_sec * NS_PER_S + st->st_mtim.tv_nsec == file->mtime_ns &&
	       (st->st_dev == device || device_may_differ(file->fstype));
}

/* 0, or why not. O_PATH first: opening a FIFO or device that took the file's name would do
 * something. */
static const char *file_open(const struct lookup *l, const char *path, int *ret)
{
	_cleanup_close_ int place = open(path, O_PATH | O_CLOEXEC);
	char again[32];
	struct stat st;
	int fd;

	if (place < 0 || fstat(place, &st))
		return errno == ENOENT ? "file was gone" : "file could not be opened";
	if (!is_same_file(&st, &l->file))
		return "file was replaced";
	snprintf(again, sizeof(again), "/proc/self/fd/%d", place);
	fd = open(again, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOATIME);
	if (fd < 0)
		return "file could not be opened";
	*ret = fd;
	return NULL;
}

static void lookup_file(struct lookup *l)
{
	_cleanup_close_ int fd = -1;
	char path[64 + PATH_MAX_BYTES];
	struct elf_id id;
	int r;

	/* a wrong root shows another file or none: only the file of the event is taken */
	l->why = "file was gone";
	for (size_t i = 0; i < ARRAY_SIZE(l->pids) && l->why; i++) {
		if (!l->pids[i])
			continue;
		snprintf(path, sizeof(path), "/proc/%u/root%s", l->pids[i], l->path ? l->path : "");
		l->why = file_open(l, path, &fd);
	}
	if (l->why && l->pids[0]) { /* the program itself, when its name is gone */
		snprintf(path, sizeof(path), "/proc/%u/exe", l->pids[0]);
		if (!file_open(l, path, &fd))
			l->why = NULL;
	}
	if (l->why && l->path)
		l->why = file_open(l, l->path, &fd);
	if (l->why)
		return;
	r = elf_id_read(fd, &id);
	l->found = !r || r == -ENOEXEC;
	l->why = l->found ? NULL : "file could not be read";
	if (!r)
		l->notes = id.notes;
}

static void lookup_user(struct lookup *l)
{
	struct passwd entry, *found = NULL;
	char buffer[16384];
	int error = getpwuid_r(l->uid, &entry, buffer, sizeof(buffer), &found);

	/* what glibc's modules say of a user that is not there */
	l->found = !error || error == ENOENT || error == ESRCH;
	if (!l->found)
		l->why = "name service failed";
	else if (found)
		snprintf(l->user, sizeof(l->user), "%s", found->pw_name);
	else
		l->why = "no such user";
}

/* Groups may have thousands of members, which come along. */
#define NAME_ENTRY_MAX (1u << 20)

static int name_to_id(const struct lookup *l, char *buffer, size_t size, uint32_t *ret)
{
	struct passwd user, *user_found = NULL;
	struct group group, *group_found = NULL;
	int error;

	if (l->kind == FACT_USER_ID)
		error = getpwnam_r(l->path, &user, buffer, size, &user_found);
	else
		error = getgrnam_r(l->path, &group, buffer, size, &group_found);
	*ret = user_found ? user.pw_uid : group_found ? group.gr_gid : (uint32_t)-1;
	return error;
}

static void lookup_id(struct lookup *l)
{
	_cleanup_free_ char *buffer = NULL;
	int error = ERANGE;

	for (size_t size = 16384; error == ERANGE && size <= NAME_ENTRY_MAX; size *= 4) {
		free(buffer);
		buffer = malloc(size);
		error = buffer ? name_to_id(l, buffer, size, &l->uid) : ENOMEM;
	}
	l->found = !error || error == ENOENT || error == ESRCH;
	if (!l->found)
		l->why = "name service failed";
	else if (l->uid == (uint32_t)-1)
		l->why = "no such name";
}

static void (*const lookups[])(struct lookup *) = {
	[FACT_FILE] = lookup_file,
	[FACT_USER] = lookup_user,
	[FACT_USER_ID] = lookup_id,
	[FACT_GROUP_ID] = lookup_id,
};

void lookup_run(struct lookup *l)
{
	lookups[l->kind](l);
}

void lookup_answer(const struct lookup *l, struct fact *fact)
{
	fact->state = l->found ? FACT_KNOWN : FACT_UNKNOWN;
	fact->why = l->why;
	fact->notes = l->notes;
	fact->uid = l->uid;
	memcpy(fact->user, l->user, sizeof(fact->user));
}
