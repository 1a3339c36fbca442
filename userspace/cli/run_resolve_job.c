/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Jobs as people name them: 123, 123.0 (a step), 120 and 120_3 (an array and a task of it), 123+1
 * (a component of a heterogeneous job). What the runs' own records don't tell, for the environment
 * of a task may not have been kept, the resource manager's accounting does where it was imported.
 */
#include "cli/run_resolve.h"
#include <ctype.h>
#include <errno.h>

/* Jobs of which accounting says so. */
#define ACCOUNTED(where)                                                                           \
	"SELECT j.id FROM accounting a JOIN job j ON j.job_id = a.job_id AND j.manager = "         \
	"a.manager AND (j.cluster = a.cluster OR j.cluster = '' OR a.cluster = '') WHERE " where

/* A statement, and which of the two texts each of its parameters is. */
struct lookup {
	const char *sql, *parameters;
};

static const struct lookup of_id = {
	"SELECT id FROM job WHERE job_id = ? UNION "
	"SELECT id FROM job WHERE array_id <> '' AND array_id = ? UNION " ACCOUNTED(
		"a.array_id = ?") " UNION " ACCOUNTED("a.het_id = ?") " UNION "
								      "SELECT j.id FROM accounting "
								      "a JOIN job j ON j.sluid = "
								      "a.sluid AND j.sluid <> '' "
								      "WHERE a.job_id = ?",
	"11111"};
static const struct lookup of_task = {
	"SELECT id FROM job WHERE array_id <> '' AND array_id = ? AND array_task = ? "
	"UNION " ACCOUNTED("a.array_id = ? AND a.array_task = ?"),
	"1212"};
static const struct lookup of_component = {ACCOUNTED("a.het_id = ? AND a.het_offset = ?"), "1n"};
static const struct lookup accounting_of_id = {"SELECT id FROM accounting WHERE job_id = ? UNION "
					       "SELECT id FROM accounting WHERE array_id = ? UNION "
					       "SELECT id FROM accounting WHERE het_id = ?",
					       "111"};
static const struct lookup accounting_of_task = {
	"SELECT id FROM accounting WHERE array_id = ? AND array_task = ?", "12"};
static const struct lookup accounting_of_component = {
	"SELECT id FROM accounting WHERE het_id = ? AND het_offset = ?", "1n"};
static const struct lookup of_sluid = {
	"SELECT id FROM job WHERE sluid <> '' AND sluid = ? UNION " ACCOUNTED("a.sluid = ?"), "11"};
static const struct lookup of_container = {
	"SELECT id FROM container WHERE runtime = ? UNION "
	"SELECT id FROM container WHERE container_id >= ? AND container_id < ?",
	"112"};

int run_resolve_rows(struct query *query, struct ids *ids)
{
	int r;

	while ((r = query_step(query)) > 0) {
		r = ids_add(ids, query_int(query, 0));
		if (r < 0)
			return r;
	}
	return r;
}

static int collect(struct store *store, const struct lookup *lookup, struct bytes first,
		   const char *second, struct ids *ids)
{
	_cleanup_query_ struct query *query = NULL;
	int r = query_new(store, lookup->sql, &query);

	for (int i = 0; r >= 0 && lookup->parameters[i]; i++)
		if (lookup->parameters[i] == 'n')
			r = query_bind_int(query, i + 1, strtoll(second, NULL, 10));
		else
			r = query_bind_text(query, i + 1,
					    lookup->parameters[i] == '1' ? first
									 : bytes_of(second));
	return r < 0 ? r : run_resolve_rows(query, ids);
}

/* "ID[_TASK|+COMPONENT][.STEP]": *ret_part: the _ or +, with *ret_len bytes behind it, or NULL. */
static bool split(const char *name, struct bytes *ret_id, const char **ret_part, size_t *ret_len,
		  const char **ret_step)
{
	size_t len = strcspn(name, "."), id_len = strcspn(name, "._+");

	*ret_id = (struct bytes){name, id_len};
	*ret_part = id_len < len ? name + id_len : NULL;
	*ret_len = id_len < len ? len - id_len - 1 : 0;
	*ret_step = name[len] ? name + len + 1 : "";
	return id_len && (!*ret_part || *ret_len) && (!name[len] || **ret_step) &&
	       strlen(*ret_step) < RUN_STEP_MAX && (!*ret_part || *ret_len < RUN_STEP_MAX) &&
	       (!*ret_part || **ret_part != '+' || strspn(*ret_part + 1, "0123456789") >= *ret_len);
}

bool run_job_is_name(const char *name)
{
	const char *part, *step;
	struct bytes id;
	size_t len;

	return split(name, &id, &part, &len, &step);
}

/* By one of three statements: of an id, of an array's task, of a component. */
static int resolve(struct store *store, const char *name, const struct lookup *const lookups[3],
		   const char **ret_step, struct ids *ids)
{
	char second[RUN_STEP_MAX] = "";
	const char *part;
	struct bytes id;
	size_t len;

	if (!split(name, &id, &part, &len, ret_step))
		return -EINVAL;
	if (part)
		memcpy(second, part + 1, len);
	return collect(store, lookups[!part ? 0 : *part == '_' ? 1 : 2], id, second, ids);
}

int run_resolve_job(struct store *store, const struct run_filter *filter,
		    struct run_conditions *conditions, struct run_condition *condition)
{
	static const struct lookup *const lookups[] = {&of_id, &of_task, &of_component};
	const char *step;
	int r = resolve(store, filter->job, lookups, &step, &condition->ids[RUN_JOB]);

	if (r >= 0)
		strcpy(conditions->step, step);
	return r;
}

int run_resolve_accounting(struct store *store, const char *job, struct ids *ids)
{
	static const struct lookup *const lookups[] = {&accounting_of_id, &accounting_of_task,
						       &accounting_of_component};
	const char *step;
	int r = resolve(store, job, lookups, &step, ids);

	ids_sort(ids);
	return r;
}

/* Written with capitals, but for the first letter. */
int run_resolve_sluid(struct store *store, const struct run_filter *filter,
		      struct run_conditions *conditions, struct run_condition *condition)
{
	_cleanup_free_ char *text = strdup(filter->sluid);

	(void)conditions;
	if (!text)
		return -ENOMEM;
	for (char *c = text; *c; c++)
		*c = (char)(c == text ? tolower((unsigned char)*c) : toupper((unsigned char)*c));
	return collect(store, &of_sluid, bytes_of(text), "", &condition->ids[RUN_JOB]);
}

/* A runtime's name, or the beginning of an id: up to the text that is one higher at its end. */
int run_resolve_container(struct store *store, const struct run_filter *filter,
			  struct run_conditions *conditions, struct run_condition *condition)
{
	_cleanup_free_ char *above = strdup(filter->container);

	(void)conditions;
	if (!above)
		return -ENOMEM;
	above[strlen(above) - 1]++;
	return collect(store, &of_container, bytes_of(filter->container), above,
		       &condition->ids[RUN_CONTAINER]);
}
