/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A run: a record of its start, or of its end, which holds all that the start's does. XALT knows
 * the cluster, not the node; neither process ids nor exit status nor resources.
 */
#include "ingest/xalt_fields.h"
#include "common/id.h"
#include "common/record.h"
#include "common/text.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <xxhash.h>

/* Sets that are made here are told apart from the nodes' by what their hash begins with: a node's
 * hash of members comes from other text, without it. */
#define HASH_SEED 0x78616c74 /* xalt */

static void add_set(struct xalt_reading *r, struct xalt_record *to, const char *reference,
		    cJSON *set, const cJSON *members)
{
	char *text = cJSON_PrintUnformatted(members), hash[33];
	XXH128_canonical_t canonical;

	if (!text) {
		r->error = r->error ?: -ENOMEM;
		return;
	}
	XXH128_canonicalFromHash(&canonical, XXH3_128bits_withSeed(text, strlen(text), HASH_SEED));
	text_to_hex(canonical.digest, sizeof(canonical.digest), hash);
	xalt_put_text(r, set, "hash", hash);
	xalt_put_text(r, r->record, reference, hash);
	to->sets[to->set_count++] = set;
}

static void read_objects(struct xalt_reading *r, const cJSON *list, struct xalt_record *to)
{
	cJSON *set = cJSON_CreateObject(), *objects = cJSON_AddArrayToObject(set, "objects");
	const cJSON *entry;

	if (!list || cJSON_IsNull(list))
		return;
	if (!cJSON_IsArray(list)) {
		xalt_refuse(r, "libA", "is not an array");
		return;
	}
	cJSON_ArrayForEach (entry, list) {
		const char *path = xalt_library(r, "libA", entry);

		if (!path || r->error)
			return;
		xalt_put_member(r, objects, path, NULL);
	}
	if (!r->error)
		add_set(r, to, "object_set", set, objects);
}

/* Names are fields of the set; what is not UTF-8 of a value stands beside them all. */
static void read_environment(struct xalt_reading *r, const cJSON *variables, struct xalt_record *to)
{
	cJSON *set = cJSON_CreateObject(), *env = cJSON_AddObjectToObject(set, "env"), *exact;
	const cJSON *variable;

	if (!variables || cJSON_IsNull(variables))
		return;
	if (!cJSON_IsObject(variables)) {
		xalt_refuse(r, "envT", "is not an object");
		return;
	}
	exact = cJSON_CreateObject();
	cJSON_ArrayForEach (variable, variables) {
		_cleanup_free_ char *name = text_to_utf8(bytes_of(variable->string));
		_cleanup_free_ char *value = NULL, *base64 = NULL;
		const char *text = cJSON_GetStringValue(variable);

		if (!text) {
			xalt_refuse(r, "envT", "has a value that is not a text");
			return;
		}
		value = text_to_utf8(bytes_of(text));
		if (value && strcmp(value, text) != 0)
			base64 = text_to_base64(bytes_of(text));
		if (!name || !value || !cJSON_AddStringToObject(env, name, value) ||
		    (base64 && !cJSON_AddStringToObject(exact, name, base64)))
			r->error = r->error ?: -ENOMEM;
		if (r->error)
			return;
	}
	if (exact && exact->child)
		cJSON_AddItemToObject(set, "env_b64", exact);
	add_set(r, to, "env_set", set, set);
}

/* Path and watermark, which stands among what the linker wrote into the program. */
static void read_program(struct xalt_reading *r, const cJSON *user, const cJSON *link)
{
	cJSON *exe = cJSON_AddObjectToObject(r->record, "exe");
	const char *watermark = xalt_text(r, link, "Build_UUID");
	uuid_t uuid;

	xalt_put_text(r, exe, "path", xalt_text(r, user, "exec_path"));
	if (watermark && uuid_parse(watermark, uuid) < 0) {
		xalt_put_text(r, exe, "watermark_state", "unknown");
		xalt_put_incomplete(r, "exe.watermark: is not a UUID");
		return;
	}
	if (watermark)
		xalt_put_uuid(r, exe, "watermark", uuid);
	xalt_put_text(r, exe, "watermark_state", watermark ? "stamped" : "none");
}

/* The text that has been put there: UTF-8 now. Its length is asked for here where no plan does. */
static const char *put_back(struct xalt_reading *r, const cJSON *object, const char *name,
			    const char *field)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

	if (text && strlen(text) > 255)
		xalt_refuse(r, field, "is longer than 255 bytes");
	return text;
}

static void read_job(struct xalt_reading *r, const cJSON *user, struct xalt_record *to)
{
	const char *scheduler = xalt_text(r, user, "scheduler");
	const char *id = xalt_text(r, user, "job_id");
	char manager[256] = "unknown";
	cJSON *job;

	if (!id || r->error)
		return;
	for (size_t i = 0; scheduler && i < sizeof(manager); i++) {
		manager[i] = (char)tolower((unsigned char)scheduler[i]);
		if (!scheduler[i])
			break;
	}
	if (strnlen(manager, sizeof(manager)) == sizeof(manager)) {
		xalt_refuse(r, "scheduler", "is longer than 255 bytes");
		return;
	}
	job = cJSON_AddObjectToObject(r->record, "job");
	xalt_put_text(r, job, "id", id);
	xalt_put_text(r, job, "manager", manager);
	xalt_put_text(r, job, "from", "environment");
	xalt_put_text(r, job, "account", xalt_text(r, user, "account"));
	xalt_put_text(r, job, "queue", xalt_text(r, user, "queue"));
	to->job_id = put_back(r, job, "id", "job_id");
	to->manager = put_back(r, job, "manager", "scheduler");
	to->account = put_back(r, job, "account", "account");
	to->queue = put_back(r, job, "queue", "queue");
}

static void read_times(struct xalt_reading *r, const cJSON *numbers, struct xalt_record *to)
{
	uint64_t start_us = 0, end_us = 0;
	double seconds;

	if (!xalt_time(r, numbers, "start_time", &start_us))
		xalt_refuse(r, "start_time", "is missing");
	if (r->error)
		return;
	xalt_put_time(r, "start", start_us);
	xalt_put_id(r, "run_id", to->uuid, start_us);
	to->is_end = xalt_time(r, numbers, "end_time", &end_us) && end_us;
	if (!to->is_end)
		return;
	xalt_put_time(r, "end", end_us);
	if (!xalt_number(r, numbers, "run_time", &seconds))
		return;
	if (seconds < 0)
		xalt_put_incomplete(r, "elapsed_s: the clock was set back meanwhile");
	else if (!cJSON_AddNumberToObject(r->record, "elapsed_s", seconds))
		r->error = r->error ?: -ENOMEM;
}

static void read_numbers(struct xalt_reading *r, const cJSON *from, cJSON *xalt)
{
	static const struct {
		const char *own, *name;
	} numbers[] = {
		{"tasks", "num_tasks"}, {"nodes", "num_nodes"},		{"threads", "num_threads"},
		{"gpus", "num_gpus"},	{"probability", "probability"},
	};
	double number;

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (xalt_number(r, from, numbers[i].name, &number) &&
		    !cJSON_AddNumberToObject(xalt, numbers[i].own, number))
			r->error = r->error ?: -ENOMEM;
	if (xalt_number(r, from, "num_cores", &number) && number != 0 &&
	    !cJSON_AddNumberToObject(r->record, "cores", number))
		r->error = r->error ?: -ENOMEM;
}

static void read_texts(struct xalt_reading *r, const cJSON *user, struct xalt_record *to)
{
	const char *container = xalt_text(r, user, "container");

	xalt_put_text(r, r->record, "source", "xalt");
	xalt_put_text(r, r->record, "origin", "exec");
	xalt_put_text(r, r->record, "cluster", xalt_text(r, user, "syshost"));
	xalt_put_text(r, r->record, "user", xalt_text(r, user, "user"));
	to->cluster = put_back(r, r->record, "cluster", "syshost");
	to->user = put_back(r, r->record, "user", "user");
	xalt_put_text(r, r->record, "cwd", xalt_text(r, user, "cwd"));
	if (!r->error && !record_add_text(r->record, "host",
					  r->context->host.data ? r->context->host : bytes_of("")))
		r->error = -ENOMEM;
	if (container)
		xalt_put_text(r, cJSON_AddObjectToObject(r->record, "container"), "runtime",
			      container);
}

void xalt_run_read(struct xalt_reading *r, const cJSON *json, struct xalt_record *ret)
{
	const cJSON *user = cJSON_GetObjectItemCaseSensitive(json, "userT");
	const cJSON *numbers = cJSON_GetObjectItemCaseSensitive(json, "userDT");
	cJSON *xalt = cJSON_AddObjectToObject(r->record, "xalt");

	ret->shape = SHAPE_XALT_RUN;
	xalt_uuid(r, user, "run_uuid", ret->uuid);
	if (r->error)
		return;
	xalt_put_uuid(r, xalt, "run_uuid", ret->uuid);
	read_times(r, numbers, ret);
	read_texts(r, user, ret);
	read_program(r, user, cJSON_GetObjectItemCaseSensitive(json, "xaltLinkT"));
	read_job(r, user, ret);
	read_numbers(r, numbers, xalt);
	xalt_put_text(r, xalt, "exec_type", xalt_text(r, user, "exec_type"));
	xalt_put_text(r, xalt, "submit_host", xalt_text(r, user, "submit_host"));
	xalt_put_text(r, xalt, "hash_id", xalt_text(r, json, "hash_id"));
	xalt_put_texts(r, r->record, "argv", "cmdlineA",
		       cJSON_GetObjectItemCaseSensitive(json, "cmdlineA"), true);
	read_objects(r, cJSON_GetObjectItemCaseSensitive(json, "libA"), ret);
	read_environment(r, cJSON_GetObjectItemCaseSensitive(json, "envT"), ret);
}
