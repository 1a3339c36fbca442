/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines that cannot be loaded are kept, with where they were and why, so that they can be repaired
 * and loaded as a file of another name. What a file may put there is bounded: a file that is no
 * spool file at all must not fill the database.
 */
#include "ingest/file.h"

#include <errno.h>
#include <time.h>

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int file_quarantine(struct file *file, const struct line *line, const struct problem *problem)
{
	struct value row[QUARANTINE_COLUMNS];
	struct backend *db = file->loader->db;
	bool is_kept =
		line->text.data && file->quarantine_bytes + line->text.len <= FILE_QUARANTINE_SIZE;

	file->totals->quarantined++;
	if (file->quarantine_rows == FILE_QUARANTINE_MAX) {
		file->unkept++;
		return 0;
	}
	file->quarantine_rows++;
	if (is_kept)
		file->quarantine_bytes += line->text.len;
	else
		file->unkept++;
	row[QUARANTINE_SPOOL_FILE] = value_integer(file->id);
	row[QUARANTINE_FILE] = value_text(bytes_of(file->path));
	row[QUARANTINE_LINE] = value_integer((int64_t)file->line);
	row[QUARANTINE_FIELD] =
		*problem->field ? value_text(bytes_of(problem->field)) : value_null();
	row[QUARANTINE_REASON] = value_text(bytes_of(problem->reason));
	row[QUARANTINE_SIZE] = value_integer((int64_t)line->size);
	row[QUARANTINE_TEXT] =
		is_kept ? value_bytes(line->text.data, line->text.len) : value_null();
	row[QUARANTINE_TIME] = value_integer(now_us());
	return db->ops->insert(db, &mapping_quarantine, INSERT_KEEP, row, NULL, NULL);
}
