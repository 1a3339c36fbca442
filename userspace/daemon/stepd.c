// SPDX-License-Identifier: BSD-2-Clause
/* Reads control groups and /proc alone: neither is a file system that may hang. */
#include "daemon/stepd.h"
#include "common/fs.h"
#include "common/job_pattern.h"

#include <sys/stat.h>

#define KNOWN_MAX 64 /* jobs at once on a node; above, the oldest is looked up again */
#define PIDS_MAX  8  /* of the leaf: slurmstepd alone */

static const char *const cgroup_roots[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};

static struct known {
	char sluid[JOB_SLUID_LEN + 1];
	char id[JOB_TEXT_MAX];
} known[KNOWN_MAX];
static size_t next_known;

/* ".../<sluid>/step_0", without what stands behind. Length, 0 if there is no such step. */
static size_t step_path_length(struct bytes cgroup, const char *sluid)
{
	struct bytes rest = cgroup;

	while (rest.len) {
		struct bytes component = job_take_component(&rest);

		if (component.len != strlen(sluid) || memcmp(component.data, sluid, component.len))
			continue;
		component = job_take_component(&rest);
		return component.len ? (size_t)(component.data + component.len - cgroup.data) : 0;
	}
	return 0;
}

/* Root's own title: anybody can call himself slurmstepd. */
static bool title_tells(unsigned long pid, char ret[JOB_TEXT_MAX])
{
	char path[64];
	_cleanup_close_ int dir = -1;
	_cleanup_free_ char *title = NULL;
	struct stat st;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%lu", pid);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir >= 0 && !fstat(dir, &st) && !st.st_uid &&
	       !fs_read_file(dir, "cmdline", 4096, &title, &len) &&
	       job_id_of_title((struct bytes){title, len}, ret);
}

static bool leaf_tells(const char *leaf, char ret[JOB_TEXT_MAX])
{
	_cleanup_free_ char *pids = NULL;
	char *at, *end;
	size_t len;

	if (fs_read_file(AT_FDCWD, leaf, 4096, &pids, &len))
		return false;
	at = pids;
	for (int i = 0; i < PIDS_MAX; i++, at = end) {
		unsigned long pid = strtoul(at, &end, 10);

		if (end == at)
			break;
		if (title_tells(pid, ret))
			return true;
	}
	return false;
}

bool stepd_job_id(struct bytes cgroup, const char *sluid, char ret[JOB_TEXT_MAX])
{
	size_t step = step_path_length(cgroup, sluid);
	char leaf[4096], id[JOB_TEXT_MAX];

	for (size_t i = 0; i < KNOWN_MAX; i++) {
		if (strcmp(known[i].sluid, sluid))
			continue;
		strcpy(ret, known[i].id);
		return true;
	}
	for (size_t i = 0; step && i < ARRAY_SIZE(cgroup_roots); i++) {
		int len = snprintf(leaf, sizeof(leaf), "%s%.*s/slurm/cgroup.procs", cgroup_roots[i],
				   (int)step, cgroup.data);

		if (len < 0 || (size_t)len >= sizeof(leaf) || !leaf_tells(leaf, id))
			continue;
		strcpy(known[next_known].sluid, sluid);
		strcpy(known[next_known].id, id);
		next_known = (next_known + 1) % KNOWN_MAX;
		strcpy(ret, id);
		return true;
	}
	return false;
}
