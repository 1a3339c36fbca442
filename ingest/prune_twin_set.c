/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Twins of sets. A set's twin has the keyed hash of its hash, so that it is found again whoever
 * looks; its members are put in with it, in one transaction. What goes with a personal member, the
 * device and inode of the file, is left out.
 */
#include "ingest/prune.h"

#include <errno.h>

#define COLUMNS_MAX 5

/* A kind of set: its members' columns are position, object, then others. */
struct set_kind {
	enum table_number set, member;
	const char *find, *members; /* SQL */
	size_t object;		    /* the column of members' rows, without the set, that refers */
	size_t personal, count;	    /* from personal on columns lead to the file */
};

static const struct set_kind object_sets = {
	.set = TABLE_OBJECT_SET,
	.member = TABLE_OBJECT_SET_MEMBER,
	.find = "SELECT hash, members FROM object_set WHERE id = ?",
	.members = "SELECT position, object, device, inode FROM object_set_member "
		   "WHERE object_set = ? ORDER BY position",
	.object = 1,
	.personal = 2,
	.count = 4,
};

static const struct set_kind input_sets = {
	.set = TABLE_INPUT_SET,
	.member = TABLE_INPUT_SET_MEMBER,
	.find = "SELECT hash, members FROM input_set WHERE id = ?",
	.members = "SELECT position, kind, object FROM input_set_member "
		   "WHERE input_set = ? ORDER BY position",
	.object = 2,
	.personal = 3,
	.count = 3,
};

/* Puts the members' objects to their twins. *ret_changed: whether one has another. */
static int map_members(struct prune *prune, const struct set_kind *kind, struct prune_rows *rows,
		       bool *ret_changed)
{
	bool is_changed = false;

	for (size_t i = 0; i < rows->count; i++) {
		struct value *row = rows->values + i * rows->columns;
		int64_t object = row[kind->object].integer, twin;
		int r = prune_twin_object(prune, object, &twin);

		if (r < 0)
			return r;
		if (twin == object)
			continue;
		is_changed = true;
		row[kind->object] = value_integer(twin);
		for (size_t c = kind->personal; c < kind->count; c++) {
			if (row[c].type == VALUE_TEXT || row[c].type == VALUE_BYTES)
				free((char *)row[c].bytes.data);
			row[c] = value_null();
		}
	}
	*ret_changed = is_changed;
	return 0;
}

static int put_members(struct prune *prune, const struct set_kind *kind, int64_t id,
		       const struct prune_rows *rows)
{
	const struct table *member = mapping_tables[kind->member];
	struct backend *db = prune->db;
	const struct value count = value_integer((int64_t)rows->count);
	struct value row[COLUMNS_MAX];

	for (size_t i = 0; i < rows->count; i++) {
		int r;

		row[0] = value_integer(id);
		memcpy(row + 1, prune_row(rows, i), kind->count * sizeof(*row));
		r = db->ops->insert(db, member, INSERT_KEEP, row, NULL, NULL);
		if (r < 0)
			return r;
	}
	return db->ops->update(db, mapping_tables[kind->set], id, 1, 1, &count);
}

static int make_set(struct prune *prune, const struct set_kind *kind, struct bytes hash,
		    const struct prune_rows *members, int64_t *ret)
{
	struct backend *db = prune->db;
	const struct table *set = mapping_tables[kind->set];
	struct value row[MAPPING_COLUMNS_MAX];
	uint8_t twin[PSEUDONYM_HASH_SIZE];
	int64_t id;
	int r;

	pseudonym_hash(&prune->key, PSEUDONYM_SET, hash, twin);
	row[0] = value_bytes(twin, sizeof(twin));
	row[1] = value_null();
	r = db->ops->entity(db, set, row, &id);
	if (r == 0)
		r = db->ops->get(db, set, id, row);
	if (r == 0 && row[1].type == VALUE_NULL)
		r = put_members(prune, kind, id, members);
	if (r == 0)
		*ret = id;
	return r;
}

static int find_twin(struct prune *prune, const struct set_kind *kind, int64_t id, int64_t *ret)
{
	const struct value key = value_integer(id);
	struct prune_rows set = {}, members = {};
	bool is_changed = false;
	int64_t twin = id;
	int r = prune_rows_get(prune, kind->find, &key, 1, &set);

	if (r == 0 && (!set.count || prune_row(&set, 0)[1].type == VALUE_NULL))
		twin = 0; /* it may still come, with whatever it holds: nobody refers to it then */
	else if (r == 0)
		r = prune_rows_get(prune, kind->members, &key, 1, &members);
	if (r == 0)
		r = map_members(prune, kind, &members, &is_changed);
	if (r == 0 && is_changed)
		r = make_set(prune, kind, prune_row(&set, 0)->bytes, &members, &twin);
	prune_rows_done(&set);
	prune_rows_done(&members);
	if (r < 0)
		return r;
	cache_put(prune->twins, kind->set, &key, 1, twin);
	*ret = twin;
	return 0;
}

int prune_twin_object_set(struct prune *prune, int64_t id, int64_t *ret)
{
	const struct value key = value_integer(id);

	return cache_get(prune->twins, TABLE_OBJECT_SET, &key, 1, ret)
		       ? 0
		       : find_twin(prune, &object_sets, id, ret);
}

int prune_twin_input_set(struct prune *prune, int64_t id, int64_t *ret)
{
	const struct value key = value_integer(id);

	return cache_get(prune->twins, TABLE_INPUT_SET, &key, 1, ret)
		       ? 0
		       : find_twin(prune, &input_sets, id, ret);
}
