/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs, groups and links of persons: their old ones are given to the person's pseudonym, a step at
 * a time, oldest first. Those of one step that become equal are changed by one statement.
 *
 * Who is nobody by name has a uid, and is known by that: uid:N. Where there is not even one, what
 * could tell of a person goes all the same; such rows are found by going over all of them.
 */
#include "ingest/prune_kind.h"

#include <errno.h>

/* Whose, and of which kind. */
enum whose { WHOSE_USER, WHOSE_UID, WHOSE_NOBODY };

struct place {
	int64_t time_us;
	uint8_t id[16];
};

struct persons {
	const struct prune_kind *kind;
	enum whose whose;
	int64_t user; /* → user_name, or the uid */
	struct bytes name;
	char *select, *update;	 /* SQL */
	struct place from, next; /* WHOSE_NOBODY: behind which to go on, now and in the next step */
	uint64_t step;		 /* that set next */
};

static char *make_select(const struct prune_kind *kind, enum whose whose)
{
	static const char *const wheres[] = {
		[WHOSE_USER] = "user = ? AND %s < ?",
		[WHOSE_UID] = "user IS NULL AND uid = ? AND %s < ?",
		[WHOSE_NOBODY] = "user IS NULL AND uid IS NULL AND %s < ?",
	};
	char *text = NULL, where[64];
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(where, sizeof(where), wheres[whose], kind->time);
#pragma GCC diagnostic pop
	fprintf(out, "SELECT %s, %s", kind->id, kind->time);
	prune_put_columns(out, kind);
	fprintf(out, " FROM %s WHERE %s", kind->table, where);
	if (whose == WHOSE_NOBODY)
		fprintf(out, " AND (%s > ? OR (%s = ? AND %s > ?)) ORDER BY %s, %s", kind->time,
			kind->time, kind->id, kind->time, kind->id);
	else
		fprintf(out, " ORDER BY %s", kind->time);
	fprintf(out, " LIMIT %d", PRUNE_ROWS);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

static char *make_update(const struct prune_kind *kind)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	fprintf(out, "UPDATE %s SET user = ?, %s", kind->table, kind->uids);
	for (size_t i = 0; i < prune_column_count(kind); i++)
		fprintf(out, ", %s = ?", kind->columns[i].name);
	fprintf(out, " WHERE %s IN " PRUNE_IN, kind->id);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

/* Puts all columns of the rows to what they become; what they referred to may be nobody's now. */
static int map_rows(struct prune *prune, const struct prune_kind *kind, struct prune_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++) {
		struct value *row = rows->values + i * rows->columns + 2;

		for (size_t c = 0; c < prune_column_count(kind); c++) {
			const struct prune_column *column = &kind->columns[c];
			struct value old = row[c];
			int r = 0;

			if (column->map)
				r = column->map(prune, &row[c]);
			else
				row[c] = value_null();
			if (r == 0 && column->dictionary && old.type == VALUE_INTEGER &&
			    (row[c].type == VALUE_NULL || row[c].integer != old.integer))
				r = prune_orphan(prune, column->dictionary, old.integer);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int compare_value(const struct value *a, const struct value *b)
{
	int r;

	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	if (a->type == VALUE_INTEGER || a->type == VALUE_NULL)
		return (a->integer > b->integer) - (a->integer < b->integer);
	r = memcmp(a->bytes.data, b->bytes.data, MIN(a->bytes.len, b->bytes.len));
	return r ? r : (a->bytes.len > b->bytes.len) - (a->bytes.len < b->bytes.len);
}

/* By the columns behind id and time. */
static int compare_rows(const void *a, const void *b, void *arg)
{
	const struct value *x = a, *y = b;
	size_t columns = *(size_t *)arg;

	for (size_t i = 2; i < columns; i++) {
		int r = compare_value(&x[i], &y[i]);

		if (r)
			return r;
	}
	return 0;
}

/* One statement for all rows that are alike. */
static int update_rows(struct prune *prune, struct persons *persons, struct prune_rows *rows,
		       const struct value *alias)
{
	struct value params[1 + PRUNE_COLUMNS_MAX], ids[PRUNE_ROWS];
	size_t count = rows->columns - 2;

	qsort_r(rows->values, rows->count, rows->columns * sizeof(*rows->values), compare_rows,
		&rows->columns);
	params[0] = *alias;
	for (size_t from = 0, to; from < rows->count; from = to) {
		const struct value *row = prune_row(rows, from);
		int r;

		for (to = from;
		     to < rows->count && !compare_rows(row, prune_row(rows, to), &rows->columns);
		     to++)
			ids[to - from] = prune_row(rows, to)[0];
		memcpy(params + 1, row + 2, count * sizeof(*params));
		r = prune_each_list(prune, persons->update, params, 1 + count, ids, to - from,
				    NULL);
		if (r < 0)
			return r;
	}
	return 0;
}

static int delete_texts(struct prune *prune, const struct prune_kind *kind, const struct value *ids,
			size_t count)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(kind->text) && kind->text[i]; i++) {
		uint64_t changed = 0;
		char sql[1024];

		snprintf(sql, sizeof(sql), "DELETE FROM %s WHERE %s IN " PRUNE_IN, kind->text[i],
			 kind->id);
		r = prune_each_list(prune, sql, NULL, 0, ids, count, &changed);
		prune_count(prune, "pseudonymise", kind->text[i], changed);
	}
	return r;
}

static int map_packages_by(struct prune *prune, const char *sql, const struct value *ids,
			   size_t count)
{
	struct value list[PRUNE_LIST];
	int r = 0;

	for (size_t done = 0; r == 0 && done < count; done += PRUNE_LIST) {
		struct prune_rows rows = {};

		for (size_t i = 0; i < PRUNE_LIST; i++)
			list[i] = ids[MIN(done + i, count - 1)];
		r = prune_rows_get(prune, sql, list, PRUNE_LIST, &rows);
		for (size_t i = 0; r == 0 && i < rows.count; i++)
			r = prune_package(prune, prune_row(&rows, i)[0].integer,
					  prune_row(&rows, i)[1].integer);
		prune_rows_done(&rows);
	}
	return r;
}

/* Packages that the runs loaded from somebody's home. */
static int map_packages(struct prune *prune, const struct value *ids, size_t count)
{
	int r = map_packages_by(prune, "SELECT id, path FROM package WHERE run_ref IN " PRUNE_IN,
				ids, count);

	return r < 0 ? r
		     : map_packages_by(prune,
				       "SELECT k.id, k.path FROM run_xalt x "
				       "JOIN package k ON k.run_ref = x.run_uuid "
				       "WHERE x.run_id IN " PRUNE_IN,
				       ids, count);
}

static int find_rows(struct prune *prune, struct persons *persons, struct prune_rows *ret)
{
	const struct value before = value_integer(prune->pseudonymise_us);
	const struct value of_user[] = {value_integer(persons->user), before};
	struct value of_nobody[4] = {before};

	if (persons->whose != WHOSE_NOBODY)
		return prune_rows_get(prune, persons->select, of_user, ARRAY_SIZE(of_user), ret);
	if (prune->steps != persons->step) /* the last one is done */
		persons->from = persons->next;
	of_nobody[1] = of_nobody[2] = value_integer(persons->from.time_us);
	of_nobody[3] = value_bytes(persons->from.id, sizeof(persons->from.id));
	return prune_rows_get(prune, persons->select, of_nobody, ARRAY_SIZE(of_nobody), ret);
}

/* Where to go on when this step is done. */
static void set_next(struct prune *prune, struct persons *persons, const struct value *last)
{
	persons->step = prune->steps;
	persons->next.time_us = last[1].integer;
	memcpy(persons->next.id, last[0].bytes.data,
	       MIN(last[0].bytes.len, sizeof(persons->next.id)));
}

static int make_alias(struct prune *prune, const struct persons *persons, struct value *ret)
{
	bool is_user = persons->whose == WHOSE_USER;
	int64_t alias;
	int r;

	*ret = value_null();
	if (persons->whose == WHOSE_NOBODY)
		return 0;
	r = prune_alias(prune, persons->name, is_user ? persons->user : 0, &alias);
	if (r == 0 && is_user)
		r = prune_orphan(prune, "user_name", persons->user);
	if (r == 0)
		*ret = value_integer(alias);
	return r;
}

static int persons_step(struct prune *prune, void *arg, bool *ret_more)
{
	struct persons *persons = arg;
	struct value ids[PRUNE_ROWS], alias;
	struct prune_rows rows = {};
	int r = find_rows(prune, persons, &rows);

	if (r == 0 && rows.count) {
		for (size_t i = 0; i < rows.count; i++)
			ids[i] = prune_row(&rows, i)[0];
		set_next(prune, persons, prune_row(&rows, rows.count - 1));
		r = make_alias(prune, persons, &alias);
		if (r == 0)
			r = map_rows(prune, persons->kind, &rows);
		if (r == 0)
			r = update_rows(prune, persons, &rows, &alias);
		if (r == 0)
			r = delete_texts(prune, persons->kind, ids, rows.count);
		if (r == 0 && persons->kind->has_packages)
			r = map_packages(prune, ids, rows.count);
		if (r == 0 && persons->whose != WHOSE_NOBODY)
			prune_count(prune, "pseudonymise", persons->kind->table, rows.count);
		*ret_more = rows.count == PRUNE_ROWS;
	}
	prune_rows_done(&rows);
	return r;
}

static int do_persons(struct prune *prune, struct persons *persons)
{
	int r;

	persons->select = make_select(persons->kind, persons->whose);
	persons->update = make_update(persons->kind);
	persons->step = UINT64_MAX;
	persons->next.time_us = INT64_MIN;
	r = persons->select && persons->update ? prune_steps(prune, persons_step, persons)
					       : -ENOMEM;
	free(persons->select);
	free(persons->update);
	return r;
}

/* Whether there is an old record; its uid, where that is asked for. */
static int find_old(struct prune *prune, const struct prune_kind *kind, enum whose whose,
		    int64_t user, int64_t *ret)
{
	const struct value params[] = {value_integer(prune->pseudonymise_us), value_integer(user)};
	char sql[256];

	if (whose == WHOSE_USER)
		snprintf(sql, sizeof(sql), "SELECT 1 FROM %s WHERE %s < ? AND user = ? LIMIT 1",
			 kind->table, kind->time);
	else
		snprintf(sql, sizeof(sql),
			 "SELECT uid FROM %s WHERE user IS NULL AND %s < ? AND uid IS NOT NULL "
			 "ORDER BY %s LIMIT 1",
			 kind->table, kind->time, kind->time);
	return prune_number(prune, sql, params, whose == WHOSE_USER ? 2 : 1, ret);
}

static int of_user(struct prune *prune, int64_t user, struct bytes name)
{
	for (size_t i = 0; i < PRUNE_KINDS; i++) {
		struct persons persons = {
			.kind = &prune_kinds[i], .whose = WHOSE_USER, .user = user, .name = name};
		int64_t one;
		int r = find_old(prune, persons.kind, WHOSE_USER, user, &one);

		if (r == 0)
			r = do_persons(prune, &persons);
		if (r < 0 && r != -ENOENT)
			return r;
	}
	return 0;
}

static int of_uids(struct prune *prune, const struct prune_kind *kind)
{
	for (;;) {
		struct persons persons = {.kind = kind, .whose = WHOSE_UID};
		char name[32];
		int r = find_old(prune, kind, WHOSE_UID, 0, &persons.user);

		if (r < 0)
			return r == -ENOENT ? 0 : r;
		snprintf(name, sizeof(name), "uid:%lld", (long long)persons.user);
		persons.name = bytes_of(name);
		r = do_persons(prune, &persons);
		if (r < 0)
			return r;
	}
}

/* A person who was away and is here again has a pseudonym from before. */
static int link_pseudonym(struct prune *prune, int64_t user, struct bytes name)
{
	char alias[PSEUDONYM_NAME_SIZE];
	struct value row[2];
	int64_t id;
	int r;

	pseudonym_of_user(&prune->key, name, alias);
	row[0] = value_text(bytes_of(alias));
	r = prune->db->ops->find(prune->db, mapping_tables[TABLE_USER_NAME], row, &id);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	row[0] = value_integer(id);
	row[1] = value_integer(user);
	return prune->db->ops->insert(prune->db, &mapping_pseudonym, INSERT_KEEP, row, NULL, NULL);
}

static int link_pseudonyms(struct prune *prune, void *arg, bool *ret_more)
{
	const struct prune_rows *users = arg;
	int r = 0;

	(void)ret_more;
	for (size_t i = 0; r == 0 && i < users->count; i++)
		if (!pseudonym_is_user(prune_row(users, i)[1].bytes))
			r = link_pseudonym(prune, prune_row(users, i)[0].integer,
					   prune_row(users, i)[1].bytes);
	return r;
}

int prune_persons(struct prune *prune)
{
	struct prune_rows users = {};
	int r = prune_rows_get(prune, "SELECT id, name FROM user_name ORDER BY id", NULL, 0,
			       &users);

	if (r == 0 && users.count)
		r = prune_steps(prune, link_pseudonyms, &users);
	for (size_t i = 0; r == 0 && i < users.count; i++)
		if (!pseudonym_is_user(prune_row(&users, i)[1].bytes))
			r = of_user(prune, prune_row(&users, i)[0].integer,
				    prune_row(&users, i)[1].bytes);
	prune_rows_done(&users);
	for (size_t i = 0; r == 0 && i < PRUNE_KINDS; i++) {
		struct persons nobody = {.kind = &prune_kinds[i], .whose = WHOSE_NOBODY};

		r = of_uids(prune, &prune_kinds[i]);
		if (r == 0)
			r = do_persons(prune, &nobody);
	}
	return r;
}
