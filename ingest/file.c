/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A spool file into the database, exactly once.
 *
 * What a file brings and its row in spool_file, the mark, are one transaction: whoever is killed at
 * whatever moment, either all of it is there or nothing, and the next loader starts over. A second
 * loader of the same file waits for the first one's lock, then finds the mark.
 *
 * A file is known by its base name, which is unique in the site; runs, links and node records
 * besides by their own ids. So a file that comes under another name (lines repaired after
 * quarantine, say) adds what is new and doubles nothing. One that was incomplete when it was loaded
 * (cut by a mover, still being copied) is loaded again when its size has changed.
 */
#include "ingest/file.h"
#include "ingest/arena.h"
#include "ingest/sets.h"

#include <errno.h>
#include <time.h>

#define PROGRESS_LINES 256

/* The mark of a file: whether it is there and final. *ret_id: 0 if there is none. */
static int find_mark(struct file *file, uint64_t bytes, int64_t *ret_id, struct file_result *ret,
		     bool *ret_is_final)
{
	struct backend *db = file->loader->db;
	struct value name = value_text(bytes_of(file->name));
	struct value row[MAPPING_COLUMNS_MAX];
	int r = db->ops->find(db, &mapping_spool_file, &name, ret_id);

	*ret_is_final = false;
	if (r == -ENOENT) {
		*ret_id = 0;
		return 0;
	}
	if (r < 0)
		return r;
	r = db->ops->get(db, &mapping_spool_file, *ret_id, row);
	if (r < 0)
		return r;
	ret->outcome = FILE_KNOWN;
	ret->is_covered = row[SPOOL_FILE_COVERED].integer;
	*ret_is_final = ret->is_covered || row[SPOOL_FILE_BYTES].integer == (int64_t)bytes;
	return 0;
}

/* What an earlier, incomplete loading said about the file goes; its records stay, they are true. */
static int forget(struct file *file, int64_t id)
{
	static const struct {
		const struct table *table;
		size_t column;
	} about[] = {
		{&mapping_spool_count, SPOOL_COUNT_SPOOL_FILE},
		{&mapping_spool_problem, SPOOL_PROBLEM_SPOOL_FILE},
		{&mapping_quarantine, QUARANTINE_SPOOL_FILE},
	};
	struct backend *db = file->loader->db;

	file->id = id;
	for (size_t i = 0; i < ARRAY_SIZE(about); i++) {
		int r = db->ops->erase(db, about[i].table, about[i].column, id);

		if (r < 0)
			return r;
	}
	return 0;
}

/* The mark comes first, so that two loaders of one file meet here, before they have done the work.
 */
static int put_mark(struct file *file)
{
	struct value row[SPOOL_FILE_COLUMNS] = {};
	struct backend *db = file->loader->db;
	bool is_new;
	int r;

	row[SPOOL_FILE_NAME] = value_text(bytes_of(file->name));
	for (size_t i = SPOOL_FILE_WHOLE; i < SPOOL_FILE_COLUMNS; i++)
		row[i] = value_integer(0);
	r = db->ops->insert(db, &mapping_spool_file, INSERT_KEEP, row, &is_new, &file->id);
	return r < 0 || is_new ? r : -EAGAIN;
}

static int take_lines(struct file *file, struct reader *reader)
{
	struct loader *loader = file->loader;
	struct line line;
	int r;

	while ((r = reader_next(reader, &line)) > 0) {
		file->line++;
		if (*loader->stop)
			return -EINTR;
		r = file_take_line(file, &line);
		if (r < 0)
			return r;
		if (loader->progress && file->line % PROGRESS_LINES == 0)
			loader->progress(loader->progress_arg, file->path, file->line);
	}
	switch (r) {
	case -EBADMSG:
		return file_problem(file, "compression", 0, 0, 0,
				    "the compressed data is damaged behind line %llu",
				    (unsigned long long)file->line);
	case -ENODATA:
		return file_problem(file, "compression", 0, 0, 0,
				    "the compressed data ends too early, behind line %llu",
				    (unsigned long long)file->line);
	default:
		return r;
	}
}

/* Within a transaction. -EALREADY: somebody else has loaded it meanwhile. */
static int load_all(struct file *file, struct reader *reader, uint64_t bytes,
		    struct file_result *ret)
{
	bool is_final;
	int64_t id;
	int r = find_mark(file, bytes, &id, ret, &is_final);

	if (r < 0)
		return r;
	if (is_final)
		return -EALREADY;
	r = id ? forget(file, id) : put_mark(file);
	if (r == 0)
		r = reader_rewind(reader);
	if (r == 0)
		r = take_lines(file, reader);
	if (r < 0)
		return r;
	ret->outcome = FILE_LOADED;
	return file_conclude(file, bytes, &ret->is_covered);
}

static int load_in_transaction(struct file *file, struct reader *reader, uint64_t bytes,
			       struct file_result *ret)
{
	int r = loader_begin(file->loader);

	return r < 0 ? r : loader_end(file->loader, load_all(file, reader, bytes, ret));
}

static int load_once(struct file *file, struct reader *reader, uint64_t bytes,
		     struct file_result *ret)
{
	bool is_final;
	int64_t id;
	int r = find_mark(file, bytes, &id, ret, &is_final);

	if (r == 0 && is_final)
		return -EALREADY;
	if (r == 0)
		r = sets_load(file->loader, reader);
	if (r == 0)
		r = load_in_transaction(file, reader, bytes, ret);
	return r;
}

static void init_file(struct file *file, struct loader *loader, const char *path,
		      struct totals *totals)
{
	memset(file, 0, sizeof(*file));
	file->loader = loader;
	file->path = path;
	file->totals = totals;
}

int file_load(struct loader *loader, int dir, const char *path, struct totals *totals,
	      struct file_result *ret, bool *ret_is_database)
{
	_cleanup_free_ struct file *file = malloc(sizeof(*file));
	_cleanup_reader_ struct reader *reader = NULL;
	struct stat st;
	int r;

	if (!file)
		return -ENOMEM;
	init_file(file, loader, path, totals);
	if (!spool_name_base(path, file->name))
		return -ENAMETOOLONG;
	r = reader_open(dir, path, &reader, &st);
	if (r < 0)
		return r;
	/* From here on: what fails is the database, unless it is reading. */
	*loader->db->message = '\0';
	r = load_once(file, reader, (uint64_t)st.st_size, ret);
	arena_reset();
	if (r == -EALREADY) {
		*totals = (struct totals){.known = 1};
		return 0;
	}
	if (r == 0 || r == -EINPROGRESS) {
		totals->files++;
		totals->lines += file->line;
	}
	if (r < 0) {
		*ret_is_database = *loader->db->message;
		return r;
	}
	if (file->has_header && *file->previous)
		loader_expect(loader, file->previous, file->name);
	return 0;
}
