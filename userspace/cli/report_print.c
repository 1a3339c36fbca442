/* SPDX-License-Identifier: BSD-2-Clause */
/* The lines of a report in order, and as JSON objects. */
#include "cli/report.h"
#include "common/record.h"
#include <errno.h>
#include <math.h>

/* A line, and what it is sorted by, taken out once. */
struct item {
	double key; /* the greatest first */
	uint32_t cell;
};

struct order {
	const struct report_view *view;
	const struct report_lines *lines;
	enum report_column_id sort;
};

static bool is_shown(const struct report_view *view, const struct tally_cell *cell)
{
	return !view->is_of_failures || cell->keys[1] != REPORT_END_NONE;
}

static int compare_bytes(struct bytes a, struct bytes b)
{
	int order = memcmp(a.data, b.data, MIN(a.len, b.len));

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

/* What is not known is less than all that is; texts from the first letter, numbers from the most.
 */
static int compare_by(const struct order *order, enum report_column_id id,
		      const struct tally_cell *a, const struct tally_cell *b)
{
	struct report_value x, y;

	report_column_get(id, order->lines, a, &x);
	report_column_get(id, order->lines, b, &y);
	if (x.kind == VALUE_NONE || y.kind == VALUE_NONE)
		return (x.kind == VALUE_NONE) - (y.kind == VALUE_NONE);
	switch (x.kind) {
	case VALUE_TEXT:
		return compare_bytes(x.text, y.text);
	case VALUE_RANK:
		return (x.number > y.number) - (x.number < y.number);
	case VALUE_TIME:
		return (x.us < y.us) - (x.us > y.us);
	default:
		return (x.number < y.number) - (x.number > y.number);
	}
}

static int compare(const void *a, const void *b, void *arg)
{
	const struct order *order = arg;
	const struct item *first = a, *second = b;
	const struct tally_cell *x = &order->lines->tally.cells[first->cell];
	const struct tally_cell *y = &order->lines->tally.cells[second->cell];
	int r;

	if (first->key != second->key)
		return first->key < second->key ? 1 : -1;
	r = compare_by(order, order->sort, x, y);
	if (!r)
		r = compare_by(order, RC_RUNS, x, y);
	for (const enum report_column_id *id = order->view->list; !r && *id != RC_END; id++)
		r = compare_by(order, *id, x, y);
	return r;
}

/* Texts are all the same here, and what is not known is less than anything. */
static double key_of(const struct order *order, const struct tally_cell *cell)
{
	struct report_value value;

	report_column_get(order->sort, order->lines, cell, &value);
	switch (value.kind) {
	case VALUE_NUMBER:
		return value.number;
	case VALUE_RANK:
		return -value.number;
	case VALUE_TIME:
		return (double)value.us;
	case VALUE_TEXT:
		return 0;
	default:
		return -INFINITY;
	}
}

static bool add_value(cJSON *row, const char *name, const struct report_value *value)
{
	switch (value->kind) {
	case VALUE_TEXT:
	case VALUE_RANK:
		return record_add_text(row, name, value->text);
	case VALUE_NUMBER:
		return record_add_number(row, name, value->number);
	case VALUE_TIME:
		return record_add_time(row, name, (uint64_t)value->us * 1000);
	default:
		return record_add_null(row, name);
	}
}

/* Where a line is of a compiler or linker: whether that is known at all. */
static bool add_link_known(cJSON *row, const struct report_view *view,
			   const struct tally_cell *cell)
{
	for (size_t i = 0; i < TALLY_KEYS; i++)
		if (view->dims[i] == DIM_COMPILER || view->dims[i] == DIM_COMPILED ||
		    view->dims[i] == DIM_LINKER)
			return cJSON_AddBoolToObject(row, "link_known",
						     cell->keys[i] != DIM_NO_LINK);
	return true;
}

static int print_cell(const struct report_asked *asked, const struct report_lines *lines,
		      const struct tally_cell *cell, report_emit emit, void *arg)
{
	_cleanup_json_ cJSON *row = cJSON_CreateObject();

	if (!row || !cJSON_AddStringToObject(row, "report", asked->report) ||
	    !cJSON_AddStringToObject(row, "by", asked->view->word) ||
	    !add_link_known(row, asked->view, cell))
		return -ENOMEM;
	for (const enum report_column_id *id = asked->view->list; *id != RC_END; id++) {
		struct report_value value;

		report_column_get(*id, lines, cell, &value);
		if (!add_value(row, report_columns[*id].column.name, &value))
			return -ENOMEM;
	}
	return emit(arg, row);
}

int report_print(const struct report_asked *asked, struct report_lines *lines, report_emit emit,
		 void *arg)
{
	struct order order = {.view = asked->view,
			      .lines = lines,
			      .sort = asked->sort != RC_END ? asked->sort : asked->view->sort};
	_cleanup_free_ struct item *shown =
		reallocarray(NULL, lines->tally.map.count + (size_t)1, sizeof(*shown));
	uint32_t count = 0;
	int r = shown ? 0 : -ENOMEM;

	for (uint32_t i = 0; r >= 0 && i < lines->tally.map.count; i++)
		if (is_shown(asked->view, &lines->tally.cells[i]))
			shown[count++] = (struct item){key_of(&order, &lines->tally.cells[i]), i};
	if (r >= 0)
		qsort_r(shown, count, sizeof(*shown), compare, &order);
	asked->sum->lines = count;
	for (uint32_t i = 0; r >= 0 && i < count && (!asked->limit || i < asked->limit); i++)
		r = print_cell(asked, lines, &lines->tally.cells[shown[i].cell], emit, arg);
	return r;
}
