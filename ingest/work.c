/* SPDX-License-Identifier: BSD-2-Clause */
#include "ingest/work.h"
#include "ingest/collect.h"
#include "ingest/counts.h"
#include "ingest/dispose.h"
#include "ingest/names_command.h"
#include "ingest/spool_name.h"
#include "common/array.h"
#include "common/log.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

/* The file has been loaded, now or before. */
static void dispose(struct work *work, const char *path, const struct file_result *result)
{
	const struct options *options = work->options;
	int r;

	if (!options->remove && !options->archive)
		return;
	if (!result->is_covered) {
		log_warn(0, "%s is kept: not all of it is in the database", path);
		return;
	}
	r = options->remove ? dispose_remove(path) : dispose_archive(path, options->archive);
	if (r == 0) {
		work->disposed++;
		return;
	}
	work->failures++;
	if (r == -EEXIST)
		log_err(0, "cannot archive %s: another file of that name is in %s", path,
			options->archive);
	else
		log_err(r, "cannot %s %s", options->remove ? "remove" : "archive", path);
}

static int fail(struct work *work, const char *path, int error, bool is_database, bool is_listed)
{
	if (error == -EINTR || (error == -ENOENT && is_listed && !is_database))
		return error == -EINTR ? error : 0;
	if (is_database) {
		if (!work->is_database_broken)
			log_err(0, "%s", work->loader.db->message);
		work->is_database_broken = true;
		return error;
	}
	work->failures++;
	if (error == -ENOTSUP)
		log_err(0, "cannot load %s: it is neither a regular file nor a directory", path);
	else
		log_err(error, "cannot load %s", path);
	return 0;
}

int work_file(struct work *work, const char *path, bool is_listed)
{
	uint64_t bad = work->loader.totals.quarantined;
	struct file_result result;
	bool is_database;
	int r;

	names_command_reload(&work->names);
	r = loader_load(&work->loader, AT_FDCWD, path, &result, &is_database);
	progress_clear(&work->progress);
	if (r < 0)
		return fail(work, path, r, is_database, is_listed);
	work->is_database_broken = false;
	bad = work->loader.totals.quarantined - bad;
	if (bad)
		log_warn(0, "%s: %llu %s could not be loaded; --quarantine lists them", path,
			 (unsigned long long)bad, bad == 1 ? "line" : "lines");
	dispose(work, path, &result);
	return 0;
}

struct name {
	char *path;
	struct timespec modified;
};

struct names {
	struct name *items;
	size_t count, size;
};

static void names_done(struct names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->items[i].path);
	free(names->items);
}

static int names_add(struct names *names, const char *directory, const char *name,
		     const struct timespec *modified)
{
	struct name *items = array_grow(names->items, names->count, &names->size, sizeof(*items));

	if (!items)
		return -ENOMEM;
	names->items = items;
	if (asprintf(&items[names->count].path, "%s/%s", directory, name) < 0)
		return -ENOMEM;
	items[names->count++].modified = *modified;
	return 0;
}

/*
 * Oldest first: rows of the same time lie together in the database, so files of many hosts in the
 * order of time write far fewer pages than host after host.
 */
static int compare(const void *a, const void *b)
{
	const struct name *x = a, *y = b;

	if (x->modified.tv_sec != y->modified.tv_sec)
		return x->modified.tv_sec < y->modified.tv_sec ? -1 : 1;
	if (x->modified.tv_nsec != y->modified.tv_nsec)
		return x->modified.tv_nsec < y->modified.tv_nsec ? -1 : 1;
	return strcmp(x->path, y->path);
}

static void cleanup_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static int list(const char *path, struct names *ret)
{
	_cleanup_(cleanup_dir) DIR *dir = opendir(path);
	const struct dirent *entry;
	struct stat st;

	if (!dir)
		return -errno;
	while ((errno = 0, entry = readdir(dir))) {
		int r;

		if (!spool_name_is_whole(entry->d_name) ||
		    fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) ||
		    !S_ISREG(st.st_mode))
			continue;
		r = names_add(ret, path, entry->d_name, &st.st_mtim);
		if (r < 0)
			return r;
	}
	if (errno)
		return -errno;
	if (ret->count)
		qsort(ret->items, ret->count, sizeof(*ret->items), compare);
	return 0;
}

int work_directory(struct work *work, const char *path)
{
	_cleanup_(names_done) struct names names = {};
	int r = collect_directory(work, path);

	if (r < 0)
		return r;
	r = list(path, &names);
	if (r < 0) {
		work->failures++;
		log_err(r, "cannot read the spool %s", path);
		return 0;
	}
	work->progress.files = names.count;
	for (size_t i = 0; i < names.count; i++) {
		work->progress.file = i + 1;
		if (*work->stop)
			return -EINTR;
		r = work_file(work, names.items[i].path, true);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Files that others named as the one before them and that still are not there. */
static void report_missing(struct work *work)
{
	struct backend *db = work->loader.db;
	uint64_t missing = 0;

	for (size_t i = 0; i < work->loader.expected_count; i++) {
		const struct expected *expected = &work->loader.expected[i];
		struct value name = value_text(bytes_of(expected->before));
		int64_t id;

		if (db->ops->find(db, &mapping_spool_file, &name, &id) != -ENOENT)
			continue;
		if (missing++ < 5)
			log_warn(0, "the spool file %s is missing, which comes before %s",
				 expected->before, expected->name);
	}
	if (missing > 5)
		log_warn(0, "%llu more spool files are missing; the view missing_file lists all",
			 (unsigned long long)missing - 5);
}

void work_report(struct work *work)
{
	const struct totals *t = &work->loader.totals;
	const struct count_part parts[] = {
		{t->runs, "run", "runs", true},
		{t->starts, "start record", "start records", false},
		{t->groups, "group", "groups", false},
		{t->links, "link", "links", true},
		{t->nodes, "node record", "node records", true},
		{t->sets, "set", "sets", true},
		{t->duplicates, "record known before", "records known before", false},
		{t->known, "file known before", "files known before", false},
		{t->skipped, "line of an unknown kind", "lines of unknown kinds", false},
		{t->missing, "record missing", "records missing", false},
		{t->not_whole, "file not whole", "files not whole", false},
		{t->quarantined, "line quarantined", "lines quarantined", true},
	};

	report_missing(work);
	counts_print("loaded", t->files, parts, ARRAY_SIZE(parts));
}
