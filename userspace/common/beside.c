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
			*ret = found;
			return 0;
		}
		free(found);
	}
	return -ENOENT;
}
