/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records out of the database: a row of a view gives most of a record, sets and inputs are rows of
 * their own. What is which member is told by the tables in record_fields.c.
 */
#include "cli/records.h"
#include "cli/record_fields.h"
#include "common/record.h"
#include "common/text.h"
#include <errno.h>

enum statement {
	RUN,
	RUN_STATE,
	OBJECT_SET,
	OBJECTS,
	ENV_SET,
	ENV,
	LINKS,
	LINKS_OF_PATH,
	LINK_INPUTS,
	STATEMENTS
};

/* With fields: their columns from text; else text is the whole statement. */
static const struct {
	const struct field_list *fields;
	const char *text;
} statements[STATEMENTS] = {
	[RUN] = {&run_fields, "run_view WHERE run_id = ?"},
	[RUN_STATE] = {NULL, "SELECT state, object_set, env_set FROM run WHERE run_id = ?"},
	[OBJECT_SET] = {NULL, "SELECT members FROM object_set WHERE id = ?"},
	[OBJECTS] = {&object_fields, "object_set_member m JOIN object o ON o.id = m.object JOIN "
				     "path p ON p.id = o.path "
				     "WHERE m.object_set = ? ORDER BY m.position"},
	[ENV_SET] = {NULL, "SELECT members FROM env_set WHERE id = ?"},
	[ENV] = {NULL,
		 "SELECT n.name, m.value FROM env_set_member m JOIN env_name n ON n.id = m.name "
		 "WHERE m.env_set = ? ORDER BY n.name"},
	[LINKS] = {&link_fields,
		   "link_view WHERE watermark = ? OR build_id = ? ORDER BY time_us, link_id"},
	[LINKS_OF_PATH] = {&link_fields, "link_view WHERE output = ? ORDER BY time_us, link_id"},
	[LINK_INPUTS] = {&input_fields,
			 "link l JOIN input_set_member m ON m.input_set = l.input_set "
			 "JOIN object o ON o.id = m.object JOIN path p ON p.id = o.path "
			 "WHERE l.link_id = ? ORDER BY m.position"},
};

struct records {
	struct query *queries[STATEMENTS];
};

int records_new(struct store *store, struct records **ret)
{
	_cleanup_records_ struct records *records = calloc(1, sizeof(*records));

	if (!records)
		return -ENOMEM;
	for (size_t i = 0; i < STATEMENTS; i++) {
		_cleanup_free_ char *made = NULL;
		int r;

		if (statements[i].fields) {
			made = record_fields_select(statements[i].fields, statements[i].text);
			if (!made)
				return -ENOMEM;
		}
		r = query_new(store, made ? made : statements[i].text, &records->queries[i]);
		if (r < 0)
			return r;
	}
	*ret = TAKE_PTR(records);
	return 0;
}

void records_free(struct records *records)
{
	if (!records)
		return;
	for (size_t i = 0; i < STATEMENTS; i++)
		query_free(records->queries[i]);
	free(records);
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

/* All rows of the bound query as objects behind each other in list. */
static int add_rows(struct query *query, const struct field_list *fields, cJSON *list)
{
	int r;

	while ((r = query_step(query)) > 0) {
		cJSON *item = cJSON_CreateObject();

		if (!item || !cJSON_AddItemToArray(list, item)) {
			cJSON_Delete(item);
			return -ENOMEM;
		}
		r = record_fields_add(fields, query, item);
		if (r < 0)
			return r;
	}
	return r;
}

static int add_objects(struct records *records, int64_t set, cJSON *run)
{
	struct query *query = records->queries[OBJECTS];
	int r = set < 0 ? 0 : has_members(records->queries[OBJECT_SET], set);
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
		r = add_rows(query, &object_fields, list);
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

static int add_env(struct records *records, int64_t set, cJSON *run)
{
	struct query *query = records->queries[ENV];
	int r = set < 0 ? 0 : has_members(records->queries[ENV_SET], set);
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

/* What isn't a field: which kind of record it is, and the row numbers of its sets (-1: none). */
static int get_state(struct records *records, const uint8_t run_id[16], bool *ret_complete,
		     int64_t *ret_objects, int64_t *ret_env)
{
	struct query *query = records->queries[RUN_STATE];
	int r = query_bind_blob(query, 1, (struct bytes){(const char *)run_id, 16});

	if (r >= 0)
		r = query_step(query);
	if (r > 0) {
		*ret_complete = query_int(query, 0) != 0;
		*ret_objects = query_is_null(query, 1) ? -1 : query_int(query, 1);
		*ret_env = query_is_null(query, 2) ? -1 : query_int(query, 2);
	}
	query_reset(query);
	return r < 0 ? r : r ? 0 : -ENOENT;
}

int records_get_run(struct records *records, const uint8_t run_id[16], bool with_sets, cJSON **ret)
{
	_cleanup_json_ cJSON *run = cJSON_CreateObject();
	struct query *query = records->queries[RUN];
	int64_t objects = -1, env = -1;
	bool complete = false;
	int r;

	if (!run)
		return -ENOMEM;
	r = get_state(records, run_id, &complete, &objects, &env);
	if (r < 0)
		return r;
	if (!cJSON_AddStringToObject(run, "schema",
				     complete ? RECORD_SCHEMA("run") : RECORD_SCHEMA("start")))
		return -ENOMEM;
	r = query_bind_blob(query, 1, (struct bytes){(const char *)run_id, 16});
	if (r >= 0)
		r = query_step(query);
	if (r > 0)
		r = record_fields_add(&run_fields, query, run);
	else if (r == 0)
		r = -EBADMSG; /* its host, boot or program isn't there */
	query_reset(query);
	if (r >= 0 && with_sets)
		r = add_objects(records, objects, run);
	if (r >= 0 && with_sets)
		r = add_env(records, env, run);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(run);
	return 0;
}

static int add_inputs(struct records *records, cJSON *link)
{
	struct query *query = records->queries[LINK_INPUTS];
	cJSON *list = cJSON_AddArrayToObject(link, "inputs");
	uint8_t link_id[16];
	int r = record_get_uuid(link, "link_id", link_id);

	if (!list)
		return -ENOMEM;
	if (r >= 0)
		r = query_bind_blob(query, 1, (struct bytes){(const char *)link_id, 16});
	if (r >= 0)
		r = add_rows(query, &input_fields, list);
	query_reset(query);
	return r;
}

static int add_link(struct records *records, struct query *query, cJSON *list)
{
	cJSON *link = cJSON_CreateObject();
	int r;

	if (!link || !cJSON_AddItemToArray(list, link)) {
		cJSON_Delete(link);
		return -ENOMEM;
	}
	if (!cJSON_AddStringToObject(link, "schema", RECORD_SCHEMA("link")))
		return -ENOMEM;
	r = record_fields_add(&link_fields, query, link);
	return r < 0 ? r : add_inputs(records, link);
}

/* Of the bound query. */
static int get_links(struct records *records, struct query *query, uint64_t limit, cJSON *list,
		     uint64_t *ret_total)
{
	uint64_t total = 0;
	int r = 0;

	while (r >= 0 && (r = query_step(query)) > 0)
		if (total++ < limit)
			r = add_link(records, query, list);
	query_reset(query);
	if (r < 0)
		return r;
	*ret_total = total;
	return 0;
}

int records_get_links(struct records *records, struct bytes watermark, struct bytes build_id,
		      uint64_t limit, cJSON *list, uint64_t *ret_total)
{
	struct query *query = records->queries[LINKS];
	int r = 0;

	/* Unbound parameters are null, and equal nothing. */
	if (watermark.len)
		r = query_bind_blob(query, 1, watermark);
	if (r >= 0 && build_id.len)
		r = query_bind_blob(query, 2, build_id);
	return r < 0 ? r : get_links(records, query, limit, list, ret_total);
}

int records_get_links_of_path(struct records *records, const char *path, uint64_t limit,
			      cJSON *list, uint64_t *ret_total)
{
	struct query *query = records->queries[LINKS_OF_PATH];
	int r = query_bind_blob(query, 1, bytes_of(path));

	return r < 0 ? r : get_links(records, query, limit, list, ret_total);
}
