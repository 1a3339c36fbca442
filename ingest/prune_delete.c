/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is older than records are kept. Runs, groups, links with all that is keyed as they are;
 * accounting, node records, lines in quarantine; and the marks of spool files, with what was said
 * about them.
 *
 * A mark must outlive the records that its file brought: else the file, coming again, would be
 * loaded anew beside what is left of it. Records are older than the loading of their file, so a
 * mark that goes by its time of loading goes after them. A file that comes again later still is
 * loaded, and the next pruning deletes what it brought. The file behind a mark that went no longer
 * names it as missing, and the instance remembers up to which record all is pruned.
 */
#include "ingest/prune_kind.h"

#include <errno.h>

#define LIMIT " LIMIT 997"

_Static_assert(PRUNE_ROWS == 997, "the limit in SQL is that of a step");

struct deletion {
	const struct prune_kind *kind;
	char *select;
	const char *dictionaries[PRUNE_COLUMNS_MAX + PRUNE_REFERS_MAX / 2]; /* by column */
};

static int deletion_init(struct deletion *deletion, const struct prune_kind *kind)
{
	char *text = NULL;
	size_t len, count = 0;
	FILE *out = open_memstream(&text, &len);

	*deletion = (struct deletion){.kind = kind};
	if (!out)
		return -ENOMEM;
	fprintf(out, "SELECT %s", kind->id);
	for (size_t i = 0; i < prune_column_count(kind); i++) {
		if (!kind->columns[i].dictionary)
			continue;
		fprintf(out, ", %s", kind->columns[i].name);
		deletion->dictionaries[count++] = kind->columns[i].dictionary;
	}
	for (size_t i = 0; i < PRUNE_REFERS_MAX && kind->refers[i]; i += 2) {
		fprintf(out, ", %s", kind->refers[i]);
		deletion->dictionaries[count++] = kind->refers[i + 1];
	}
	fprintf(out, " FROM %s WHERE %s < ? ORDER BY %s" LIMIT, kind->table, kind->time,
		kind->time);
	if (fclose(out)) {
		free(text);
		return -ENOMEM;
	}
	deletion->select = text;
	return 0;
}

static int add_orphans(struct prune *prune, const struct deletion *deletion,
		       const struct prune_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++) {
		for (size_t c = 1; c < rows->columns; c++) {
			const struct value *id = &prune_row(rows, i)[c];
			int r;

			/* most are as in the row before */
			if (id->type != VALUE_INTEGER ||
			    (i && prune_row(rows, i - 1)[c].integer == id->integer))
				continue;
			r = prune_orphan(prune, deletion->dictionaries[c - 1], id->integer);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* Rows of the table whose column has one of these values. */
static int delete_list(struct prune *prune, const char *table, const char *column,
		       const struct value *list, size_t count)
{
	uint64_t changed = 0;
	char sql[1024];
	int r;

	if (!count)
		return 0;
	snprintf(sql, sizeof(sql), "DELETE FROM %s WHERE %s IN " PRUNE_IN, table, column);
	r = prune_each_list(prune, sql, NULL, 0, list, count, &changed);
	prune_count(prune, "delete", table, changed);
	return r;
}

/* Packages of runs, by what they are called there. */
static int delete_packages_of(struct prune *prune, const struct value *refs, size_t count)
{
	struct value list[PRUNE_LIST];

	for (size_t done = 0; done < count; done += PRUNE_LIST) {
		struct prune_rows rows = {};
		int r;

		for (size_t i = 0; i < PRUNE_LIST; i++)
			list[i] = refs[MIN(done + i, count - 1)];
		r = prune_rows_get(prune,
				   "SELECT DISTINCT path FROM package WHERE run_ref IN " PRUNE_IN,
				   list, PRUNE_LIST, &rows);
		for (size_t i = 0; r == 0 && i < rows.count; i++)
			r = prune_orphan(prune, "path", prune_row(&rows, i)->integer);
		if (r == 0 && rows.count)
			r = delete_list(prune, "package", "run_ref", list, PRUNE_LIST);
		prune_rows_done(&rows);
		if (r < 0)
			return r;
	}
	return 0;
}

static int delete_packages(struct prune *prune, const struct value *ids, size_t count)
{
	struct value list[PRUNE_LIST], uuids[PRUNE_LIST];
	int r = delete_packages_of(prune, ids, count);

	for (size_t done = 0; r == 0 && done < count; done += PRUNE_LIST) {
		struct prune_rows rows = {};

		for (size_t i = 0; i < PRUNE_LIST; i++)
			list[i] = ids[MIN(done + i, count - 1)];
		r = prune_rows_get(prune, "SELECT run_uuid FROM run_xalt WHERE run_id IN " PRUNE_IN,
				   list, PRUNE_LIST, &rows);
		for (size_t i = 0; i < MIN(rows.count, (size_t)PRUNE_LIST); i++)
			uuids[i] = *prune_row(&rows, i);
		if (r == 0 && rows.count)
			r = delete_packages_of(prune, uuids, MIN(rows.count, (size_t)PRUNE_LIST));
		prune_rows_done(&rows);
	}
	return r;
}

/* What XALT's runs loaded: while it is known how XALT called them, before whole months go. */
static int xalt_step(struct prune *prune, void *arg, bool *ret_more)
{
	struct value ids[PRUNE_ROWS];
	uint8_t before[16] = {};
	const struct value bound = value_bytes(before, sizeof(before));
	struct prune_rows rows = {};
	int r;

	(void)arg;
	/* ids begin with the start in milliseconds */
	for (size_t i = 0; i < 6; i++)
		before[i] = (uint8_t)(prune->delete_us / 1000 >> (40 - 8 * i));
	r = prune_rows_get(prune,
			   "SELECT run_id FROM run_xalt WHERE run_id < ? ORDER BY run_id" LIMIT,
			   &bound, 1, &rows);
	for (size_t i = 0; i < rows.count; i++)
		ids[i] = *prune_row(&rows, i);
	if (r == 0)
		r = delete_packages(prune, ids, rows.count);
	if (r == 0)
		r = delete_list(prune, "run_xalt", "run_id", ids, rows.count);
	*ret_more = rows.count == PRUNE_ROWS;
	prune_rows_done(&rows);
	return r;
}

static int forget_swept(struct prune *prune, void *arg, bool *ret_more)
{
	(void)ret_more;
	prune_count(prune, "delete", "months", *(uint64_t *)arg);
	return prune_sql(prune, "DELETE FROM prune_state WHERE name LIKE 'swept %'", NULL, 0);
}

/* Whole months where the database keeps them apart. What their rows referred to isn't known one by
 * one: all dictionaries are gone over. */
static int drop_months(struct prune *prune)
{
	const struct backend_ops *ops = prune->db->ops;
	uint64_t dropped = 0;
	int r = ops->months ? ops->months(prune->db, prune->delete_us, &dropped) : 0;

	return r == 0 && dropped ? prune_steps(prune, forget_swept, &dropped) : r;
}

static int records_step(struct prune *prune, void *arg, bool *ret_more)
{
	struct deletion *deletion = arg;
	const struct prune_kind *kind = deletion->kind;
	const struct value before = value_integer(prune->delete_us);
	struct value ids[PRUNE_ROWS];
	struct prune_rows rows = {};
	int r = prune_rows_get(prune, deletion->select, &before, 1, &rows);

	for (size_t i = 0; i < rows.count; i++)
		ids[i] = *prune_row(&rows, i);
	if (r == 0)
		r = add_orphans(prune, deletion, &rows);
	if (r == 0 && kind->has_packages)
		r = delete_packages(prune, ids, rows.count);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(kind->text) && kind->text[i]; i++)
		r = delete_list(prune, kind->text[i], kind->id, ids, rows.count);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(kind->more) && kind->more[i]; i++)
		r = delete_list(prune, kind->more[i], kind->id, ids, rows.count);
	if (r == 0)
		r = delete_list(prune, kind->table, kind->id, ids, rows.count);
	*ret_more = rows.count == PRUNE_ROWS;
	prune_rows_done(&rows);
	return r;
}

static int delete_records(struct prune *prune, const struct prune_kind *kind)
{
	struct deletion deletion;
	int r = deletion_init(&deletion, kind);

	if (r == 0)
		r = prune_steps(prune, records_step, &deletion);
	free(deletion.select);
	return r;
}

/* Tables whose rows go by a time of their own. */
struct simple {
	const char *table, *id, *select;
};

static int simple_step(struct prune *prune, void *arg, bool *ret_more)
{
	const struct simple *simple = arg;
	const struct value before = value_integer(prune->delete_us);
	struct value ids[PRUNE_ROWS];
	struct prune_rows rows = {};
	int r = prune_rows_get(prune, simple->select, &before, 1, &rows);

	for (size_t i = 0; i < rows.count; i++)
		ids[i] = *prune_row(&rows, i);
	if (r == 0)
		r = delete_list(prune, simple->table, simple->id, ids, rows.count);
	*ret_more = rows.count == PRUNE_ROWS;
	prune_rows_done(&rows);
	return r;
}

/* Node records of one host; they have no id of their own. */
static int nodes_step(struct prune *prune, void *arg, bool *ret_more)
{
	static const char *const deletes[] = {
		"DELETE FROM node_count WHERE instance = ? AND seq = ?",
		"DELETE FROM node_record WHERE instance = ? AND seq = ?",
	};
	const struct value params[] = {*(const struct value *)arg, value_integer(prune->delete_us)};
	struct prune_rows rows = {};
	int r = prune_rows_get(prune,
			       "SELECT instance, seq FROM node_record WHERE host = ? AND "
			       "time_us < ? ORDER BY time_us" LIMIT,
			       params, ARRAY_SIZE(params), &rows);

	for (size_t i = 0; r == 0 && i < rows.count; i++)
		for (size_t d = 0; r == 0 && d < ARRAY_SIZE(deletes); d++)
			r = prune_sql(prune, deletes[d], prune_row(&rows, i), 2);
	prune_count(prune, "delete", "node_record", rows.count);
	*ret_more = rows.count == PRUNE_ROWS;
	prune_rows_done(&rows);
	return r;
}

static int delete_nodes(struct prune *prune)
{
	struct prune_rows hosts = {};
	int r = prune_rows_get(prune, "SELECT id FROM host ORDER BY id", NULL, 0, &hosts);

	for (size_t i = 0; r == 0 && i < hosts.count; i++) {
		struct value host = *prune_row(&hosts, i);

		r = prune_steps(prune, nodes_step, &host);
	}
	prune_rows_done(&hosts);
	return r;
}

/* A mark goes: row is its id, name, instance and last number. */
static int forget_file(struct prune *prune, const struct value *row)
{
	const struct value pruned[] = {row[3], row[2], row[3]};
	int r = prune_sql(prune, "UPDATE spool_file SET previous = NULL WHERE previous = ?",
			  &row[1], 1);

	if (r == 0 && row[2].type != VALUE_NULL && row[3].type != VALUE_NULL)
		r = prune_sql(prune,
			      "UPDATE instance SET pruned_seq = ? WHERE id = ? "
			      "AND coalesce(pruned_seq, 0) < ?",
			      pruned, ARRAY_SIZE(pruned));
	return r;
}

static int files_step(struct prune *prune, void *arg, bool *ret_more)
{
	static const char *const about[] = {"spool_count", "spool_problem"};
	const struct value before = value_integer(prune->delete_us);
	struct value ids[PRUNE_ROWS];
	struct prune_rows rows = {};
	int r = prune_rows_get(prune,
			       "SELECT id, name, instance, last_seq FROM spool_file "
			       "WHERE loaded_us < ? ORDER BY loaded_us" LIMIT,
			       &before, 1, &rows);

	(void)arg;
	for (size_t i = 0; r == 0 && i < rows.count; i++) {
		ids[i] = *prune_row(&rows, i);
		r = forget_file(prune, prune_row(&rows, i));
	}
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(about); i++)
		r = delete_list(prune, about[i], "spool_file", ids, rows.count);
	if (r == 0)
		r = delete_list(prune, "spool_file", "id", ids, rows.count);
	*ret_more = rows.count == PRUNE_ROWS;
	prune_rows_done(&rows);
	return r;
}

int prune_delete(struct prune *prune)
{
	static const struct simple jobs = {"accounting", "id",
					   "SELECT id FROM accounting WHERE " PRUNE_JOB_TIME
					   " < ? ORDER BY id" LIMIT};
	static const struct simple lines = {
		"quarantine", "id",
		"SELECT id FROM quarantine WHERE time_us < ? ORDER BY id" LIMIT};
	int r = prune->delete_us ? prune_steps(prune, xalt_step, NULL) : 0;

	/* Runs tell how old a job is: it goes before them. */
	if (r == 0 && prune->delete_us)
		r = prune_steps(prune, simple_step, (void *)&jobs);

	if (r == 0)
		r = drop_months(prune); /* makes new ones, too */
	if (r < 0 || !prune->delete_us)
		return r;
	for (size_t i = 0; r == 0 && i < PRUNE_KINDS; i++)
		r = delete_records(prune, &prune_kinds[i]);
	if (r == 0)
		r = prune_steps(prune, simple_step, (void *)&lines);
	if (r == 0)
		r = delete_nodes(prune);
	return r < 0 ? r : prune_steps(prune, files_step, NULL);
}
