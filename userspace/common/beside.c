/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/beside.h"

#include <errno.h>
#include <limits.h>

#define PLACES_MAX 4

/* Below the running program's folder, unless they begin with a slash; the first that is there. */
static const struct {
	const char *name;
	const char *places[PLACES_MAX];
} parts[] = {
	[BESIDE_DAEMON] = {"runmarkd",
			   {"runmarkd", "../sbin/runmarkd", RUNMARK_PREFIX "/sbin/runmarkd"}},
	[BESIDE_INGEST] = {"runmark-ingest",
			   {"runmark-ingest", "../bin/runmark-ingest",
			    RUNMARK_PREFIX "/bin/runmark-ingest"}},
	[BESIDE_LIBRARY] = {"librunmark.so",
			    {"../lib/runmark/librunmark.so", "../lib/librunmark.so",
			     RUNMARK_PREFIX "/lib/runmark/librunmark.so"}},
};

const char *beside_name(enum beside what)
{
	return parts[what].name;
}

/*
 * Installed, the library has a folder for each class of programs, which their loaders choose by
 * $LIB, and one that is called so to the letter, for loaders that don't know the word: the path
 * with that serves all.
 */
static int for_all_loaders(char **path)
{
	const char *name = parts[BESIDE_LIBRARY].name;
	char *all;

	if (asprintf(&all, "%.*s$LIB/%s", (int)(strlen(*path) - strlen(name)), *path, name) < 0)
		return -ENOMEM;
	if (access(all, R_OK)) {
		free(all);
		return 0;
	}
	free(*path);
	*path = all;
	return 0;
}

int beside_find(enum beside what, char **ret)
{
	char own[PATH_MAX], path[2 * PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", own, sizeof(own) - 1);
	char *slash;

	if (len < 0)
		return -errno;
	own[len] = '\0';
	slash = strrchr(own, '/');
	if (!slash)
		return -ENOENT;
	slash[1] = '\0';
	for (size_t i = 0; i < PLACES_MAX && parts[what].places[i]; i++) {
		const char *place = parts[what].places[i];
		char *found;

		snprintf(path, sizeof(path), "%s%s", *place == '/' ? "" : own, place);
		found = realpath(path, NULL);
		if (found && !access(found, what == BESIDE_LIBRARY ? R_OK : X_OK)) {
			int r = what == BESIDE_LIBRARY ? for_all_loaders(&found) : 0;

			if (r < 0)
				free(found);
			else
				*ret = found;
			return r;
		}
		free(found);
	}
	return -ENOENT;
}
