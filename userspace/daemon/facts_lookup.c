// SPDX-License-Identifier: BSD-2-Clause
/*
 * How a worker looks: a file through the process that has it (its root may be a container's, the
 * name may be gone by now), then by its path in ours. What is opened must be the file of the event:
 * same inode, size and time of change as the kernel saw; else it was replaced, and nothing is
 * better than something else's id.
 *
 * A path may lead through file systems that hang on the way to one that does not, and users can
 * make such paths. So it is walked step by step, and each step is said beforehand to happen at the
 * file system of the folder it starts from: what hangs is then known to be that one.
 */
#include "daemon/facts_lookup.h"
#include "common/elf_id.h"
#include "daemon/facts_memory.h"
#include "daemon/facts_real.h"

#include <errno.h>
#include <grp.h>
#include <linux/openat2.h>
#include <pwd.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

int lookup_init(struct lookup *l, const struct fact *fact, const uint32_t pids[2])
{
	*l = (struct lookup){.kind = fact->kind,
			     .file = fact->file,
			     .pids = {pids[0], pids[1]},
			     .uid = fact->uid,
			     .notes = fact->notes,
			     .fd = -1,
			     .place = fact_place(fact)};
	if (fact->path) {
		l->path = strdup(fact->path);
		if (!l->path)
			return -ENOMEM;
	}
	return 0;
}

void lookup_done(struct lookup *l)
{
	cleanup_close(&l->fd);
	free(l->real);
	free(l->path);
}

place_t fact_place(const struct fact *fact)
{
	switch (fact->kind) {
	case FACT_FILE:
		return fact->file.device;
	case FACT_TOLD:
		return PLACE_WAY;
	case FACT_MEMORY:
		return PLACE_USER(fact->uid);
	default:
		return PLACE_NAMES;
	}
}

const char *place_is_silent(place_t place)
{
	if (place == PLACE_NAMES)
		return "name service does not answer";
	return place > UINT32_MAX ? "memory of its process does not answer"
				  : "file system does not answer";
}

const char *lookup_enter(struct lookup *l, place_t place)
{
	if (!l->enter || l->enter(l, place))
		return NULL;
	l->is_refused = true;
	l->place = place;
	return place_is_silent(place);
}

/* overlayfs and btrfs show stat(2) another device than the inode's super block has */
static bool device_may_differ(const char *fstype)
{
	return !strcmp(fstype, "overlay") || !strcmp(fstype, "btrfs");
}

/* The same, of a place: for files of which the file system was not told. */
static bool device_may_differ_at(int place)
{
	struct statfs fs;

	return !fstatfs(place, &fs) &&
	       (fs.f_type == OVERLAYFS_SUPER_MAGIC || fs.f_type == BTRFS_SUPER_MAGIC);
}

static bool is_same_file(int place, const struct stat *st, const struct event_file *file)
{
	dev_t device = makedev(file->device >> 20, file->device & 0xfffff);

	if (!S_ISREG(st->st_mode) || st->st_ino != file->inode)
		return false;
	/* of what ran before tracking began only device and inode are known */
	if (!*file->fstype)
		return st->st_dev == device || device_may_differ_at(place);
	return (uint64_t)st->st_size == file->size &&
	       (uint64_t)st->st_mtim.tv_sec * NS_PER_S + st->st_mtim.tv_nsec == file->mtime_ns &&
	       (st->st_dev == device || device_may_differ(file->fstype));
}

/* What errno says of a file, for records. */
static const char *failed(struct lookup *l)
{
	if (errno == ENOENT)
		return "file was gone";
	l->is_denied |= errno == EACCES || errno == EPERM;
	return l->is_denied ? "file may not be opened by root" : "file could not be opened";
}

place_t lookup_folder_place(int folder)
{
	struct statx st;

	if (statx(folder, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, 0, &st))
		return PLACE_NAMES - 1;
	return st.stx_dev_major << 20 | st.stx_dev_minor;
}

/* What is mounted there, before it is known what that is. */
static place_t way_place(int folder, const char *name)
{
	uint32_t hash = (uint32_t)lookup_folder_place(folder);

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619;
	return PLACE_WAY | hash;
}

/* A mount point is told from other folders before it is entered. */
const char *lookup_step(struct lookup *l, int folder, const char *name, int *ret)
{
	struct open_how how = {.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
			       .resolve = RESOLVE_NO_XDEV};
	const char *why = lookup_enter(l, lookup_folder_place(folder));
	int fd;

	if (why)
		return why;
	fd = syscall(SYS_openat2, folder, name, &how, sizeof(how));
	if (fd < 0 && (errno == EXDEV || errno == ENOSYS)) {
		why = lookup_enter(l,
				   l->kind == FACT_TOLD ? way_place(folder, name) : l->file.device);
		if (why)
			return why;
		fd = openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	}
	if (fd < 0)
		return failed(l);
	*ret = fd;
	return NULL;
}

/* Where path leads from a root. The kernel's paths have no symbolic links in them. */
static const char *walk(struct lookup *l, const char *root, const char *path, int *ret)
{
	_cleanup_close_ int at = open(root, O_PATH | O_CLOEXEC);
	char name[256];

	if (at < 0)
		return failed(l);
	for (path += strspn(path, "/"); *path; path += strspn(path, "/")) {
		size_t len = strcspn(path, "/");
		const char *why;
		int next;

		if (len >= sizeof(name))
			return "file was gone";
		memcpy(name, path, len);
		name[len] = '\0';
		why = lookup_step(l, at, name, &next);
		if (why)
			return why;
		close(at);
		at = next;
		path += len;
	}
	*ret = TAKE_FD(at);
	return NULL;
}

/* NULL, or why not. Opening a FIFO or device that took the file's name would do something: what
 * stands at place is looked at first. */
static const char *file_open(struct lookup *l, int place, int *ret)
{
	const char *why = lookup_enter(l, l->file.device);
	char again[48];
	struct stat st;
	int fd;

	if (why)
		return why;
	if (fstat(place, &st))
		return failed(l);
	if (!is_same_file(place, &st, &l->file))
		return "file was replaced";
	snprintf(again, sizeof(again), "/proc/thread-self/fd/%d", place);
	fd = open(again, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOATIME);
	if (fd < 0)
		return failed(l);
	*ret = fd;
	return NULL;
}

static const char *file_open_path(struct lookup *l, const char *root, int *ret)
{
	_cleanup_close_ int place = -1;
	const char *why = walk(l, root, l->path ? l->path : "", &place);

	return why ? why : file_open(l, place, ret);
}

/* The program itself, when its name is gone. */
static const char *file_open_exe(struct lookup *l, int *ret)
{
	_cleanup_close_ int place = -1;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%u/exe", l->pids[0]);
	place = open(path, O_PATH | O_CLOEXEC);
	return place < 0 ? failed(l) : file_open(l, place, ret);
}

static void lookup_file(struct lookup *l)
{
	_cleanup_close_ int fd = -1;
	struct elf_id id;
	char root[32];
	int r;

	/* a wrong root shows another file or none: only the file of the event is taken */
	l->why = "file was gone";
	for (size_t i = 0; i < ARRAY_SIZE(l->pids) && l->why && !l->is_refused; i++) {
		if (!l->pids[i])
			continue;
		snprintf(root, sizeof(root), "/proc/%u/root", l->pids[i]);
		l->why = file_open_path(l, root, &fd);
	}
	if (l->why && l->pids[0] && !l->is_refused && !file_open_exe(l, &fd))
		l->why = NULL;
	if (l->why && l->path && !l->is_refused)
		l->why = file_open_path(l, "/", &fd);
	if (l->why && l->is_denied && !l->is_refused &&
	    !lookup_enter(l, PLACE_PROCESS(l->pids[0])) && !memory_notes(l, &l->notes)) {
		l->found = true;
		l->why = NULL;
		return;
	}
	if (l->why)
		return;
	l->is_denied = false;
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
	[FACT_FILE] = lookup_file,   [FACT_USER] = lookup_user, [FACT_USER_ID] = lookup_id,
	[FACT_GROUP_ID] = lookup_id, [FACT_TOLD] = lookup_real, [FACT_MEMORY] = lookup_memory,
};

void lookup_run(struct lookup *l)
{
	l->is_refused = l->is_denied = false;
	l->why = NULL;
	lookups[l->kind](l);
}

void lookup_answer(struct lookup *l, struct fact *fact)
{
	if (fact->kind == FACT_TOLD) {
		fact->state = FACT_KNOWN; /* under one name or the other */
		free(fact->real);
		fact->real = TAKE_PTR(l->real);
		fact->real_len = fact->real ? strlen(fact->real) : 0;
		return;
	}
	fact->state = l->found ? FACT_KNOWN : FACT_UNKNOWN;
	fact->fd = TAKE_FD(l->fd);
	fact->why = l->why;
	fact->notes = l->notes;
	fact->uid = l->uid;
	memcpy(fact->user, l->user, sizeof(fact->user));
}
