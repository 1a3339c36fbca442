/* SPDX-License-Identifier: BSD-2-Clause */
/* A folder for one test, and what is in it. */
#pragma once

#include "tests/unit/unit.h"

#include "common/fs.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <sys/mount.h>
#include <sys/stat.h>

static inline char *folder_new(char path[64])
{
	strcpy(path, "/tmp/runmark-test-XXXXXX");
	assert_non_null(mkdtemp(path));
	return path;
}

static inline int folder_remove_one(const char *path, const struct stat *st, int type,
				    struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

static inline void folder_free(const char *path)
{
	nftw(path, folder_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A file system of so many bytes there. False where that isn't allowed. */
static inline bool folder_mount(const char *path, const char *size)
{
	char options[32];

	snprintf(options, sizeof(options), "size=%s,mode=0750", size);
	return !mount("none", path, "tmpfs", 0, options);
}

static inline char *folder_path(const char *folder, const char *name, char out[512])
{
	snprintf(out, 512, "%s/%s", folder, name);
	return out;
}

static inline void file_make(const char *folder, const char *name, struct bytes data)
{
	char path[512];
	_cleanup_close_ int fd = open(folder_path(folder, name, path),
				      O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fs_write_all(fd, data.data, data.len), 0);
}

/* With a NUL behind; the caller frees. */
static inline char *file_text(const char *folder, const char *name, size_t *ret_len)
{
	char path[512];
	_cleanup_close_ int fd = open(folder_path(folder, name, path), O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *text;

	assert_true(fd >= 0 && !fstat(fd, &st));
	text = calloc(1, st.st_size + 1);
	assert_non_null(text);
	assert_int_equal(fs_read_all(fd, text, st.st_size), st.st_size);
	if (ret_len)
		*ret_len = st.st_size;
	return text;
}

/* The names in it that end so, sorted, blanks between; "" if there are none. */
static inline const char *folder_list(const char *folder, const char *ending, char out[2048])
{
	struct dirent **entries;
	int count = scandir(folder, &entries, NULL, alphasort);

	out[0] = '\0';
	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;
		size_t len = strlen(name), want = strlen(ending);

		if (strcmp(name, ".") && strcmp(name, "..") && len >= want &&
		    !strcmp(name + len - want, ending))
			snprintf(out + strlen(out), 2048 - strlen(out), "%s%s", *out ? " " : "",
				 name);
		free(entries[i]);
	}
	free(entries);
	return out;
}
