/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mapping is nested (a run refers to a boot, which refers to a host), a plan is flat: a list of
 * steps, each of which makes one value, in an order in which a step needs only what came before.
 * What two columns refer to alike is one step: a run's host is also its boot's.
 */
#include "ingest/plan.h"
#include "ingest/convert.h"
#include "ingest/fields.h"

#include <errno.h>

#define FIRST_STEP   (CONTEXT_COUNT + 1) /* values before it: what the loader tells, and a null */
#define ENTITY_MAX   12			 /* columns of an entity */
#define FIELD_SIZE   PROBLEM_FIELD_SIZE
#define FIELD_ABSENT UINT8_MAX
#define ROWS	     3 /* a record's, its text's, and what an import tells besides */

struct step {
	const struct column *column;
	char field[FIELD_SIZE]; /* from the root */
	uint8_t item, exact;	/* numbers in fields; FIELD_ABSENT if there is no such sibling */
	uint8_t whole; /* the entity's field: if that is absent, so is this. Or FIELD_ABSENT */
	uint8_t inputs[ENTITY_MAX]; /* of an entity: values that are its columns */
};

struct row {
	const struct table *table;
	uint8_t values[MAPPING_COLUMNS_MAX];
};

struct plan {
	struct fields *fields;
	struct step steps[PLAN_VALUES_MAX]; /* from FIRST_STEP: a step's number is its value's */
	size_t count;
	struct row rows[ROWS];
	int required; /* flags of columns without which a record is refused */
};

static int join_field(const char *anchor, const char *field, char ret[FIELD_SIZE])
{
	int len;

	if (*field == '/')
		len = snprintf(ret, FIELD_SIZE, "%s", field + 1);
	else
		len = snprintf(ret, FIELD_SIZE, "%s%s%s", anchor, *anchor && *field ? "." : "",
			       field);
	return len < FIELD_SIZE ? 0 : -E2BIG;
}

static int find_entity(const struct plan *plan, const struct table *entity, const char *field)
{
	for (size_t i = FIRST_STEP; i < plan->count; i++)
		if (plan->steps[i].column->kind == COLUMN_ENTITY &&
		    plan->steps[i].column->entity == entity && !strcmp(plan->steps[i].field, field))
			return (int)i;
	return -ENOENT;
}

static bool has_exact(const struct column *column)
{
	return column->kind == COLUMN_BYTES || column->kind == COLUMN_NAME;
}

/* Numbers of the step's fields. whole: as in struct step. */
static int add_fields(struct plan *plan, struct step *step)
{
	char exact[FIELD_SIZE + 4];
	int r = fields_add(plan->fields, step->field);

	if (r < 0)
		return r;
	step->item = (uint8_t)r;
	step->exact = FIELD_ABSENT;
	if (!has_exact(step->column))
		return 0;
	snprintf(exact, sizeof(exact), "%s_b64", step->field);
	r = fields_add(plan->fields, exact);
	if (r < 0)
		return r;
	step->exact = (uint8_t)r;
	return 0;
}

/* Number of the value that column makes, or negative errno. */
static int add_step(struct plan *plan, const struct column *column, const char *anchor,
		    uint8_t whole)
{
	struct step step = {.column = column, .whole = whole};
	int r;

	if (column->kind == COLUMN_CONTEXT)
		return (int)column->context;
	r = join_field(anchor, column->field, step.field);
	if (r < 0)
		return r;
	r = add_fields(plan, &step);
	if (r < 0)
		return r;
	if (column->kind == COLUMN_ENTITY) {
		/* Where the reference is absent, its columns may be too. */
		bool is_filled = column->flags & COLUMN_FILL;

		r = find_entity(plan, column->entity, step.field);
		if (r >= 0)
			return r;
		for (size_t i = 0; i < column->entity->count; i++) {
			r = add_step(plan, &column->entity->columns[i], step.field,
				     is_filled ? FIELD_ABSENT : step.item);
			if (r < 0)
				return r;
			step.inputs[i] = (uint8_t)r;
		}
	}
	if (plan->count == PLAN_VALUES_MAX)
		return -E2BIG;
	plan->steps[plan->count] = step;
	return (int)plan->count++;
}

static int add_row(struct plan *plan, struct row *row, const struct table *table)
{
	row->table = table;
	for (size_t i = 0; table && i < table->count; i++) {
		int r = add_step(plan, &table->columns[i], "", FIELD_ABSENT);

		if (r < 0)
			return r;
		row->values[i] = (uint8_t)r;
	}
	return 0;
}

int plan_new(enum mapping_shape shape, struct plan **ret)
{
	_cleanup_plan_ struct plan *plan = calloc(1, sizeof(*plan));
	int r;

	if (!plan)
		return -ENOMEM;
	plan->count = FIRST_STEP;
	r = fields_new(&plan->fields);
	if (r < 0)
		return r;
	r = add_row(plan, &plan->rows[0], mapping_shapes[shape].table);
	if (r < 0)
		return r;
	r = add_row(plan, &plan->rows[1], mapping_shapes[shape].text);
	if (r < 0)
		return r;
	r = add_row(plan, &plan->rows[2], mapping_shapes[shape].more);
	if (r < 0)
		return r;
	plan->required = COLUMN_REQUIRED | (mapping_shapes[shape].is_imported ? 0 : COLUMN_OWN);
	*ret = TAKE_PTR(plan);
	return 0;
}

void plan_free(struct plan *plan)
{
	if (plan)
		fields_free(plan->fields);
	free(plan);
}

static bool is_absent(const cJSON *item)
{
	return !item || cJSON_IsNull(item);
}

/* An entity's value is a null, or a number that plan_resolve() puts its id for. */
static int read_entity(const struct step *step, const cJSON *item, int required, struct value *ret,
		       struct problem *problem)
{
	if (!is_absent(item) || (step->column->flags & COLUMN_FILL))
		*ret = value_integer(0);
	else if (step->column->flags & required)
		return problem_set(problem, step->field, "is missing");
	else
		*ret = value_null();
	return 0;
}

static int read_step(const struct step *step, const cJSON *const *found, int required,
		     struct value *ret, struct problem *problem)
{
	const cJSON *exact = step->exact == FIELD_ABSENT ? NULL : found[step->exact];
	int r;

	if (step->whole != FIELD_ABSENT && is_absent(found[step->whole])) {
		*ret = value_null();
		return 0;
	}
	if (step->column->kind == COLUMN_ENTITY)
		return read_entity(step, found[step->item], required, ret, problem);
	r = convert_field(step->column, step->field, found[step->item], exact, ret, problem);
	if (r < 0)
		return r;
	if (ret->type != VALUE_NULL)
		return 0;
	if (step->column->flags & required)
		return problem_set(problem, step->field, "is missing");
	if (step->column->flags & COLUMN_FILL)
		*ret = convert_fill(step->column);
	return 0;
}

int plan_read(const struct plan *plan, const cJSON *record, struct value values[PLAN_VALUES_MAX],
	      struct problem *problem)
{
	const cJSON *found[FIELDS_MAX];
	const char *path;
	int r;

	if (fields_find(plan->fields, record, found, &path) < 0)
		return problem_set(problem, path, "is not an object");
	for (size_t i = 0; i < FIRST_STEP; i++)
		values[i] = value_null();
	for (size_t i = FIRST_STEP; i < plan->count; i++) {
		r = read_step(&plan->steps[i], found, plan->required, &values[i], problem);
		if (r < 0)
			return r;
	}
	return 0;
}

int plan_resolve(const struct plan *plan, struct value values[PLAN_VALUES_MAX],
		 plan_resolver resolver, void *arg)
{
	struct value key[ENTITY_MAX];

	for (size_t i = FIRST_STEP; i < plan->count; i++) {
		const struct step *step = &plan->steps[i];
		int r;

		if (step->column->kind != COLUMN_ENTITY || values[i].type == VALUE_NULL)
			continue;
		for (size_t k = 0; k < step->column->entity->count; k++)
			key[k] = values[step->inputs[k]];
		r = resolver(arg, step->column->entity, key, &values[i].integer);
		if (r < 0)
			return r;
	}
	return 0;
}

void plan_row(const struct plan *plan, const struct table *table,
	      const struct value values[PLAN_VALUES_MAX], struct value row[MAPPING_COLUMNS_MAX])
{
	const struct row *made = plan->rows;

	while (made->table != table)
		made++;
	for (size_t i = 0; i < table->count; i++)
		row[i] = values[made->values[i]];
}
