/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks of where records go: spool, drop directory, database. */
#include "cli/doctor.h"
#include "cli/store.h"
#include "common/record.h"
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>

#define MIB		   (1024.0 * 1024.0)
#define SPACE_WARN_MIB	   256 /* free space below this, or ... */
#define QUOTA_WARN_PERCENT 80  /* ... so much of the quota used */
#define WAITING_WARN_DAYS  2
#define DROP_MODE	   01733

/* What lies in the spool: whole files, and their bytes. */
struct spool_content {
	uint64_t files, bytes;
	time_t oldest; /* 0: there is none */
};

static bool is_spool_file(const char *name)
{
	size_t len = strlen(name);

	return (len > 6 && !strcmp(name + len - 6, ".jsonl")) ||
	       (len > 10 && !strcmp(name + len - 10, ".jsonl.zst"));
}

static int read_spool(const char *path, struct spool_content *ret)
{
	struct spool_content content = {0};
	DIR *dir = opendir(path);
	struct dirent *entry;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		struct stat st;

		if (*entry->d_name == '.' || !is_spool_file(entry->d_name) ||
		    fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		content.files++;
		content.bytes += (uint64_t)st.st_size;
		if (!content.oldest || st.st_mtime < content.oldest)
			content.oldest = st.st_mtime;
	}
	closedir(dir);
	*ret = content;
	return 0;
}

/* Root's, or of the user who asks: a daemon need not be root's. */
static bool is_own(const struct stat *st)
{
	return st->st_uid == 0 || st->st_uid == geteuid();
}

void check_spool(struct doctor *doctor)
{
	const char *path = doctor->config.spool;
	struct statvfs fs;
	struct stat st;

	if (stat(path, &st) < 0 && errno == EACCES && !doctor->is_root)
		doctor_report(doctor, FINDING_WARN, "run it as root", "%s can't be looked at",
			      path);
	else if (stat(path, &st) < 0)
		doctor_report(doctor, FINDING_FAIL,
			      "systemd-tmpfiles --create makes it: root's, mode 0750", "%s: %s",
			      path, strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		doctor_report(doctor, FINDING_FAIL, NULL, "%s is not a directory", path);
	else if (st.st_mode & S_IWOTH)
		doctor_report(doctor, FINDING_FAIL, "chmod o-w",
			      "%s is writable by everybody (mode %04o)", path, st.st_mode & 07777);
	else if (!is_own(&st))
		doctor_report(doctor, FINDING_WARN, "chown root",
			      "%s is owned by user %u, who can forge and remove records", path,
			      st.st_uid);
	else if (statvfs(path, &fs) == 0 && (fs.f_flag & ST_RDONLY))
		doctor_report(doctor, FINDING_FAIL, "mount it read-write",
			      "%s is on a read-only file system", path);
	else if (doctor->is_root && faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS) < 0)
		doctor_report(doctor, FINDING_FAIL, NULL, "%s can't be written: %s", path,
			      strerror(errno));
	else
		doctor_report(doctor, FINDING_OK, NULL, "%s (mode %04o)", path, st.st_mode & 07777);
}

static const char *see_spool(const struct doctor *doctor, int error)
{
	return error == -EACCES && !doctor->is_root ? "run it as root"
						    : "see the check of the spool";
}

void check_spool_space(struct doctor *doctor)
{
	const char *path = doctor->config.spool;
	struct spool_content content;
	struct statvfs fs;
	double free_mib, used_mib, quota_mib = doctor->config.spool_quota_mib;
	int r = read_spool(path, &content);
	bool is_tight;

	if (r < 0 || statvfs(path, &fs) < 0) {
		doctor_report(doctor, FINDING_WARN, see_spool(doctor, r < 0 ? r : -errno),
			      "can't be told: %s", strerror(r < 0 ? -r : errno));
		return;
	}
	free_mib = (double)fs.f_bavail * (double)fs.f_frsize / MIB;
	used_mib = (double)content.bytes / MIB;
	is_tight = free_mib < SPACE_WARN_MIB ||
		   (quota_mib > 0 && used_mib * 100 > quota_mib * QUOTA_WARN_PERCENT);
	if (quota_mib > 0)
		doctor_report(doctor, is_tight ? FINDING_WARN : FINDING_OK, NULL,
			      "%.0f MiB free, %.1f of a quota of %.0f MiB used", free_mib, used_mib,
			      quota_mib);
	else
		doctor_report(doctor, is_tight ? FINDING_WARN : FINDING_OK, NULL,
			      "%.0f MiB free, %.1f MiB used, no quota", free_mib, used_mib);
}

void check_waiting(struct doctor *doctor)
{
	struct spool_content content;
	int r = read_spool(doctor->config.spool, &content);
	double days;

	if (r < 0) {
		doctor_report(doctor, FINDING_WARN, see_spool(doctor, r), "can't be told: %s",
			      strerror(-r));
		return;
	}
	if (!content.files) {
		doctor_report(doctor, FINDING_OK, NULL, "none");
		return;
	}
	days = difftime(time(NULL), content.oldest) / 86400;
	doctor_report(doctor, days > WAITING_WARN_DAYS ? FINDING_WARN : FINDING_OK, NULL,
		      "%" PRIu64 ", the oldest for %.1f days", content.files, days);
}

void check_drop(struct doctor *doctor)
{
	const char *path = doctor->config.drop;
	struct stat st;

	if (!*path)
		doctor_report(doctor, FINDING_OK, NULL, "none is configured");
	else if (lstat(path, &st) < 0 && errno == EACCES && !doctor->is_root)
		doctor_report(doctor, FINDING_WARN, "run it as root", "%s can't be looked at",
			      path);
	else if (lstat(path, &st) < 0)
		doctor_report(doctor, FINDING_WARN, NULL,
			      "%s: %s; link records made while no daemon runs are lost", path,
			      strerror(errno));
	else if (!S_ISDIR(st.st_mode) || !is_own(&st))
		doctor_report(doctor, FINDING_FAIL, NULL, "%s is not a directory of root's", path);
	else if ((st.st_mode & 07777) != DROP_MODE)
		doctor_report(doctor, FINDING_WARN, NULL, "%s has mode %04o, not %04o", path,
			      st.st_mode & 07777, DROP_MODE);
	else
		doctor_report(doctor, FINDING_OK, NULL, "%s (mode %04o)", path, DROP_MODE);
}

/* A node that only records has no database; one that was named must be there. */
void check_database(struct doctor *doctor)
{
	_cleanup_store_ struct store *store = NULL;
	_cleanup_query_ struct query *query = NULL;
	_cleanup_free_ char *message = NULL;
	const char *url = doctor->db ?: secure_getenv("RUNMARK_DB");
	bool is_file = !url || !*url || !strncmp(url, "sqlite:", strlen("sqlite:"));
	int r = store_open(doctor->db, &store, &message);

	if (r == -ENOENT && !url) {
		doctor_report(doctor, FINDING_OK, NULL, "none on this node");
		return;
	}
	if (r == -EACCES && is_file && !doctor->is_root) {
		doctor_report(doctor, FINDING_WARN,
			      "run it as root, or as a member of the group runmark",
			      "can't be looked at: permission denied");
		return;
	}
	if (r < 0) {
		doctor_report(doctor, FINDING_FAIL, NULL, "%s", message ? message : strerror(-r));
		return;
	}
	doctor_report(doctor, FINDING_OK, NULL, "can be read, schema version %" PRId64 "%s",
		      store_version(store), store_is_own(store) ? "; your own runs only" : "");
	r = query_new(store, "SELECT count(*) FROM quarantine", &query);
	if (r >= 0)
		r = query_step(query);
	if (r > 0 && query_int(query, 0) > 0)
		doctor_report(doctor, FINDING_WARN, "runmark-ingest --quarantine lists them",
			      "%" PRId64 " lines could not be loaded", query_int(query, 0));
}
