/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One that was killed leaves its folder: its daemon has ended by itself, and what it wrote, and
 * what the module wrote since, is there. Whoever comes next loads it. A folder is somebody's as
 * long as he holds its lock, which he has before he writes its configuration.
 */
#include "cli/private.h"
#include "common/log.h"

#include <dirent.h>
#include <errno.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#define FOLDERS_MAX  23 /* at one go */
#define MAKING_MAX_S 60 /* a folder is made, locked and configured in less */

static bool has_file(int folder, const char *name)
{
	struct stat st;

	return !fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) && S_ISREG(st.st_mode) &&
	       st.st_size > 0;
}

/* Its lock, or negative errno: somebody has it, or it is none of ours. */
static int take(int base, const char *name, bool *ret_is_half_made)
{
	_cleanup_close_ int fd =
		openat(base, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_close_ int daemon = -1;
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return -errno;
	if (st.st_uid != geteuid() || st.st_mode & 077)
		return -EPERM;
	*ret_is_half_made = !has_file(fd, PRIVATE_CONFIG) || !has_file(fd, PRIVATE_URL);
	if (*ret_is_half_made && time(NULL) - st.st_mtime < MAKING_MAX_S)
		return -EBUSY;
	if (flock(fd, LOCK_EX | LOCK_NB))
		return -EBUSY;
	daemon = openat(fd, PRIVATE_STATE "/lock", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (daemon >= 0 && flock(daemon, LOCK_EX | LOCK_NB))
		return -EBUSY;
	return TAKE_FD(fd);
}

/* The module's files of programs that still run are left, and so it is left. */
static bool has_living(int folder)
{
	_cleanup_close_ int fd =
		openat(folder, PRIVATE_FILES, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	bool found = false;

	if (!dir)
		return false;
	TAKE_FD(fd);
	while (!found && (entry = readdir(dir))) {
		size_t len = strlen(entry->d_name);

		found = len > strlen(".run") &&
			!strcmp(entry->d_name + len - strlen(".run"), ".run");
	}
	closedir(dir);
	return found;
}

static void recover(struct private_folder *left, bool is_half_made,
		    const struct private_signals *signals)
{
	_cleanup_free_ char *url = NULL;

	if (is_half_made) { /* nothing was recorded: no daemon had a configuration */
		private_folder_remove(left);
	} else if (private_load(left, signals, &url) < 0) {
		private_folder_keep(left);
	} else if (has_living(left->lock_fd)) {
		private_folder_done(left);
	} else {
		log_info("what an earlier run has left is in %s", url);
		private_folder_remove(left);
	}
}

void private_recover(const struct private_folder *folder, const struct private_signals *signals)
{
	const char *own = strrchr(folder->path, '/') + 1;
	_cleanup_free_ char *base = strndup(folder->path, (size_t)(own - 1 - folder->path));
	DIR *dir = base ? opendir(base) : NULL;
	const struct dirent *entry;
	unsigned int count = 0;

	while (dir && count < FOLDERS_MAX && (entry = readdir(dir))) {
		struct private_folder left = {.lock_fd = -1};
		bool is_half_made = false;

		if (strncmp(entry->d_name, PRIVATE_PREFIX, strlen(PRIVATE_PREFIX)) != 0 ||
		    !strcmp(entry->d_name, own))
			continue;
		left.lock_fd = take(dirfd(dir), entry->d_name, &is_half_made);
		if (left.lock_fd < 0)
			continue;
		count++;
		if (asprintf(&left.path, "%s/%s", base, entry->d_name) < 0)
			left.path = NULL;
		else
			recover(&left, is_half_made, signals);
		private_folder_done(&left);
	}
	if (dir)
		closedir(dir);
}
