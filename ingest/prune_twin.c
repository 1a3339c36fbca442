/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Twins: the row of a dictionary that takes the place of one that tells of a person. It is found by
 * its own key or made, so that all runs of a program come to the same twin, in whatever order and
 * after whatever interruption. Build-id and watermark stay: by them programs are joined with their
 * links. What leads to the file on the live system, its device, inode and owner, does not.
 */
#include "ingest/prune.h"

#include <errno.h>

enum program_column { /* of the table program, by its mapping */
		      PROGRAM_PATH,
		      PROGRAM_BUILD_ID,
		      PROGRAM_WATERMARK,
		      PROGRAM_WATERMARK_STATE,
		      PROGRAM_DEVICE,
		      PROGRAM_INODE,
		      PROGRAM_FSTYPE,
		      PROGRAM_OWNER_UID,
};

/* The twin of that row, as far as it is remembered. */
static bool is_known(struct prune *prune, enum table_number table, int64_t id, int64_t *ret)
{
	const struct value key = value_integer(id);

	return cache_get(prune->twins, table, &key, 1, ret);
}

static void remember(struct prune *prune, enum table_number table, int64_t id, int64_t twin)
{
	const struct value key = value_integer(id);

	cache_put(prune->twins, table, &key, 1, twin);
}

/* A name that a rule of the site gave: kept unless it names somebody. */
static struct value keep_name(const struct prune *prune, const struct value *name)
{
	if (name->type == VALUE_NULL || pseudonym_names_somebody(&prune->rules, name->bytes))
		return value_null();
	return *name;
}

/* The row that takes the place of a personal path. */
static int make_path(struct prune *prune, const struct prune_rows *rows, const char *pseudonym,
		     int64_t *ret)
{
	const struct value *old = prune_row(rows, 0);
	const struct value row[] = {
		value_bytes(pseudonym, strlen(pseudonym)),
		value_bytes(strrchr(pseudonym, '/') + 1, strlen(strrchr(pseudonym, '/') + 1)),
		keep_name(prune, &old[1]),
		keep_name(prune, &old[2]),
	};

	return prune->db->ops->entity(prune->db, &mapping_path, row, ret);
}

int prune_twin_path(struct prune *prune, int64_t id, int64_t *ret)
{
	const struct value key = value_integer(id);
	char pseudonym[PSEUDONYM_PATH_SIZE];
	struct prune_rows rows = {};
	int64_t twin = id;
	int r;

	if (is_known(prune, TABLE_PATH, id, ret))
		return 0;
	r = prune_rows_get(prune, "SELECT path, software, module FROM path WHERE id = ?", &key, 1,
			   &rows);
	if (r == 0 && rows.count &&
	    pseudonym_of_path(&prune->rules, prune_row(&rows, 0)->bytes, pseudonym))
		r = make_path(prune, &rows, pseudonym, &twin);
	prune_rows_done(&rows);
	if (r < 0)
		return r;
	remember(prune, TABLE_PATH, id, twin);
	*ret = twin;
	return 0;
}

int prune_twin_object(struct prune *prune, int64_t id, int64_t *ret)
{
	const struct value key = value_integer(id);
	struct prune_rows rows = {};
	struct value row[3];
	int64_t path, twin = id;
	int r;

	if (is_known(prune, TABLE_OBJECT, id, ret))
		return 0;
	r = prune_rows_get(prune, "SELECT path, build_id, watermark FROM object WHERE id = ?", &key,
			   1, &rows);
	if (r == 0 && rows.count) {
		memcpy(row, prune_row(&rows, 0), sizeof(row));
		r = prune_twin_path(prune, row[0].integer, &path);
		if (r == 0 && path != row[0].integer) {
			row[0] = value_integer(path);
			r = prune->db->ops->entity(prune->db, mapping_tables[TABLE_OBJECT], row,
						   &twin);
		}
	}
	prune_rows_done(&rows);
	if (r < 0)
		return r;
	remember(prune, TABLE_OBJECT, id, twin);
	*ret = twin;
	return 0;
}

/* The row of table program as nobody's. *ret_changed: whether that is another. */
static int clear_program(struct prune *prune, struct value *row, bool *ret_changed)
{
	int64_t path;
	int r = prune_twin_path(prune, row[PROGRAM_PATH].integer, &path);

	if (r < 0)
		return r;
	*ret_changed = path != row[PROGRAM_PATH].integer;
	if (*ret_changed) {
		row[PROGRAM_PATH] = value_integer(path);
		row[PROGRAM_DEVICE] = value_text(bytes_of(""));
		row[PROGRAM_INODE] = value_integer(0);
	}
	/* 0 is root, -1 unknown */
	if (row[PROGRAM_OWNER_UID].integer > 0) {
		row[PROGRAM_OWNER_UID] = value_integer(-1);
		*ret_changed = true;
	}
	return 0;
}

int prune_twin_program(struct prune *prune, int64_t id, int64_t *ret)
{
	const struct value key = value_integer(id);
	struct value row[MAPPING_COLUMNS_MAX];
	struct prune_rows rows = {};
	int64_t twin = id;
	bool is_changed;
	int r;

	if (is_known(prune, TABLE_PROGRAM, id, ret))
		return 0;
	r = prune_rows_get(prune,
			   "SELECT path, build_id, watermark, watermark_state, device, inode, "
			   "fstype, owner_uid, size, mtime_us FROM program WHERE id = ?",
			   &key, 1, &rows);
	if (r == 0 && rows.count) {
		memcpy(row, prune_row(&rows, 0), rows.columns * sizeof(*row));
		r = clear_program(prune, row, &is_changed);
		if (r == 0 && is_changed)
			r = prune->db->ops->entity(prune->db, mapping_tables[TABLE_PROGRAM], row,
						   &twin);
	}
	prune_rows_done(&rows);
	if (r < 0)
		return r;
	remember(prune, TABLE_PROGRAM, id, twin);
	*ret = twin;
	return 0;
}
