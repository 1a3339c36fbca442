/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records out of the database: a row of a view gives most of a record, sets and inputs are rows of
 * their own. What is which member is told by the tables in record_fields.c.
 */
#include "cli/records.h"
#include "cli/record_fields.h"
#include "common/record.h"
#include <errno.h>

enum statement { RUN, LINKS, LINKS_OF_PATH, LINK_INPUTS, STATEMENTS };

static const struct {
	const struct field_list *fields;
	const char *from;
} statements[STATEMENTS] = {
	[RUN] = {&run_fields, "run_view WHERE run_id = ?"},
	[LINKS] = {&link_fields,
		   "link_view WHERE watermark = ? OR build_id = ? ORDER BY time_us, link_id"},
	[LINKS_OF_PATH] = {&link_fields, "link_view WHERE output = ? ORDER BY time_us, link_id"},
	[LINK_INPUTS] = {&input_fields,
			 "link l JOIN input_set_member m ON m.input_set = l.input_set "
			 "JOIN object o ON o.id = m.object JOIN path p ON p.id = o.path "
			 "WHERE l.link_id = ? ORDER BY m.position"},
};

struct records {
	struct record_sets *sets;
	struct query *queries[STATEMENTS];
};

int records_new(struct store *store, struct records **ret)
{
	_cleanup_records_ struct records *records = calloc(1, sizeof(*records));
	int r;

	if (!records)
		return -ENOMEM;
	r = record_sets_new(store, &records->sets);
	for (size_t i = 0; r >= 0 && i < STATEMENTS; i++) {
		_cleanup_free_ char *sql =
			record_fields_select(statements[i].fields, statements[i].from);

		r = sql ? query_new(store, sql, &records->queries[i]) : -ENOMEM;
	}
	if (r < 0)
		return r;
	*ret = TAKE_PTR(records);
	return 0;
}

void records_free(struct records *records)
{
	if (!records)
		return;
	for (size_t i = 0; i < STATEMENTS; i++)
		query_free(records->queries[i]);
	record_sets_free(records->sets);
	free(records);
}

int records_get_run(struct records *records, const uint8_t run_id[16], enum record_sets_form form,
		    cJSON **ret)
{
	_cleanup_json_ cJSON *run = cJSON_CreateObject();
	struct query *query = records->queries[RUN];
	int64_t objects = -1, env = -1;
	int r = query_bind_blob(query, 1, (struct bytes){(const char *)run_id, 16});

	if (!run)
		return -ENOMEM;
	if (r >= 0)
		r = query_step(query);
	if (r > 0) {
		bool is_complete = query_int(query, RUN_FIELD_STATE) != 0;

		if (!query_is_null(query, RUN_FIELD_OBJECT_SET))
			objects = query_int(query, RUN_FIELD_OBJECT_SET);
		if (!query_is_null(query, RUN_FIELD_ENV_SET))
			env = query_int(query, RUN_FIELD_ENV_SET);
		r = cJSON_AddStringToObject(run, "schema",
					    is_complete ? RECORD_SCHEMA("run")
							: RECORD_SCHEMA("start"))
			    ? record_fields_add(&run_fields, query, run)
			    : -ENOMEM;
	} else if (r == 0) {
		r = -ENOENT;
	}
	query_reset(query);
	if (r >= 0 && form != RECORD_SETS_NONE)
		r = record_sets_add(records->sets, objects, env, form, run);
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
		r = record_fields_add_rows(&input_fields, query, list);
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
