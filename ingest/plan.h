/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a record to rows. A plan is made once from the mapping for each shape; it then reads a
 *record in one walk over it, in two halves:
 *
 *	plan_read	checks and converts every field; nothing outside is touched, so a record
 *that
 *cannot be loaded leaves no trace but its reason plan_resolve	asks for the ids of the entities it
 *refers to (host, path, program, ...), inner ones first
 *
 * After both, plan_row() gives the row of each table.
 */
#pragma once

#include "ingest/mapping.h"
#include "ingest/problem.h"
#include <cjson/cJSON.h>

#define PLAN_VALUES_MAX                                                                            \
	128 /* columns, entities' columns and what the loader tells, of one shape                  \
	     */

struct plan;

/* 0 or -ENOMEM. */
int plan_new(enum mapping_shape shape, struct plan **ret);
void plan_free(struct plan *plan);

static inline void cleanup_plan(struct plan **plan)
{
	plan_free(*plan);
}
#define _cleanup_plan_ _cleanup_(cleanup_plan)

/*
 * The loader's own values go to values[CONTEXT_...] before plan_row() is called; the others are set
 * here and live as long as the record and the arena. 0, -EINVAL with *problem, -ENOMEM.
 */
int plan_read(const struct plan *plan, const cJSON *record, struct value values[PLAN_VALUES_MAX],
	      struct problem *problem);

/* The id of the entity whose columns (table's, in its order) are key. 0 or negative errno. */
typedef int (*plan_resolver)(void *arg, const struct table *table, const struct value *key,
			     int64_t *ret_id);

/* What the resolver returned, if it failed. */
int plan_resolve(const struct plan *plan, struct value values[PLAN_VALUES_MAX],
		 plan_resolver resolver, void *arg);

/* table: one of the shape's. */
void plan_row(const struct plan *plan, const struct table *table,
	      const struct value values[PLAN_VALUES_MAX], struct value row[MAPPING_COLUMNS_MAX]);
