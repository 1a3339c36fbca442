/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Software and modules as people name them, see runmark-names(5). What is typed as it is written is
 * found by an index; where there is nothing of that name, or it is a glob, all names are looked
 * through, and upper and lower case are alike.
 */
#include "cli/run_resolve.h"
#include <errno.h>
#include <fnmatch.h>
#include <strings.h>

/* Behind every text that has no such character, in the order of code points. */
#define LAST_CHARACTER "\U0010ffff"

struct wanted {
	const char *text;
	bool is_module, is_glob, is_folded; /* upper and lower case are alike */
	const char *near_sql, *all_sql;	    /* -> id of a path, its name */
};

/* Whether name is what was asked for; of a module also without its version, or what it needs. */
static bool fits(const struct wanted *wanted, const char *name)
{
	size_t len = strlen(wanted->text);

	if (wanted->is_glob && !fnmatch(wanted->text, name, FNM_CASEFOLD))
		return true;
	if (wanted->is_folded ? strncasecmp(name, wanted->text, len)
			      : strncmp(name, wanted->text, len))
		return false;
	return !name[len] || (wanted->is_module && strchr("/(", name[len]));
}

static int collect(struct query *query, const struct wanted *wanted, struct ids *ids)
{
	int r = 0;

	query_stream(query);
	while (r >= 0 && (r = query_step(query)) > 0) {
		struct bytes text = query_bytes(query, 1);
		_cleanup_free_ char *name = strndup(text.data, text.len);

		if (!name)
			return -ENOMEM;
		if (fits(wanted, name))
			r = ids_add(ids, query_int(query, 0));
	}
	return r;
}

static int find_near(struct store *store, const struct wanted *wanted, struct ids *ids)
{
	_cleanup_query_ struct query *query = NULL;
	_cleanup_free_ char *last = NULL;
	int r = query_new(store, wanted->near_sql, &query);

	if (asprintf(&last, "%s" LAST_CHARACTER, wanted->text) < 0) {
		last = NULL;
		return -ENOMEM;
	}
	if (r >= 0)
		r = query_bind_text(query, 1, bytes_of(wanted->text));
	if (r >= 0)
		r = query_bind_text(query, 2, bytes_of(last));
	return r < 0 ? r : collect(query, wanted, ids);
}

static int find_paths(struct store *store, struct wanted *wanted, struct ids *ids)
{
	_cleanup_query_ struct query *query = NULL;
	int r = 0;

	wanted->is_glob = strpbrk(wanted->text, "*?[");
	if (!wanted->is_glob)
		r = find_near(store, wanted, ids);
	if (r < 0 || ids->count) {
		ids_sort(ids);
		return r;
	}
	wanted->is_folded = true;
	r = query_new(store, wanted->all_sql, &query);
	if (r >= 0)
		r = collect(query, wanted, ids);
	ids_sort(ids);
	return r;
}

int run_resolve_software(struct store *store, const struct run_filter *filter,
			 struct run_conditions *conditions, struct run_condition *condition)
{
	struct wanted wanted = {
		.text = filter->software,
		.near_sql = "SELECT id, software FROM path WHERE software >= ? AND software <= ?",
		.all_sql = "SELECT id, software FROM path WHERE software IS NOT NULL",
	};
	_cleanup_ids_ struct ids paths = {0};
	int r = find_paths(store, &wanted, &paths);

	(void)conditions;
	return r < 0 ? r : run_resolve_programs(store, &paths, condition);
}

int run_resolve_module(struct store *store, const struct run_filter *filter,
		       struct run_conditions *conditions, struct run_condition *condition)
{
	struct wanted wanted = {
		.text = filter->module,
		.is_module = true,
		.near_sql = "SELECT id, module FROM path WHERE module >= ? AND module <= ?",
		.all_sql = "SELECT id, module FROM path WHERE module IS NOT NULL",
	};
	_cleanup_ids_ struct ids paths = {0};
	int r = find_paths(store, &wanted, &paths);

	(void)conditions;
	if (r >= 0)
		r = run_resolve_programs(store, &paths, condition);
	return r < 0 ? r : run_resolve_sets(store, &paths, condition);
}
