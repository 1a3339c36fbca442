/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From what people name to row numbers: users, jobs, hosts, and files through path -> program or
 * path -> object -> object set. Paths are narrowed down by an index where the pattern has a fixed
 * beginning, and matched here.
 */
#include "cli/pattern.h"
#include "cli/run_resolve.h"
#include "cli/run_ways.h"
#include <errno.h>
#include <fnmatch.h>

#define DIGITS_MAX 20

/* Rows of sql with each of from bound in turn. */
static int collect_each(struct store *store, const char *sql, const struct ids *from,
			struct ids *to)
{
	_cleanup_query_ struct query *query = NULL;
	int r = query_new(store, sql, &query);

	for (size_t i = 0; r >= 0 && i < from->count; i++) {
		query_reset(query);
		r = query_bind_int(query, 1, from->items[i]);
		if (r >= 0)
			r = run_resolve_rows(query, to);
	}
	return r;
}

static bool is_number(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits && !text[digits] && digits < DIGITS_MAX;
}

static int resolve_user(struct store *store, const struct run_filter *filter,
			struct run_conditions *conditions, struct run_condition *condition)
{
	_cleanup_query_ struct query *query = NULL;
	int r;

	(void)conditions;
	if (is_number(filter->user)) {
		r = ids_add(&condition->ids[RUN_UID], strtoll(filter->user, NULL, 10));
		if (r < 0)
			return r;
	}
	r = query_new(store, "SELECT id FROM user_name WHERE name = ?", &query);
	if (r >= 0)
		r = query_bind_text(query, 1, bytes_of(filter->user));
	return r < 0 ? r : run_resolve_rows(query, &condition->ids[RUN_USER]);
}

static int resolve_host(struct store *store, const struct run_filter *filter,
			struct run_conditions *conditions, struct run_condition *condition)
{
	_cleanup_query_ struct query *query = NULL;
	int r = query_new(store, "SELECT id, name FROM host", &query);

	(void)conditions;
	while (r >= 0 && (r = query_step(query)) > 0) {
		struct bytes text = query_bytes(query, 1);
		_cleanup_free_ char *name = strndup(text.data, text.len);

		if (!name)
			return -ENOMEM;
		if (!strcmp(filter->host, name) || !fnmatch(filter->host, name, 0))
			r = ids_add(&condition->ids[RUN_HOST], query_int(query, 0));
	}
	return r;
}

static int resolve_running(struct store *store, const struct run_filter *filter,
			   struct run_conditions *conditions, struct run_condition *condition)
{
	(void)store, (void)filter, (void)conditions;
	return ids_add(&condition->ids[RUN_SPAN], RUN_SPAN_OPEN);
}

/* Rows (id, path) of the bound query that the pattern matches. There may be millions. */
static int collect_paths(struct query *query, const struct pattern *pattern, struct ids *ids)
{
	int r = 0;

	query_stream(query);
	while (r >= 0 && (r = query_step(query)) > 0)
		if (pattern_matches(pattern, query_bytes(query, 1)))
			r = ids_add(ids, query_int(query, 0));
	return r;
}

/* Paths that begin with prefix, or whose last part does, matched. */
static int find_prefix(struct store *store, const struct pattern *pattern, struct bytes prefix,
		       bool is_name, struct ids *ids)
{
	_cleanup_query_ struct query *query = NULL;
	_cleanup_free_ char *above = strndup(prefix.data, prefix.len);
	const char *sql = is_name ? "SELECT id, path FROM path WHERE name >= ? AND name < ?"
				  : "SELECT id, path FROM path WHERE path >= ? AND path < ?";
	size_t len = prefix.len;
	int r;

	if (!above)
		return -ENOMEM;
	while (len && (unsigned char)above[len - 1] == 0xff)
		len--;
	if (!len) {
		r = query_new(store, "SELECT id, path FROM path", &query);
	} else {
		above[len - 1]++;
		r = query_new(store, sql, &query);
		if (r >= 0)
			r = query_bind_blob(query, 1, prefix);
		if (r >= 0)
			r = query_bind_blob(query, 2, (struct bytes){above, len});
	}
	return r < 0 ? r : collect_paths(query, pattern, ids);
}

/* The path or name itself, and the same of a deleted file. */
static int find_exact(struct store *store, const struct pattern *pattern, const char *text,
		      bool is_name, struct ids *ids)
{
	_cleanup_free_ char *deleted = NULL;
	const char *texts[] = {text, NULL};
	int r = 0;

	if (asprintf(&deleted, "%s%s", text, PATTERN_DELETED) < 0) {
		deleted = NULL;
		return -ENOMEM;
	}
	texts[1] = deleted;
	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(texts); i++) {
		_cleanup_query_ struct query *query = NULL;

		r = query_new(store,
			      is_name ? "SELECT id, path FROM path WHERE name = ?"
				      : "SELECT id, path FROM path WHERE path = ?",
			      &query);
		if (r >= 0)
			r = query_bind_blob(query, 1, bytes_of(texts[i]));
		if (r >= 0)
			r = collect_paths(query, pattern, ids);
	}
	return r;
}

static int find_paths(struct store *store, const struct pattern *pattern, struct ids *ids)
{
	struct bytes fixed = {pattern->text, strcspn(pattern->text, "*?[\\")};
	int r = 0;

	switch (pattern->kind) {
	case PATTERN_PATH:
		r = find_exact(store, pattern, pattern->text, false, ids);
		if (r >= 0 && pattern->resolved)
			r = find_exact(store, pattern, pattern->resolved, false, ids);
		break;
	case PATTERN_NAME:
		r = pattern->is_library ? find_prefix(store, pattern, fixed, true, ids)
					: find_exact(store, pattern, pattern->text, true, ids);
		break;
	case PATTERN_GLOB:
		r = find_prefix(store, pattern, fixed, !strchr(pattern->text, '/'), ids);
		break;
	}
	ids_sort(ids);
	return r;
}

int run_resolve_programs(struct store *store, const struct ids *paths,
			 struct run_condition *condition)
{
	return collect_each(store, "SELECT id FROM program WHERE path = ?", paths,
			    &condition->ids[RUN_PROGRAM]);
}

static int add_sets_of_objects(struct store *store, struct ids *objects,
			       struct run_condition *condition)
{
	ids_sort(objects);
	return collect_each(store, "SELECT object_set FROM object_set_member WHERE object = ?",
			    objects, &condition->ids[RUN_OBJECT_SET]);
}

int run_resolve_sets(struct store *store, const struct ids *paths, struct run_condition *condition)
{
	_cleanup_ids_ struct ids objects = {0};
	int r = collect_each(store, "SELECT id FROM object WHERE path = ?", paths, &objects);

	return r < 0 ? r : add_sets_of_objects(store, &objects, condition);
}

static int resolve_pattern(struct store *store, const char *text, bool as_program, bool as_library,
			   struct run_condition *condition)
{
	_cleanup_(pattern_done) struct pattern pattern = {0};
	_cleanup_ids_ struct ids paths = {0};
	int r = pattern_init(&pattern, text, as_library && !as_program);

	if (r >= 0)
		r = find_paths(store, &pattern, &paths);
	if (r >= 0 && as_program)
		r = run_resolve_programs(store, &paths, condition);
	if (r >= 0 && as_library)
		r = run_resolve_sets(store, &paths, condition);
	return r;
}

static int resolve_exe(struct store *store, const struct run_filter *filter,
		       struct run_conditions *conditions, struct run_condition *condition)
{
	(void)conditions;
	return resolve_pattern(store, filter->exe, true, false, condition);
}

static int resolve_lib(struct store *store, const struct run_filter *filter,
		       struct run_conditions *conditions, struct run_condition *condition)
{
	(void)conditions;
	return resolve_pattern(store, filter->lib, false, true, condition);
}

static int resolve_file(struct store *store, const struct run_filter *filter,
			struct run_conditions *conditions, struct run_condition *condition)
{
	(void)conditions;
	return resolve_pattern(store, filter->file, true, true, condition);
}

/* Programs and objects with the value in a column of both. */
static int add_marked(struct store *store, const char *programs_sql, const char *objects_sql,
		      struct bytes value, struct run_condition *condition)
{
	_cleanup_query_ struct query *programs = NULL, *found = NULL;
	_cleanup_ids_ struct ids objects = {0};
	int r = query_new(store, programs_sql, &programs);

	if (r >= 0)
		r = query_bind_blob(programs, 1, value);
	if (r >= 0)
		r = run_resolve_rows(programs, &condition->ids[RUN_PROGRAM]);
	if (r >= 0)
		r = query_new(store, objects_sql, &found);
	if (r >= 0)
		r = query_bind_blob(found, 1, value);
	if (r >= 0)
		r = run_resolve_rows(found, &objects);
	return r < 0 ? r : add_sets_of_objects(store, &objects, condition);
}

/* "<> x''" is what the partial indexes are for. */
static int resolve_watermark(struct store *store, const struct run_filter *filter,
			     struct run_conditions *conditions, struct run_condition *condition)
{
	(void)conditions;
	return add_marked(store, "SELECT id FROM program WHERE watermark = ? AND watermark <> x''",
			  "SELECT id FROM object WHERE watermark = ? AND watermark <> x''",
			  filter->watermark, condition);
}

static int resolve_build_id(struct store *store, const struct run_filter *filter,
			    struct run_conditions *conditions, struct run_condition *condition)
{
	(void)conditions;
	return add_marked(store, "SELECT id FROM program WHERE build_id = ? AND build_id <> x''",
			  "SELECT id FROM object WHERE build_id = ? AND build_id <> x''",
			  filter->build_id, condition);
}

void run_conditions_done(struct run_conditions *conditions)
{
	for (size_t i = 0; i < conditions->count; i++)
		for (size_t column = 0; column < RUN_COLUMNS; column++)
			ids_done(&conditions->items[i].ids[column]);
	*conditions = (struct run_conditions){0};
}

int run_resolve(struct store *store, const struct run_filter *filter, struct run_conditions *ret)
{
	const struct {
		bool is_given;
		int (*resolve)(struct store *store, const struct run_filter *filter,
			       struct run_conditions *conditions, struct run_condition *condition);
	} resolvers[RUN_CONDITIONS_MAX] = {
		{filter->user, resolve_user},
		{filter->job, run_resolve_job},
		{filter->sluid, run_resolve_sluid},
		{filter->container, run_resolve_container},
		{filter->host, resolve_host},
		{filter->exe, resolve_exe},
		{filter->lib, resolve_lib},
		{filter->file, resolve_file},
		{filter->software, run_resolve_software},
		{filter->module, run_resolve_module},
		{filter->watermark.len, resolve_watermark},
		{filter->build_id.len, resolve_build_id},
		{filter->running, resolve_running},
	};
	struct run_conditions conditions = {0};
	int r = 0;

	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(resolvers); i++) {
		struct run_condition *condition = &conditions.items[conditions.count];
		size_t found = 0;

		if (!resolvers[i].is_given)
			continue;
		conditions.count++;
		r = resolvers[i].resolve(store, filter, &conditions, condition);
		for (size_t column = 0; r >= 0 && column < RUN_COLUMNS; column++) {
			ids_sort(&condition->ids[column]);
			found += condition->ids[column].count;
		}
		if (r >= 0 && !found)
			r = -ENOENT;
	}
	if (r < 0) {
		run_conditions_done(&conditions);
		return r;
	}
	*ret = conditions;
	return 0;
}
