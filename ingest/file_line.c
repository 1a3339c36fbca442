/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One line into rows. First everything that can be wrong with it is looked for, so that a bad line
 * leaves nothing but its quarantine; then what it refers to is found or made; then its rows are put
 * in.
 *
 * When a record was there already: a run completes a start; otherwise the first that came stays,
 * for the same id means the same run, seen twice.
 */
#include "ingest/arena.h"
#include "ingest/file.h"
#include "ingest/sets.h"

#include <errno.h>

static int parse_problem(int error, const struct line *line, struct problem *ret)
{
	const char *cut = line->has_newline ? "" : "; the file ends within it";

	if (arena_is_exhausted())
		return problem_set(ret, "", "holds too many values");
	if (error == -ELOOP)
		return problem_set(ret, "", "is nested deeper than %d", RECORD_DEPTH_MAX);
	return problem_set(ret, "", "is not a JSON object in UTF-8%s", cut);
}

/* Counters of a node record, one a row. */
static int put_counts(struct file *file, const cJSON *record, const struct value *node)
{
	static const char *const kinds[] = {"events", "records", "lost", "cut", "unrecorded"};
	struct backend *db = file->loader->db;
	struct value row[NODE_COUNT_COLUMNS];

	row[NODE_COUNT_INSTANCE] = node[0];
	row[NODE_COUNT_SEQ] = node[1];
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		const cJSON *counts = cJSON_GetObjectItemCaseSensitive(record, kinds[i]);
		const cJSON *count;

		row[NODE_COUNT_KIND] = value_text(bytes_of(kinds[i]));
		cJSON_ArrayForEach (count, counts) {
			int r;

			if (!cJSON_IsNumber(count) || !count->string)
				continue;
			row[NODE_COUNT_NAME] = value_text(bytes_of(count->string));
			row[NODE_COUNT_VALUE] = value_integer((int64_t)count->valuedouble);
			r = db->ops->insert(db, &mapping_node_count, INSERT_KEEP, row, NULL, NULL);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* What became of a record, now or when those that were put in with it are. */
static void count_outcome(void *arg, unsigned int shape, bool is_new)
{
	struct file *file = arg;
	struct totals *t = file->totals;
	uint64_t *const totals[SHAPE_COUNT] = {
		[SHAPE_RUN] = &t->runs,	  [SHAPE_START] = &t->starts, [SHAPE_GROUP] = &t->groups,
		[SHAPE_LINK] = &t->links, [SHAPE_NODE] = &t->nodes,
	};

	if (!is_new)
		t->duplicates++;
	else if (totals[shape])
		++*totals[shape];
}

/* A node's record and, if it is new, its counters. */
static int put_node(struct file *file, const cJSON *record, const struct value *row)
{
	struct backend *db = file->loader->db;
	bool is_new;
	int r = db->ops->insert(db, mapping_shapes[SHAPE_NODE].table, INSERT_KEEP, row, &is_new,
				NULL);

	if (r < 0)
		return r;
	count_outcome(file, SHAPE_NODE, is_new);
	return is_new ? put_counts(file, record, row) : 0;
}

/* The rows of a record that has been read and resolved. */
static int put_rows(struct file *file, enum mapping_shape shape, const cJSON *record)
{
	const struct shape *made = &mapping_shapes[shape];
	struct loader *loader = file->loader;
	struct backend *db = loader->db;
	struct value row[MAPPING_COLUMNS_MAX], text[MAPPING_COLUMNS_MAX];
	struct backend_record rows = {.tables = {made->table, made->text},
				      .rows = {row, text},
				      .mode = shape == SHAPE_RUN ? INSERT_COMPLETE : INSERT_KEEP,
				      .outcome = count_outcome,
				      .arg = file,
				      .tag = shape};

	plan_row(loader->plans[shape], made->table, loader->values, row);
	if (shape == SHAPE_NODE)
		return put_node(file, record, row);
	if (made->text)
		plan_row(loader->plans[shape], made->text, loader->values, text);
	return db->ops->record(db, &rows);
}

static int take_record(struct file *file, enum mapping_shape shape, const cJSON *record,
		       struct problem *problem)
{
	struct loader *loader = file->loader;
	struct value *values = loader->values;
	struct value inputs = value_null();
	uint64_t seq = 0;
	int r;

	if (record_get_u64(record, "seq", &seq) < 0 || !seq || seq > INT64_MAX)
		return problem_set(problem, "seq", "is not a number from 1 to 2^63");
	if (shape == SHAPE_LINK) {
		/* All of the line is checked before its inputs are put in. */
		r = plan_read(loader->plans[shape], record, values, problem);
		if (r == 0)
			r = sets_inputs(loader, record, &inputs, problem);
		if (r < 0)
			return r;
	}
	r = plan_read(loader->plans[shape], record, values, problem);
	if (r == 0)
		r = plan_resolve(loader->plans[shape], values, loader_entity, loader);
	if (r < 0)
		return r;
	values[CONTEXT_SPOOL_FILE] = value_integer(file->id);
	values[CONTEXT_STATE] = value_integer(mapping_shapes[shape].state);
	values[CONTEXT_INPUT_SET] = inputs;
	r = put_rows(file, shape, record);
	if (r < 0)
		return r;
	if (!file->has_gaps) {
		gaps_init(&file->gaps, seq);
		file->has_gaps = true;
	}
	gaps_add(&file->gaps, seq);
	return 0;
}

/* A parsed line. -EINVAL with *problem: to quarantine. */
static int take(struct file *file, const cJSON *record, struct problem *problem)
{
	char kind[FILE_KIND_SIZE];
	enum mapping_shape shape;
	struct kind_count *count;
	int r = 0;

	if (!record_kind(record, kind, sizeof(kind)))
		return problem_set(problem, "schema", "is not that of a Runmark record");
	shape = mapping_shape_of(kind);
	if (!strcmp(kind, "file"))
		r = file_take_end(file, record, problem);
	else if (!strcmp(kind, "set"))
		r = sets_load_line(file->loader, record, problem);
	else if (shape < SHAPE_COUNT)
		r = take_record(file, shape, record, problem);
	else
		file->totals->skipped++;
	if (r < 0)
		return r;
	if (!strcmp(kind, "set"))
		file->totals->sets++;
	count = file_kind(file, kind);
	if (count)
		count->found++;
	return 0;
}

int file_take_line(struct file *file, const struct line *line)
{
	struct problem problem;
	cJSON *record;
	int r;

	arena_reset();
	if (!line->text.data) {
		problem_set(&problem, "", "is longer than %d bytes", RECORD_LINE_MAX);
		return file_quarantine(file, line, &problem);
	}
	r = record_parse(line->text, &record);
	if (r < 0) {
		parse_problem(r, line, &problem);
		return file_quarantine(file, line, &problem);
	}
	*problem.field = *problem.reason = '\0';
	r = take(file, record, &problem);
	if (r == -ENOMEM && arena_is_exhausted())
		r = parse_problem(r, line, &problem);
	if (r != -EINVAL)
		return r;
	if (!*problem.reason) /* the database refused it */
		problem_set(&problem, "", "%.150s", file->loader->db->message);
	*file->loader->db->message = '\0';
	return file_quarantine(file, line, &problem);
}
