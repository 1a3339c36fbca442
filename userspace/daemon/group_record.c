// SPDX-License-Identifier: BSD-2-Clause
/* The group record, field by field (runmark-records(5), schema/group.schema.json). What all members
 * share is taken from the first. */
#include "daemon/group_record.h"
#include "common/job.h"
#include "common/record.h"
#include "daemon/run_record.h"

void group_id(const struct node *node, const struct live_key *first, uuid_t ret)
{
	uuid_t run;

	node_run_id(node, first, run);
	id_derived(run, "group", ret);
}

static bool is_same(const struct group *group, enum group_same what)
{
	return !(group->s.varies & 1u << what);
}

bool group_has_env(const struct group *group)
{
	return is_same(group, SAME_ENV);
}

static bool add_sum(cJSON *object, const struct group_sum *sum, enum run_value value)
{
	cJSON *json;

	if (!run_value_fits(value, sum->sum))
		return record_add_null(object, run_value_name(value));
	json = cJSON_AddObjectToObject(object, run_value_name(value));
	return json && record_add_number(json, "sum", run_value_shown(value, sum->sum)) &&
	       record_add_number(json, "min", run_value_shown(value, sum->min)) &&
	       record_add_number(json, "max", run_value_shown(value, sum->max));
}

/* Of all members, or of those whose peak is. */
static bool is_known(const struct group *group, enum run_value value)
{
	return value == RUN_MAX_RSS ? group->s.rss_count : run_value_is_known(group->first, value);
}

static bool add_usage(cJSON *record, const struct group *group)
{
	cJSON *usage = cJSON_AddObjectToObject(record, "usage");

	for (enum run_value i = RUN_USER_US; usage && i < RUN_VALUES; i++)
		if (!is_known(group, i) ? !record_add_null(usage, run_value_name(i))
					: !add_sum(usage, &group->s.sums[i], i))
			return false;
	return usage;
}

static bool add_exits(cJSON *record, const struct group_state *s)
{
	cJSON *exits = cJSON_AddArrayToObject(record, "exits");

	for (uint32_t i = 0; exits && i < s->exit_count; i++) {
		const struct group_exit *exit = &s->exits[i];
		cJSON *one = cJSON_CreateObject();

		if (!cJSON_AddItemToArray(exits, one) ||
		    !(exit->by_exec ? record_add_null(one, "exit")
				    : exit_json_add(one, exit->wait_status, exit->oom)) ||
		    !record_add_number(one, "count", exit->count))
			return false;
	}
	return exits;
}

/* Whatever is done to the wall clock: counted from the first member's start. */
static bool add_times(cJSON *record, const struct group *group)
{
	const struct live_image_state *first = &group->first->s;

	return record_add_time(record, "start",
			       first->begin_unix_ns + group->s.begin_ns - first->begin_ns) &&
	       record_add_time(record, "end",
			       first->begin_unix_ns + group->s.end_ns - first->begin_ns) &&
	       add_sum(record, &group->s.sums[RUN_ELAPSED_US], RUN_ELAPSED_US);
}

static bool add_incomplete(cJSON *record, const struct group *group, const char *object_hash)
{
	cJSON *list = cJSON_AddArrayToObject(record, "incomplete");
	char text[80];

	if (!list)
		return false;
	for (unsigned int bit = 0; group_has_env(group) && bit < EVENT_FLAG_BITS; bit++)
		if (group->first->s.flags & (EVENT_ENV_CUT | EVENT_ENV_FAULT) & 1u << bit)
			cJSON_AddItemToArray(list, cJSON_CreateString(event_flag_text(bit)));
	incomplete_add_shared(list, group->first);
	for (enum run_value i = 0; i < RUN_VALUES; i++)
		if (is_known(group, i))
			incomplete_add_value(list, i, group->s.sums[i].sum);
	if (group->s.rss_count < group->s.count) {
		snprintf(text, sizeof(text), "usage.max_rss: known of %llu runs only",
			 (unsigned long long)group->s.rss_count);
		cJSON_AddItemToArray(list, cJSON_CreateString(text));
	}
	incomplete_add_files(list, group->first, object_hash);
	return true;
}

static bool add_who(cJSON *record, const struct node *node, const struct group *group)
{
	const struct image *first = group->first;
	const char *user = first->user && *first->user->user ? first->user->user : NULL;
	struct bytes cgroup =
		is_same(group, SAME_CGROUP) ? image_cgroup(first) : (struct bytes){NULL, 0};
	struct job job;

	(void)image_job(first, &job);
	*job.task = '\0'; /* each member's own */
	job.task_from = JOB_FROM_NOTHING;
	return cJSON_AddStringToObject(record, "host", node->host) &&
	       cJSON_AddStringToObject(record, "cluster", node->cluster) &&
	       cJSON_AddStringToObject(record, "boot_id", node->boot_id) &&
	       cJSON_AddStringToObject(record, "source", run_source(first)) &&
	       cJSON_AddStringToObject(record, "origin",
				       first->s.origin == ORIGIN_FORK ? "fork" : "exec") &&
	       job_json_add(record, &job, cgroup) && record_add_text(record, "cgroup", cgroup) &&
	       container_json_add(record, &job, first) && namespaces_json_add(record, first) &&
	       record_add_number(record, "uid", first->exec->uid) &&
	       record_add_number(record, "euid", first->exec->euid) &&
	       record_add_number(record, "gid", first->exec->gid) &&
	       record_add_text(record, "user", bytes_of(user));
}

cJSON *group_record(const struct node *node, const struct group *group, const char *object_hash,
		    const char *env_hash)
{
	cJSON *record = cJSON_CreateObject();
	uuid_t id;

	group_id(node, &group->s.first, id);
	if (!record || !cJSON_AddStringToObject(record, "schema", RECORD_SCHEMA("group")) ||
	    !record_add_uuid(record, "group_id", id) || !add_who(record, node, group) ||
	    !exe_json_add(record, group->first, is_same(group, SAME_REQUESTED)) ||
	    !script_json_add(record, group->first) ||
	    !json_add_or_null(record, "env_set", env_hash) ||
	    !json_add_or_null(record, "object_set", object_hash) ||
	    !record_add_number(record, "count", group->s.count) || !add_times(record, group) ||
	    !add_exits(record, &group->s) || !add_usage(record, group) ||
	    !add_incomplete(record, group, object_hash)) {
		cJSON_Delete(record);
		return NULL;
	}
	return record;
}
