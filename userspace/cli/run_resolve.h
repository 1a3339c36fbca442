/* SPDX-License-Identifier: BSD-2-Clause */
/* From what people name to row numbers: what run_resolve.c asks of its neighbours. */
#pragma once

#include "cli/run_filter.h"

/* Adds column 0 of every row. The query is bound. */
int run_resolve_rows(struct query *query, struct ids *ids);

/* Adds the programs, or the object sets, in which one of the sorted paths stands. 0 or negative
 * errno.
 */
int run_resolve_programs(struct store *store, const struct ids *paths,
			 struct run_condition *condition);
int run_resolve_sets(struct store *store, const struct ids *paths, struct run_condition *condition);

/* Rows of the table accounting that a job's name is of, its step left out. */
int run_resolve_accounting(struct store *store, const char *job, struct ids *ids);

/* Resolvers: the filter names something of the kind; the condition gets its row numbers. 0, -EINVAL
 * if the text makes no sense, or another negative errno. */
int run_resolve_job(struct store *store, const struct run_filter *filter,
		    struct run_conditions *conditions, struct run_condition *condition);
int run_resolve_sluid(struct store *store, const struct run_filter *filter,
		      struct run_conditions *conditions, struct run_condition *condition);
int run_resolve_software(struct store *store, const struct run_filter *filter,
			 struct run_conditions *conditions, struct run_condition *condition);
int run_resolve_module(struct store *store, const struct run_filter *filter,
		       struct run_conditions *conditions, struct run_condition *condition);
int run_resolve_container(struct store *store, const struct run_filter *filter,
			  struct run_conditions *conditions, struct run_condition *condition);
