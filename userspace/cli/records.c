/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records out of the database: a row of a view gives most of a record, sets and inputs are rows of
 * their own. What is which member is told by the tables in record_fields.c.
 */
#include "cli/records.h"
#include "cli/boots.h"
#include "cli/record_fields.h"
#include "common/record.h"
#include <errno.h>

enum statement { RUN, GROUP, RUNS, GROUPS, LINKS, LINKS_OF_PATH, LINK_INPUTS, STATEMENTS };

static const struct {
	const struct field_list *fields;
	const char *from;
} statements[STATEMENTS] = {
	[RUN] = {&run_fields, "run_view WHERE run_id = ?"},
	[GROUP] = {&group_fields, "run_group_view WHERE group_id = ?"},
	[RUNS] = {&run_fields, "run_view WHERE run_id IN (" QUERY_MANY_MARKS ")"},
	[GROUPS] = {&group_fields, "run_group_view WHERE group_id IN (" QUERY_MANY_MARKS ")"},
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
	struct boots *boots;
	struct query *queries[STATEMENTS], *where_open; /* of an open run: host, boot, start */
};

int records_new(struct store *store, struct records **ret)
{
	_cleanup_records_ struct records *records = calloc(1, sizeof(*records));
	int r;

	if (!records)
		return -ENOMEM;
	r = record_sets_new(store, &records->sets);
	if (r >= 0)
		r = boots_new(store, &records->boots);
	if (r >= 0)
		r = query_new(store, "SELECT host, boot, start_us FROM run WHERE run_id = ?",
			      &records->where_open);
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
	query_free(records->where_open);
	boots_free(records->boots);
	record_sets_free(records->sets);
	free(records);
}

/* What became of a run of which only the start is known. */
static int add_fate(struct records *records, const uint8_t run_id[16], cJSON *run)
{
	struct query *query = records->where_open;
	struct boot_fate fate = {0};
	int r = query_bind_blob(query, 1, (struct bytes){(const char *)run_id, 16});

	if (r >= 0)
		r = query_step(query);
	if (r > 0)
		r = boots_ask(records->boots, query_int(query, 0), query_int(query, 1),
			      query_int(query, 2), &fate);
	query_reset(query);
	if (r < 0)
		return r;
	if (!cJSON_AddStringToObject(run, "state", fate.is_lost ? "node lost" : "running") ||
	    (fate.seen_us && !record_add_time(run, "seen_until", (uint64_t)fate.seen_us * 1000)) ||
	    (fate.is_lost &&
	     !record_add_time(run, "ended_before", (uint64_t)fate.before_us * 1000)))
		return -ENOMEM;
	return 0;
}

static int64_t id_or_none(struct query *query, int column)
{
	return query_is_null(query, column) ? -1 : query_int(query, column);
}

/* Of a row of a run or group. */
static int make(struct records *records, struct query *row, const struct run_key *key,
		enum record_sets_form form, cJSON **ret)
{
	_cleanup_json_ cJSON *record = cJSON_CreateObject();
	bool is_open = !key->is_group && query_int(row, RUN_FIELD_STATE) == 0;
	int64_t objects = id_or_none(row, key->is_group ? (int)GROUP_FIELD_OBJECT_SET
							: (int)RUN_FIELD_OBJECT_SET);
	int64_t env =
		id_or_none(row, key->is_group ? (int)GROUP_FIELD_ENV_SET : (int)RUN_FIELD_ENV_SET);
	int r;

	if (!record || !cJSON_AddStringToObject(record, "schema",
						key->is_group ? RECORD_SCHEMA("group")
						: is_open     ? RECORD_SCHEMA("start")
							      : RECORD_SCHEMA("run")))
		return -ENOMEM;
	r = record_fields_add(key->is_group ? &group_fields : &run_fields, row, record);
	if (r >= 0 && is_open)
		r = add_fate(records, key->id, record);
	if (r >= 0 && form != RECORD_SETS_NONE)
		r = record_sets_add(records->sets, objects, env, form, record);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(record);
	return 0;
}

static int get(struct records *records, const struct run_key *key, enum record_sets_form form,
	       cJSON **ret)
{
	struct query *query = records->queries[key->is_group ? GROUP : RUN];
	int r = query_bind_blob(query, 1, (struct bytes){(const char *)key->id, sizeof(key->id)});

	if (r >= 0)
		r = query_step(query);
	if (r > 0)
		r = make(records, query, key, form, ret);
	else if (r == 0)
		r = -ENOENT;
	query_reset(query);
	return r;
}

int records_get_run(struct records *records, const uint8_t run_id[16], enum record_sets_form form,
		    cJSON **ret)
{
	struct run_key key = {.is_group = false};

	memcpy(key.id, run_id, sizeof(key.id));
	return get(records, &key, form, ret);
}

int records_get_group(struct records *records, const uint8_t group_id[16],
		      enum record_sets_form form, cJSON **ret)
{
	struct run_key key = {.is_group = true};

	memcpy(key.id, group_id, sizeof(key.id));
	return get(records, &key, form, ret);
}

/* ---- several at once */

/* The key that the row is of, or NULL: then it is none that was asked for. */
static struct records_item *find_item(struct records_item *items, size_t count, bool is_group,
				      struct query *row)
{
	struct bytes id = query_bytes(row, is_group ? (int)GROUP_FIELD_ID : (int)RUN_FIELD_ID);

	for (size_t i = 0; i < count && id.len == sizeof(items->key.id); i++)
		if (items[i].key.is_group == is_group && !memcmp(items[i].key.id, id.data, id.len))
			return &items[i];
	return NULL;
}

static int get_kind(struct records *records, struct records_item *items, size_t count,
		    bool is_group, enum record_sets_form form)
{
	struct query *query = records->queries[is_group ? GROUPS : RUNS];
	struct records_item *item;
	struct bytes id = {NULL, sizeof(item->key.id)};
	int index = 1, r = 0;

	for (size_t i = 0; r >= 0 && i < count; i++) {
		if (items[i].key.is_group != is_group)
			continue;
		id.data = (const char *)items[i].key.id;
		r = query_bind_blob(query, index++, id);
	}
	/* What is over asks for the last one again. */
	while (r >= 0 && id.data && index <= RECORDS_AT_ONCE)
		r = query_bind_blob(query, index++, id);
	while (r >= 0 && id.data && (r = query_step(query)) > 0) {
		item = find_item(items, count, is_group, query);
		if (!item || item->record)
			continue;
		item->error = make(records, query, &item->key, form, &item->record);
		if (item->error < 0 && item->error != -EBADMSG)
			r = item->error;
	}
	query_reset(query);
	return r;
}

int records_get_items(struct records *records, struct records_item *items, size_t count,
		      enum record_sets_form form)
{
	int r;

	for (size_t i = 0; i < count; i++) {
		items[i].record = NULL;
		items[i].error = -ENOENT;
	}
	r = get_kind(records, items, count, false, form);
	if (r >= 0)
		r = get_kind(records, items, count, true, form);
	for (size_t i = 0; r < 0 && i < count; i++) {
		cJSON_Delete(items[i].record);
		items[i].record = NULL;
	}
	return r < 0 ? r : 0;
}

/* ---- links */

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
