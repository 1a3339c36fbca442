/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A record of XALT into rows. As for a line of a spool file: first everything that can be wrong is
 * looked for, then what it refers to is found or made, then its rows are put in. The end of a run
 * completes its start; otherwise what came first stays.
 */
#include "ingest/xalt_import.h"
#include "ingest/arena.h"
#include "ingest/sets.h"
#include "common/id.h"

#include <errno.h>

int xalt_rows_read(struct xalt_import *import, const struct xalt_item *item,
		   struct xalt_record *ret, struct problem *problem)
{
	const struct xalt_context context = {
		.host = bytes_of(item->host),
		.scrub = import->options->scrub,
		.is_name_only = import->options->is_name_only,
	};
	const struct bytes text = {item->text, item->len};

	arena_reset();
	return xalt_record_read(text, &context, ret, problem);
}

static int insert(struct xalt_import *import, const struct xalt_record *record,
		  const struct table *table, enum insert_mode mode, bool *ret_is_new)
{
	struct loader *loader = import->loader;
	struct value row[MAPPING_COLUMNS_MAX];

	plan_row(loader->plans[record->shape], table, loader->values, row);
	return loader->db->ops->insert(loader->db, table, mode, row, ret_is_new, NULL);
}

struct found {
	uint8_t id[16];
	bool is_there;
};

static int take_id(void *arg, const struct value *row, size_t columns)
{
	struct found *found = arg;

	(void)columns;
	if (row[0].bytes.len == sizeof(found->id)) {
		memcpy(found->id, row[0].bytes.data, sizeof(found->id));
		found->is_there = true;
	}
	return 0;
}

/* Reads all fields of the record and finds what they refer to. */
static int resolve(struct xalt_import *import, const struct xalt_record *record,
		   struct value inputs, struct problem *problem)
{
	struct loader *loader = import->loader;
	const struct plan *plan = loader->plans[record->shape];
	int r = plan_read(plan, record->record, loader->values, problem);

	if (r == 0)
		r = plan_resolve(plan, loader->values, loader_entity, loader);
	if (r < 0)
		return r;
	loader->values[CONTEXT_SPOOL_FILE] = value_null();
	loader->values[CONTEXT_STATE] = value_integer(record->is_end);
	loader->values[CONTEXT_INPUT_SET] = inputs;
	return 0;
}

/* The id that the run has in the database, by XALT's name of it. */
static int find_id(struct xalt_import *import, const struct xalt_record *record, struct found *ret)
{
	struct backend *db = import->loader->db;
	const struct value key = value_bytes(record->uuid, sizeof(record->uuid));

	return db->ops->statement(db, "SELECT run_id FROM run_xalt WHERE run_uuid = ?", &key, 1,
				  take_id, ret, NULL);
}

/* The record becomes one of the run with that id. */
static int use_id(struct xalt_import *import, struct xalt_record *record, const uint8_t id[16],
		  struct problem *problem)
{
	cJSON *item = cJSON_GetObjectItemCaseSensitive(record->record, "run_id");
	char text[ID_TEXT_SIZE];

	uuid_unparse_lower(id, text);
	if (!strcmp(item->valuestring, text))
		return 0;
	memcpy(item->valuestring, text, sizeof(text));
	return resolve(import, record, value_null(), problem);
}

/*
 * The run's row in run_xalt, which says whether this is the first record of it. An id that was made
 * of XALT's name and the start may have been made of another start by the run's other record: then
 * that counts.
 */
static int settle_id(struct xalt_import *import, struct xalt_record *record, bool *ret_is_first,
		     struct problem *problem)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(record->record, "run_id");
	struct found found = {};
	char name[ID_TEXT_SIZE];
	int r = 0;

	uuid_unparse_lower(record->uuid, name);
	*ret_is_first = false;
	if (strcmp(item->valuestring, name) != 0)
		r = find_id(import, record, &found);
	if (r == 0 && !found.is_there) {
		r = insert(import, record, &mapping_run_xalt, INSERT_KEEP, ret_is_first);
		if (r < 0 || *ret_is_first)
			return r;
		r = find_id(import, record, &found);
		if (r == 0 && !found.is_there)
			return problem_set(problem, "run_uuid", "has the id of another run");
	}
	return r < 0 ? r : use_id(import, record, found.id, problem);
}

static int put_run(struct xalt_import *import, struct xalt_record *record, struct problem *problem)
{
	enum insert_mode mode = record->is_end ? INSERT_COMPLETE : INSERT_KEEP;
	const struct shape *shape = &mapping_shapes[SHAPE_XALT_RUN];
	bool is_first = false, is_new = false;
	int r = settle_id(import, record, &is_first, problem);

	if (r == 0)
		r = insert(import, record, shape->table, mode, &is_new);
	if (r < 0)
		return r;
	if (!is_new) {
		import->batch.known++;
		return 0;
	}
	if (is_first)
		import->batch.runs++;
	else
		import->batch.completed++;
	import->batch.open += is_first && !record->is_end;
	r = insert(import, record, shape->text, INSERT_REPLACE, NULL);
	if (r == 0 && !is_first)
		r = insert(import, record, shape->more, INSERT_REPLACE, NULL);
	return r < 0 ? r : xalt_job_put(import, record);
}

static int put_link(struct xalt_import *import, const struct xalt_record *record)
{
	const struct shape *shape = &mapping_shapes[SHAPE_XALT_LINK];
	bool is_new;
	int r = insert(import, record, shape->table, INSERT_KEEP, &is_new);

	if (r < 0)
		return r;
	if (!is_new) {
		import->batch.known++;
		return 0;
	}
	import->batch.links++;
	r = insert(import, record, shape->text, INSERT_REPLACE, NULL);
	return r < 0 ? r : insert(import, record, shape->more, INSERT_REPLACE, NULL);
}

static int put_package(struct xalt_import *import, const struct xalt_record *record)
{
	bool is_new;
	int r = insert(import, record, &mapping_package, INSERT_KEEP, &is_new);

	if (r < 0)
		return r;
	if (is_new)
		import->batch.packages++;
	else
		import->batch.known++;
	return 0;
}

/* Sets and inputs, after all of the record has been looked at. */
static int put_sets(struct xalt_import *import, const struct xalt_record *record,
		    struct value *ret_inputs, struct problem *problem)
{
	struct loader *loader = import->loader;
	int r = plan_read(loader->plans[record->shape], record->record, loader->values, problem);

	*ret_inputs = value_null();
	for (size_t i = 0; r == 0 && i < record->set_count; i++)
		r = sets_load_line(loader, record->sets[i], problem);
	if (r == 0 && record->shape == SHAPE_XALT_LINK)
		r = sets_inputs(loader, record->record, ret_inputs, problem);
	return r;
}

static int put(struct xalt_import *import, const struct xalt_item *item, struct problem *problem)
{
	struct xalt_record record;
	struct value inputs;
	int r = xalt_rows_read(import, item, &record, problem);

	if (r == 0)
		r = put_sets(import, &record, &inputs, problem);
	if (r == 0)
		r = resolve(import, &record, inputs, problem);
	if (r < 0)
		return r;
	if (record.is_damaged)
		import->batch.damaged++;
	if (record.shape == SHAPE_XALT_RUN)
		return put_run(import, &record, problem);
	if (record.shape == SHAPE_XALT_LINK)
		return put_link(import, &record);
	memcpy(import->run_refs[import->run_ref_count++], record.uuid, sizeof(record.uuid));
	return put_package(import, &record);
}

int xalt_rows_put(struct xalt_import *import, const struct xalt_item *item)
{
	struct backend *db = import->loader->db;
	struct problem problem = item->problem;
	int r = -EINVAL;

	if (!*problem.reason)
		r = put(import, item, &problem);
	if (r == -ENOMEM && arena_is_exhausted())
		r = problem_set(&problem, "", "holds too many values");
	if (r == 0)
		return xalt_quarantine_forget(import, item);
	if (r != -EINVAL)
		return r;
	if (!*problem.reason) /* the database refused it */
		problem_set(&problem, "", "%.150s", db->message);
	*db->message = '\0';
	xalt_record_blame(&problem);
	return xalt_quarantine_put(import, item, &problem);
}
