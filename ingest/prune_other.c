/* SPDX-License-Identifier: BSD-2-Clause */
/* What else holds words of persons: lines in quarantine, and packages that came after their run had
 * been pseudonymised. */
#include "ingest/prune.h"

#include <errno.h>

#define SWEPT "packages of old runs"

/* The name of the file as nobody's; NULL data: it is as it was. */
static struct value map_file(struct prune *prune, const struct value *file,
			     char pseudonym[PSEUDONYM_PATH_SIZE])
{
	return pseudonym_of_path(&prune->rules, file->bytes, pseudonym)
		       ? value_text(bytes_of(pseudonym))
		       : *file;
}

static int quarantine_step(struct prune *prune, void *arg, bool *ret_more)
{
	const struct value before = value_integer(prune->pseudonymise_us);
	struct prune_rows rows = {};
	int r = prune_rows_get(prune,
			       "SELECT id, file, reason FROM quarantine WHERE text IS NOT NULL "
			       "AND time_us < ? ORDER BY id LIMIT 997",
			       &before, 1, &rows);

	(void)arg;
	for (size_t i = 0; r == 0 && i < rows.count; i++) {
		const struct value *row = prune_row(&rows, i);
		char pseudonym[PSEUDONYM_PATH_SIZE];
		const struct value params[] = {map_file(prune, &row[1], pseudonym), row[0]};

		r = prune_sql(prune, "UPDATE quarantine SET text = NULL, file = ? WHERE id = ?",
			      params, ARRAY_SIZE(params));
	}
	if (r == 0) {
		prune_count(prune, "pseudonymise", "quarantine", rows.count);
		*ret_more = rows.count == PRUNE_ROWS;
	}
	prune_rows_done(&rows);
	return r;
}

int prune_quarantine(struct prune *prune)
{
	return prune_steps(prune, quarantine_step, NULL);
}

int prune_package(struct prune *prune, int64_t id, int64_t path)
{
	struct value params[2] = {{}, value_integer(id)};
	int64_t twin;
	int r = prune_twin_path(prune, path, &twin);

	if (r < 0 || twin == path)
		return r;
	params[0] = value_integer(twin);
	r = prune_sql(prune, "UPDATE package SET path = ? WHERE id = ?", params, 2);
	if (r == -EINVAL) /* it has come again: the one from before is there */
		r = prune_sql(prune, "DELETE FROM package WHERE id = ?", &params[1], 1);
	if (r == 0)
		r = prune_orphan(prune, "path", path);
	if (r == 0)
		prune_count(prune, "pseudonymise", "package", 1);
	return r;
}

static int packages_step(struct prune *prune, void *arg, bool *ret_more)
{
	struct value params[3] = {value_integer(0), {}, value_integer(prune->pseudonymise_us)};
	struct prune_rows rows = {};
	int64_t from = 0, last = 0;
	int r = prune_state_get(prune, SWEPT, &from);

	(void)arg;
	if (r == 0 || r == -ENOENT)
		r = prune_number(prune, "SELECT max(id) FROM package", NULL, 0, &last);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	from = MIN(from, last);
	params[0] = value_integer(from);
	params[1] = value_integer(MIN(from + PRUNE_ROWS, last));
	r = prune_rows_get(prune,
			   "SELECT k.id, k.path FROM package k "
			   "JOIN run_xalt x ON x.run_uuid = k.run_ref "
			   "JOIN run r ON r.run_id = x.run_id "
			   "WHERE k.id > ? AND k.id <= ? AND r.start_us < ?",
			   params, ARRAY_SIZE(params), &rows);
	for (size_t i = 0; r == 0 && i < rows.count; i++)
		r = prune_package(prune, prune_row(&rows, i)[0].integer,
				  prune_row(&rows, i)[1].integer);
	prune_rows_done(&rows);
	if (r == 0 && params[1].integer > from)
		r = prune_state_set(prune, SWEPT, params[1].integer);
	*ret_more = params[1].integer < last;
	return r;
}

int prune_packages(struct prune *prune)
{
	return prune_steps(prune, packages_step, NULL);
}
