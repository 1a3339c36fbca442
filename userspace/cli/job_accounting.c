/* SPDX-License-Identifier: BSD-2-Clause */
/* What the resource manager's accounting says of a job, and how well it used what it had. */
#include "cli/job.h"
#include "cli/record_fields.h"
#include "common/record.h"
#include <errno.h>

enum { FIELD_STAGE };
#define STAGE_ENDED 2

static const struct field items[] = {
	[FIELD_STAGE] = {"stage", NULL, FIELD_NONE, 0},
	{"job_id", "job", FIELD_TEXT, 0},
	{"cluster", "cluster", FIELD_TEXT, 0},
	{"manager", "manager", FIELD_TEXT, 0},
	{"state", "state", FIELD_TEXT, 0},
	{"array_id", "array_id", FIELD_TEXT, 0},
	{"array_task", "array_task", FIELD_TEXT, 0},
	{"het_id", "het_id", FIELD_TEXT, 0},
	{"het_offset", "het_offset", FIELD_NUMBER, 0},
	{"sluid", "sluid", FIELD_TEXT, 0},
	{"user", "user", FIELD_TEXT, 0},
	{"uid", "uid", FIELD_NUMBER, 0},
	{"account", "account", FIELD_TEXT, 0},
	{"queue", "queue", FIELD_TEXT, 0},
	{"qos", "qos", FIELD_TEXT, 0},
	{"nodes", "nodes", FIELD_NUMBER, 0},
	{"node_list", "node_list", FIELD_TEXT, 0},
	{"nullif(submit_us, -1)", "submit", FIELD_TIME, 0},
	{"start_us", "start", FIELD_TIME, 0},
	{"end_us", "end", FIELD_TIME, 0},
	{"exit_code", "exit.code", FIELD_NUMBER, 0},
	{"exit_signal", "exit.signal", FIELD_NUMBER, 0},
	{"requested_cpus", "requested.cpus", FIELD_NUMBER, 0},
	{"requested_memory", "requested.memory", FIELD_NUMBER, 0},
	{"requested_us", "requested.time_s", FIELD_DURATION, 0},
	{"cpus", "used.cpus", FIELD_NUMBER, 0},
	{"elapsed_us", "used.elapsed_s", FIELD_DURATION, 0},
	{"cpu_us", "used.cpu_s", FIELD_DURATION, 0},
	{"max_rss", "used.max_rss", FIELD_NUMBER, 0},
};
static const struct field_list fields = {items, ARRAY_SIZE(items)};

/* CPU time used, of what the CPUs it had could have given. */
static bool add_efficiency(cJSON *job, bool has_ended, double recorded_cpu_s)
{
	double cpus = 0, elapsed = 0, cpu = 0;
	bool is_gathered;

	record_get_number(job, "used.cpus", &cpus);
	record_get_number(job, "used.elapsed_s", &elapsed);
	is_gathered = !record_get_number(job, "used.cpu_s", &cpu) && cpu > 0;
	if (!is_gathered)
		cpu = recorded_cpu_s;
	if (!has_ended || cpus * elapsed <= 0 || cpu < 0)
		return record_add_null(job, "efficiency") &&
		       record_add_null(job, "efficiency_from");
	return record_add_number(job, "efficiency", cpu / (cpus * elapsed)) &&
	       cJSON_AddStringToObject(job, "efficiency_from",
				       is_gathered ? "accounting" : "records");
}

int job_accounting(struct store *store, const struct ids *rows, const struct job_part *part,
		   double recorded_cpu_s, cJSON **ret)
{
	_cleanup_query_ struct query *query = NULL;
	_cleanup_free_ char *sql =
		record_fields_select(&fields, "accounting WHERE id = ? AND submit_us < ? "
					      "AND coalesce(end_us, ?) >= ?");
	_cleanup_json_ cJSON *list = cJSON_CreateArray();
	int r = sql && list ? query_new(store, sql, &query) : -ENOMEM;

	for (size_t i = 0; r >= 0 && i < rows->count; i++) {
		cJSON *job;

		query_reset(query);
		r = query_bind_int(query, 1, rows->items[i]);
		if (r >= 0)
			r = query_bind_int(query, 2, part->until_us);
		if (r >= 0)
			r = query_bind_int(query, 3, part->since_us);
		if (r >= 0)
			r = query_bind_int(query, 4, part->since_us);
		if (r >= 0)
			r = query_step(query);
		if (r <= 0)
			continue;
		job = cJSON_CreateObject();
		if (!job || !cJSON_AddItemToArray(list, job)) {
			cJSON_Delete(job);
			return -ENOMEM;
		}
		r = record_fields_add(&fields, query, job);
		if (r >= 0 && !add_efficiency(job, query_int(query, FIELD_STAGE) == STAGE_ENDED,
					      recorded_cpu_s))
			r = -ENOMEM;
		if (r >= 0 && part->cluster &&
		    strcmp(part->cluster, cJSON_GetStringValue(record_get(job, "cluster")) ?: ""))
			cJSON_DeleteItemFromArray(list, cJSON_GetArraySize(list) - 1);
	}
	if (r < 0)
		return r;
	*ret = TAKE_PTR(list);
	return 0;
}
