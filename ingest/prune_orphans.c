/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows of dictionaries and sets that nobody refers to any more. Two ways lead here: pruned rows
 * leave what they referred to in prune_orphan; and rows that have come since the last time are
 * gone over once, since a file that came twice makes names for records that were there already.
 * A row that is referred to stays, and comes again when who refers to it is pruned.
 *
 * A loader remembers ids, and may be about to refer to a row: see generation() in backend.h. Sets
 * go before what they are made of, so that one pass gets all.
 */
#include "ingest/prune.h"

#include <errno.h>

#define ROWS_MADE_OF 197 /* of one step: of what is made of others, of sets with many members */
#define REFERS_MAX   6

struct refer {
	const char *table, *column;
};

/* What a row refers to, to be looked at when it has gone: a SELECT by its id. */
struct made_of {
	const char *select, *kind;
};

struct orphan_kind {
	const char *table;
	struct refer refers[REFERS_MAX];
	struct made_of made_of;
	const char *members; /* table of members, whose column is called as the set */
};

static const struct orphan_kind kinds[] = {
	{"env_set", {{"run", "env_set"}, {"run_group", "env_set"}}, {}, "env_set_member"},
	{"object_set",
	 {{"run", "object_set"}, {"run_group", "object_set"}},
	 {"SELECT DISTINCT object FROM object_set_member WHERE object_set = ?", "object"},
	 "object_set_member"},
	{"input_set",
	 {{"link", "input_set"}},
	 {"SELECT DISTINCT object FROM input_set_member WHERE input_set = ?", "object"},
	 "input_set_member"},
	{"program",
	 {{"run", "program"}, {"run_group", "program"}},
	 {"SELECT path FROM program WHERE id = ?", "path"},
	 NULL},
	{"object",
	 {{"object_set_member", "object"}, {"input_set_member", "object"}},
	 {"SELECT path FROM object WHERE id = ?", "path"},
	 NULL},
	{"path",
	 {{"program", "path"},
	  {"object", "path"},
	  {"link", "output"},
	  {"link", "linker"},
	  {"link", "driver"},
	  {"package", "path"}},
	 {},
	 NULL},
	{"cgroup", {{"run", "cgroup"}, {"run_group", "cgroup"}, {"link", "cgroup"}}, {}, NULL},
	{"container", {{"run", "container"}, {"run_group", "container"}}, {}, NULL},
	{"job", {{"run", "job"}, {"run_group", "job"}, {"link", "job"}}, {}, NULL},
	{"user_name", {{"run", "user"}, {"run_group", "user"}, {"link", "user"}}, {}, NULL},
};

struct sweep {
	const struct orphan_kind *kind;
	char *refers;	 /* SQL: a row if there is one that refers */
	size_t count;	 /* of its parameters */
	char *remove[3]; /* SQL by id */
	size_t rows;	 /* of a step */
	bool is_new;	 /* goes over new rows, not over prune_orphan */
};

int prune_orphan(struct prune *prune, const char *kind, int64_t id)
{
	const struct value row[] = {value_text(bytes_of(kind)), value_integer(id)};

	return prune->db->ops->insert(prune->db, &mapping_prune_orphan, INSERT_KEEP, row, NULL,
				      NULL);
}

static char *make_refers(const struct orphan_kind *kind, size_t *ret_count)
{
	char *text = NULL;
	size_t len, i;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	fputs("SELECT CASE WHEN ", out);
	for (i = 0; i < REFERS_MAX && kind->refers[i].table; i++)
		fprintf(out, "%sEXISTS (SELECT 1 FROM %s WHERE %s = ?)", i ? " OR " : "",
			kind->refers[i].table, kind->refers[i].column);
	*ret_count = i;
	/* accounting has the name itself */
	if (!strcmp(kind->table, "user_name")) {
		fputs(" OR EXISTS (SELECT 1 FROM user_name u JOIN accounting a ON a.user = u.name "
		      "WHERE u.id = ?)",
		      out);
		++*ret_count;
	}
	fputs(" THEN 1 ELSE 0 END", out);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

static void sweep_done(struct sweep *sweep)
{
	free(sweep->refers);
	for (size_t i = 0; i < ARRAY_SIZE(sweep->remove); i++)
		free(sweep->remove[i]);
}

static int sweep_init(struct sweep *sweep, const struct orphan_kind *kind)
{
	bool is_user = !strcmp(kind->table, "user_name");
	int r = 0;

	*sweep = (struct sweep){.kind = kind};
	sweep->rows = kind->members && kind->made_of.select ? ROWS_MADE_OF : PRUNE_ROWS;
	sweep->refers = make_refers(kind, &sweep->count);
	if (!sweep->refers)
		r = -ENOMEM;
	if (asprintf(&sweep->remove[0], "DELETE FROM %s WHERE id = ?", kind->table) < 0)
		r = -ENOMEM;
	if (kind->members && asprintf(&sweep->remove[1], "DELETE FROM %s WHERE %s = ?",
				      kind->members, kind->table) < 0)
		r = -ENOMEM;
	if (is_user) {
		sweep->remove[1] = strdup("DELETE FROM pseudonym WHERE alias = ?");
		sweep->remove[2] = strdup("DELETE FROM pseudonym WHERE user = ?");
		if (!sweep->remove[1] || !sweep->remove[2])
			r = -ENOMEM;
	}
	if (r < 0)
		sweep_done(sweep);
	return r;
}

/* What the row was made of may be an orphan, too. */
static int add_parts(struct prune *prune, const struct made_of *made_of, const struct value *id)
{
	struct prune_rows rows = {};
	int r;

	if (!made_of->select)
		return 0;
	r = prune_rows_get(prune, made_of->select, id, 1, &rows);
	for (size_t i = 0; r == 0 && i < rows.count; i++)
		r = prune_orphan(prune, made_of->kind, prune_row(&rows, i)->integer);
	prune_rows_done(&rows);
	return r;
}

static int remove_row(struct prune *prune, struct sweep *sweep, const struct value *id)
{
	struct value params[REFERS_MAX + 1];
	int64_t is_referred = 0;
	int r;

	for (size_t i = 0; i < sweep->count; i++)
		params[i] = *id;
	r = prune_number(prune, sweep->refers, params, sweep->count, &is_referred);
	if (r < 0 || is_referred)
		return r;
	r = add_parts(prune, &sweep->kind->made_of, id);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(sweep->remove) && sweep->remove[i]; i++)
		r = prune_sql(prune, sweep->remove[i], id, 1);
	if (r == 0)
		prune_count(prune, "orphans", sweep->kind->table, 1);
	return r;
}

/* The candidates, or the new rows behind those that were looked at. */
static int find_rows(struct prune *prune, const struct sweep *sweep, const char *state,
		     struct prune_rows *ret)
{
	const struct value kind = value_text(bytes_of(sweep->kind->table));
	struct value from;
	int64_t swept = 0;
	char sql[256];
	int r;

	if (!sweep->is_new) {
		snprintf(sql, sizeof(sql),
			 "SELECT id FROM prune_orphan WHERE kind = ? ORDER BY id LIMIT %zu",
			 sweep->rows);
		return prune_rows_get(prune, sql, &kind, 1, ret);
	}
	r = prune_state_get(prune, state, &swept);
	if (r < 0 && r != -ENOENT)
		return r;
	from = value_integer(swept);
	snprintf(sql, sizeof(sql), "SELECT id FROM %s WHERE id > ? ORDER BY id LIMIT %zu",
		 sweep->kind->table, sweep->rows);
	return prune_rows_get(prune, sql, &from, 1, ret);
}

/*
 * Up to where the table is known: never above its last row, since SQLite gives the number of the
 * last row again when that is gone.
 */
static int note_swept(struct prune *prune, const struct sweep *sweep, const char *state,
		      const struct prune_rows *rows)
{
	int64_t swept = 0, last = 0, upto;
	char sql[128];
	int r = prune_state_get(prune, state, &swept);

	if (r < 0 && r != -ENOENT)
		return r;
	snprintf(sql, sizeof(sql), "SELECT max(id) FROM %s", sweep->kind->table);
	r = prune_number(prune, sql, NULL, 0, &last);
	if (r < 0 && r != -ENOENT)
		return r;
	upto = sweep->is_new && rows->count ? prune_row(rows, rows->count - 1)->integer : swept;
	upto = MIN(upto, last);
	return upto == swept ? 0 : prune_state_set(prune, state, upto);
}

static int sweep_step(struct prune *prune, void *arg, bool *ret_more)
{
	struct sweep *sweep = arg;
	struct prune_rows rows = {};
	struct value key[2] = {value_text(bytes_of(sweep->kind->table))};
	char state[64];
	int r;

	/* First, for it is what locks: no loader is in a transaction from here on. */
	r = prune_sql(prune, "UPDATE prune_state SET value = value + 1 WHERE name = 'generation'",
		      NULL, 0);
	snprintf(state, sizeof(state), "swept %s", sweep->kind->table);
	if (r == 0)
		r = find_rows(prune, sweep, state, &rows);
	for (size_t i = 0; r == 0 && i < rows.count; i++) {
		key[1] = *prune_row(&rows, i);
		r = remove_row(prune, sweep, &key[1]);
		if (r == 0 && !sweep->is_new)
			r = prune_sql(prune, "DELETE FROM prune_orphan WHERE kind = ? AND id = ?",
				      key, 2);
	}
	if (r == 0)
		r = note_swept(prune, sweep, state, &rows);
	*ret_more = rows.count == sweep->rows;
	prune_rows_done(&rows);
	return r;
}

/* Whether there is anything to do, before loaders are kept out. */
static int has_rows(struct prune *prune, const struct sweep *sweep, bool *ret)
{
	struct prune_rows rows = {};
	char state[64];
	int r;

	snprintf(state, sizeof(state), "swept %s", sweep->kind->table);
	r = find_rows(prune, sweep, state, &rows);
	*ret = rows.count;
	prune_rows_done(&rows);
	return r;
}

int prune_orphans(struct prune *prune)
{
	int r = 0;

	/* twins that were remembered may go */
	cache_clear(prune->twins);
	for (size_t i = 0; r == 0 && i < 2 * ARRAY_SIZE(kinds); i++) {
		struct sweep sweep;
		bool has;

		r = sweep_init(&sweep, &kinds[i / 2]);
		if (r < 0)
			return r;
		sweep.is_new = i % 2;
		r = has_rows(prune, &sweep, &has);
		if (r == 0 && has)
			r = prune_steps(prune, sweep_step, &sweep);
		sweep_done(&sweep);
	}
	return r;
}
