/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks of a node whose programs tell of themselves: that they find the library, that the library
 * finds the daemon, and what the daemon learns of their ends.
 */
#include "cli/doctor.h"
#include "common/fs.h"
#include "common/record.h"

#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <sys/stat.h>

#define LIBRARY_GLOB	RUNMARK_PREFIX "/lib/runmark/librunmark*.so"
#define LD_PRELOAD_FILE "/etc/ld.so.preload"
#define LD_PRELOAD_MAX	65536
#define LIBRARY_NAME	"librunmark"
#define LIB_WORD	"$LIB" /* the loader puts its own folder's name there: ld.so(8) */
#define QUEUE_WANTED	512
#define PATH_LEN_MAX	4096

/* Root may do what others may not: looked up by the modes of the file and of all folders. */
static bool others_may(const char *path, mode_t mode, char refused[PATH_LEN_MAX])
{
	struct stat st;

	for (const char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
		size_t len = slash ? (size_t)(slash - path) : strlen(path);

		snprintf(refused, PATH_LEN_MAX, "%.*s", (int)len, path);
		if (stat(refused, &st) < 0 || !(st.st_mode & (slash ? S_IXOTH : mode)))
			return false;
		if (!slash)
			return true;
	}
}

void check_library(struct doctor *doctor)
{
	char refused[PATH_LEN_MAX];
	glob_t found = {0};

	if (glob(LIBRARY_GLOB, 0, NULL, &found)) {
		doctor_report(doctor, FINDING_FAIL, NULL, "%s: no such file", LIBRARY_GLOB);
		return;
	}
	for (size_t i = 0; i < found.gl_pathc; i++) {
		if (others_may(found.gl_pathv[i], S_IROTH, refused))
			doctor_report(doctor, FINDING_OK, NULL, "%s", found.gl_pathv[i]);
		else
			doctor_report(doctor, FINDING_FAIL, "chmod o+rX",
				      "users' programs can't load %s, since they may not read %s",
				      found.gl_pathv[i], refused);
	}
	globfree(&found);
}

/* A file that this entry names to some loader: its $LIB is lib, lib64, lib/x86_64-linux-gnu, … */
static bool entry_has_file(const char *entry, char refused[PATH_LEN_MAX])
{
	const char *word = strstr(entry, LIB_WORD);
	glob_t found = {0};
	char pattern[PATH_LEN_MAX];
	bool is_found = false;

	if (!word)
		return others_may(entry, S_IROTH, refused);
	snprintf(refused, PATH_LEN_MAX, "%s", entry);
	for (unsigned int depth = 1; depth <= 2 && !is_found; depth++) {
		snprintf(pattern, sizeof(pattern), "%.*s%s%s", (int)(word - entry), entry,
			 depth == 1 ? "*" : "*/*", word + strlen(LIB_WORD));
		if (!glob(pattern, 0, NULL, &found))
			is_found = others_may(found.gl_pathv[0], S_IROTH, refused);
		globfree(&found);
	}
	return is_found;
}

void check_ld_preload(struct doctor *doctor)
{
	_cleanup_free_ char *text = NULL;
	char refused[PATH_LEN_MAX], *rest, *entry;
	unsigned int ours = 0;
	size_t len;
	int r = fs_read_file(AT_FDCWD, LD_PRELOAD_FILE, LD_PRELOAD_MAX, &text, &len);

	if (r < 0 && r != -ENOENT) {
		doctor_report(doctor, FINDING_WARN, NULL, "%s: %s", LD_PRELOAD_FILE, strerror(-r));
		return;
	}
	for (rest = text; rest && (entry = strsep(&rest, " \t\n:"));) {
		if (!strstr(entry, LIBRARY_NAME))
			continue;
		ours++;
		if (entry_has_file(entry, refused))
			doctor_report(doctor, FINDING_OK, NULL, "%s names %s", LD_PRELOAD_FILE,
				      entry);
		else
			doctor_report(doctor, FINDING_FAIL, NULL,
				      "%s names %s, and every program's start complains, since "
				      "users may not read %s",
				      LD_PRELOAD_FILE, entry, refused);
	}
	if (!ours)
		doctor_report(doctor, FINDING_OK, NULL,
			      "%s does not name the library: only programs with LD_PRELOAD tell of "
			      "themselves",
			      LD_PRELOAD_FILE);
}

void check_socket(struct doctor *doctor)
{
	const char *path = doctor->config.socket;
	char refused[PATH_LEN_MAX];
	double queue = 0;
	struct stat st;

	if (stat(path, &st) < 0)
		doctor_report(doctor, FINDING_FAIL, "start the daemon", "%s: %s", path,
			      strerror(errno));
	else if (!S_ISSOCK(st.st_mode))
		doctor_report(doctor, FINDING_FAIL, "remove it, and restart the daemon",
			      "%s is no socket", path);
	else if (doctor->is_root && !others_may(path, S_IWOTH, refused))
		doctor_report(doctor, FINDING_FAIL,
			      strcmp(refused, path) ? "chmod o+x" : "restart the daemon",
			      "users' programs can't send to %s: %s has not the mode for it", path,
			      refused);
	else
		doctor_report(doctor, FINDING_OK, NULL, "%s (mode %04o)", path, st.st_mode & 07777);
	if (record_get_number(doctor->status, "socket.queue", &queue) < 0)
		return;
	doctor_report(doctor, queue < QUEUE_WANTED ? FINDING_WARN : FINDING_OK,
		      "sysctl net.unix.max_dgram_qlen=512, and restart the daemon",
		      "%.0f messages may wait%s", queue,
		      queue < QUEUE_WANTED ? "; more go to the drop directory" : "");
}

/* Each way by which the daemon could learn of ends; the best of them is told by "hooks". */
void check_ends(struct doctor *doctor)
{
	const cJSON *rungs = record_get(doctor->status, "ends"), *rung;

	if (!doctor->status) {
		doctor_report(doctor, FINDING_WARN, "start the daemon", "known to the daemon only");
		return;
	}
	cJSON_ArrayForEach (rung, rungs) {
		_cleanup_free_ char *name = NULL, *needs = NULL;
		size_t len;

		if (record_get_text(rung, "rung", &name, &len) < 0 ||
		    record_get_text(rung, "needs", &needs, &len) < 0)
			continue;
		if (cJSON_IsTrue(record_get(rung, "works")))
			doctor_report(doctor, FINDING_OK, NULL, "%s works", name);
		else
			doctor_report(doctor, FINDING_WARN, NULL, "%s does not work: it needs %s",
				      name, needs);
	}
}

/* What programs leave at their end is in memory of theirs, which is opened by its place. */
void check_end_memory(struct doctor *doctor)
{
	DIR *dir = opendir("/proc/self/map_files");
	struct dirent *entry;
	int fd = -1, error = errno;

	while (dir && fd < 0 && (entry = readdir(dir)))
		if (*entry->d_name != '.') {
			fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_CLOEXEC);
			error = errno;
		}
	if (dir)
		closedir(dir);
	if (*doctor->config.run_spool)
		doctor_report(doctor, FINDING_OK, NULL, "files in %s", doctor->config.run_spool);
	else if (fd >= 0)
		doctor_report(doctor, FINDING_OK, NULL, "can be opened");
	else
		doctor_report(
			doctor, FINDING_WARN,
			doctor->is_root ? "a kernel with CONFIG_CHECKPOINT_RESTORE has it, and "
					  "CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN allows it"
					: "run it as root",
			"can't be opened (%s): objects that programs open later are not known",
			strerror(error));
	cleanup_close(&fd);
}
