/* SPDX-License-Identifier: BSD-2-Clause */
/* Sets out of the database, and the few that are kept as text: see record_sets.h. */
#include "cli/record_sets.h"
#include "cli/record_fields.h"
#include "common/record.h"
#include "common/text.h"
#include <errno.h>

#define KEPT_MAX                                                                                   \
	257 /* of each kind; a new one takes the place of the one with the same remainder */

/* A set as the members that it gives a run: texts of JSON, NULL: not there. */
struct kept {
	int64_t id; /* 0: free */
	char *text, *exact;
};

struct record_sets {
	struct query *object_set, *objects, *env_set, *env;
	struct kept kept_objects[KEPT_MAX], kept_env[KEPT_MAX];
};

int record_sets_new(struct store *store, struct record_sets **ret)
{
	struct record_sets *sets = calloc(1, sizeof(*sets));
	_cleanup_free_ char *sql = record_fields_select(
		&object_fields, "object_set_member m JOIN object o ON o.id = m.object "
				"JOIN path p ON p.id = o.path "
				"WHERE m.object_set = ? ORDER BY m.position");
	int r = sets && sql ? 0 : -ENOMEM;

	if (r >= 0)
		r = query_new(store, sql, &sets->objects);
	if (r >= 0)
		r = query_new(store, "SELECT members FROM object_set WHERE id = ?",
			      &sets->object_set);
	if (r >= 0)
		r = query_new(store, "SELECT members FROM env_set WHERE id = ?", &sets->env_set);
	if (r >= 0)
		r = query_new(
			store,
			"SELECT n.name, m.value FROM env_set_member m "
			"JOIN env_name n ON n.id = m.name WHERE m.env_set = ? ORDER BY n.name",
			&sets->env);
	if (r < 0) {
		record_sets_free(sets);
		return r;
	}
	*ret = sets;
	return 0;
}

static void kept_done(struct kept *kept)
{
	free(kept->text);
	free(kept->exact);
	*kept = (struct kept){0};
}

void record_sets_free(struct record_sets *sets)
{
	if (!sets)
		return;
	query_free(sets->object_set);
	query_free(sets->objects);
	query_free(sets->env_set);
	query_free(sets->env);
	for (size_t i = 0; i < KEPT_MAX; i++) {
		kept_done(&sets->kept_objects[i]);
		kept_done(&sets->kept_env[i]);
	}
	free(sets);
}

/* Is the set there (its members known)? 1, 0 or negative errno. */
static int has_members(struct query *query, int64_t set)
{
	int r;

	query_reset(query);
	r = query_bind_int(query, 1, set);
	if (r >= 0)
		r = query_step(query);
	if (r > 0)
		r = !query_is_null(query, 0);
	query_reset(query);
	return r;
}

static int add_objects(struct record_sets *sets, int64_t set, cJSON *run)
{
	struct query *query = sets->objects;
	int r = set < 0 ? 0 : has_members(sets->object_set, set);
	cJSON *list;

	if (r < 0)
		return r;
	if (!r)
		return record_add_null(run, "objects") ? 0 : -ENOMEM;
	list = cJSON_AddArrayToObject(run, "objects");
	if (!list)
		return -ENOMEM;
	r = query_bind_int(query, 1, set);
	if (r >= 0)
		r = record_fields_add_rows(&object_fields, query, list);
	query_reset(query);
	return r;
}

static int add_variable(struct query *query, cJSON *run, cJSON *env)
{
	struct bytes name = query_bytes(query, 0), value = query_bytes(query, 1);
	_cleanup_free_ char *key = text_to_utf8(name), *text = text_to_utf8(value), *base64 = NULL;
	cJSON *exact;

	if (!key || !text || !cJSON_AddStringToObject(env, key, text))
		return -ENOMEM;
	if (text_is_utf8(value))
		return 0;
	exact = cJSON_GetObjectItemCaseSensitive(run, "env_b64");
	if (!exact)
		exact = cJSON_AddObjectToObject(run, "env_b64");
	base64 = text_to_base64(value);
	return exact && base64 && cJSON_AddStringToObject(exact, key, base64) ? 0 : -ENOMEM;
}

static int add_env(struct record_sets *sets, int64_t set, cJSON *run)
{
	struct query *query = sets->env;
	int r = set < 0 ? 0 : has_members(sets->env_set, set);
	cJSON *env;

	if (r < 0)
		return r;
	if (!r)
		return record_add_null(run, "env") ? 0 : -ENOMEM;
	env = cJSON_AddObjectToObject(run, "env");
	if (!env)
		return -ENOMEM;
	r = query_bind_int(query, 1, set);
	while (r >= 0 && (r = query_step(query)) > 0)
		r = add_variable(query, run, env);
	query_reset(query);
	return r;
}

/* The members of a tree as texts. */
static int keep(const cJSON *tree, const char *name, const char *exact_name, int64_t id,
		struct kept *kept)
{
	const cJSON *exact = cJSON_GetObjectItemCaseSensitive(tree, exact_name);

	kept_done(kept);
	kept->text = cJSON_PrintUnformatted(cJSON_GetObjectItemCaseSensitive(tree, name));
	if (exact)
		kept->exact = cJSON_PrintUnformatted(exact);
	if (!kept->text || (exact && !kept->exact)) {
		kept_done(kept);
		return -ENOMEM;
	}
	kept->id = id;
	return 0;
}

static int add_text(struct record_sets *sets, int64_t id, bool is_env, cJSON *run)
{
	const char *name = is_env ? "env" : "objects";
	struct kept *kept = (is_env ? sets->kept_env : sets->kept_objects) + id % KEPT_MAX;

	if (kept->id != id) {
		_cleanup_json_ cJSON *tree = cJSON_CreateObject();
		int r;

		if (!tree)
			return -ENOMEM;
		r = is_env ? add_env(sets, id, tree) : add_objects(sets, id, tree);
		if (r >= 0)
			r = keep(tree, name, "env_b64", id, kept);
		if (r < 0)
			return r;
	}
	if (!cJSON_AddRawToObject(run, name, kept->text) ||
	    (kept->exact && !cJSON_AddRawToObject(run, "env_b64", kept->exact)))
		return -ENOMEM;
	return 0;
}

int record_sets_add(struct record_sets *sets, int64_t objects, int64_t env,
		    enum record_sets_form form, cJSON *run)
{
	bool is_text = form == RECORD_SETS_TEXT;
	int r = is_text && objects > 0 ? add_text(sets, objects, false, run)
				       : add_objects(sets, objects, run);

	if (r < 0)
		return r;
	return is_text && env > 0 ? add_text(sets, env, true, run) : add_env(sets, env, run);
}
