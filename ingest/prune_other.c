/* SPDX-License-Identifier: BSD-2-Clause */
/* What else holds words of persons: lines in quarantine, names that people gave to spool files, and
 * packages that came after their run had been pseudonymised. */
#include "ingest/prune.h"
#include "ingest/spool_name.h"
#include "common/text.h"

#include <errno.h>

#define SWEPT "packages of old runs"
#define NAMED "names of files loaded until"

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

/* A file that somebody called after a person: its mark gets the hash of the name. */
static int rename_file(struct prune *prune, const struct value *row)
{
	uint8_t hash[PSEUDONYM_HASH_SIZE];
	char name[1 + 2 * PSEUDONYM_HASH_SIZE + 1] = "~";
	struct spool_name parsed;
	struct value params[2];

	/* runmarkd's own names tell of nodes */
	if (spool_name_parse(row[1].bytes.data, &parsed) == 0 ||
	    !pseudonym_names_somebody(&prune->rules, row[1].bytes))
		return 0;
	pseudonym_hash(&prune->key, PSEUDONYM_PATH, row[1].bytes, hash);
	text_to_hex(hash, sizeof(hash), name + 1);
	params[0] = value_text(bytes_of(name));
	params[1] = row[0];
	prune_count(prune, "pseudonymise", "spool_file", 1);
	return prune_sql(prune, "UPDATE spool_file SET name = ? WHERE id = ?", params, 2);
}

static int files_step(struct prune *prune, void *arg, bool *ret_more)
{
	struct value params[2] = {value_integer(0), value_integer(prune->pseudonymise_us)};
	struct prune_rows rows = {};
	int r = prune_state_get(prune, NAMED, &params[0].integer);

	(void)arg;
	if (r == 0 || r == -ENOENT)
		r = prune_rows_get(prune,
				   "SELECT id, name, loaded_us FROM spool_file WHERE "
				   "loaded_us >= ? AND loaded_us < ? ORDER BY loaded_us LIMIT 9973",
				   params, ARRAY_SIZE(params), &rows);
	for (size_t i = 0; r == 0 && i < rows.count; i++)
		r = rename_file(prune, prune_row(&rows, i));
	/* what came in the microsecond of the last one is looked at again */
	if (r == 0 && rows.count) {
		int64_t last = prune_row(&rows, rows.count - 1)[2].integer;

		*ret_more = last > params[0].integer;
		if (*ret_more)
			r = prune_state_set(prune, NAMED, last);
	}
	prune_rows_done(&rows);
	return r;
}

int prune_files(struct prune *prune)
{
	return prune_steps(prune, files_step, NULL);
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
