/* SPDX-License-Identifier: BSD-2-Clause */
/* The three kinds of records. What is told of a run is in xalt_run.c, helpers in xalt_fields.c. */
#include "ingest/xalt_fields.h"
#include "ingest/arena.h"
#include "common/record.h"

#include <errno.h>

/* Our fields that a plan may call wrong, and XALT's that they were made of. */
static const struct {
	const char *own, *xalt;
} names[] = {
	{"user", "user"},
	{"exe.path", "exec_path"},
	{"job.id", "job_id"},
	{"job.manager", "scheduler"},
	{"container.runtime", "container"},
	{"cores", "num_cores"},
	{"elapsed_s", "run_time"},
	{"cluster", "syshost"},
	{"host", "build_host"},
	{"xalt.hash_id", "hash_id"},
	{"xalt.exec_type", "exec_type"},
	{"xalt.tasks", "num_tasks"},
	{"xalt.nodes", "num_nodes"},
	{"xalt.threads", "num_threads"},
	{"xalt.gpus", "num_gpus"},
	{"xalt.probability", "probability"},
	{"xalt.submit_host", "submit_host"},
	{"output.path", "exec_path"},
	{"driver.path", "link_path"},
	{"compiler.name", "link_program"},
	{"name", "package_name"},
	{"version", "package_version"},
	{"path", "package_path"},
};

/* The sets' members are "objects[3].path", "inputs[5].path" and "env". */
static const struct {
	const char *own, *xalt;
} sets[] = {{"objects", "libA"}, {"inputs", "linkA"}, {"env", "envT"}};

void xalt_record_blame(struct problem *problem)
{
	char field[PROBLEM_FIELD_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(problem->field, names[i].own)) {
			snprintf(problem->field, sizeof(problem->field), "%s", names[i].xalt);
			return;
		}
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		size_t len = strlen(sets[i].own), end = strcspn(problem->field, ".");

		if (strncmp(problem->field, sets[i].own, len) != 0)
			continue;
		snprintf(field, sizeof(field), "%s%.*s", sets[i].xalt, (int)(end - len),
			 problem->field + len);
		memcpy(problem->field, field, sizeof(field));
		return;
	}
}

static const char *input_kind(const char *path)
{
	static const struct {
		const char *suffix, *kind;
	} kinds[] = {{".a", "archive"}, {".o", "object"}, {".so", "shared"}, {".lo", "object"}};
	size_t len = strlen(path);

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		size_t suffix = strlen(kinds[i].suffix);

		if (len > suffix && !strcmp(path + len - suffix, kinds[i].suffix))
			return kinds[i].kind;
	}
	return strstr(path, ".so.") ? "shared" : "other";
}

static bool has_path(const cJSON *members, const char *path)
{
	const cJSON *member;

	cJSON_ArrayForEach (member, members)
		if (!strcmp(cJSON_GetStringValue(member->child) ?: "", path))
			return true;
	return false;
}

/* The files of a link, each where it came first: the linker looks at some again and again. */
static void put_inputs(struct xalt_reading *reading, const cJSON *list)
{
	cJSON *inputs = cJSON_AddArrayToObject(reading->record, "inputs");
	const cJSON *entry;
	size_t count = 0;

	if (!list)
		return;
	if (!cJSON_IsArray(list)) {
		xalt_refuse(reading, "linkA", "is not an array");
		return;
	}
	cJSON_ArrayForEach (entry, list) {
		const char *path = xalt_library(reading, "linkA", entry);

		if (!path)
			return;
		/* Beyond what a link has, looking for repeats would take for ever. */
		if (count < XALT_REPEATS_MAX && has_path(inputs, path))
			continue;
		if (++count > XALT_MEMBERS_MAX) {
			xalt_refuse(reading, "linkA", "has too many members");
			return;
		}
		xalt_put_member(reading, inputs, path, input_kind(path));
	}
}

static void read_link(struct xalt_reading *r, const cJSON *json, struct xalt_record *ret)
{
	const cJSON *result = cJSON_GetObjectItemCaseSensitive(json, "resultT");
	const cJSON *function = cJSON_GetObjectItemCaseSensitive(json, "function");
	uint64_t time_us = 0;
	cJSON *child;

	ret->shape = SHAPE_XALT_LINK;
	xalt_uuid(r, result, "uuid", ret->uuid);
	if (!xalt_time(r, result, "build_epoch", &time_us))
		xalt_refuse(r, "build_epoch", "is missing");
	if (r->error)
		return;
	xalt_put_id(r, "link_id", ret->uuid, time_us);
	xalt_put_uuid(r, r->record, "watermark", ret->uuid);
	xalt_put_text(r, r->record, "source", "xalt");
	xalt_put_text(r, r->record, "host", xalt_text(r, result, "build_host") ?: "");
	xalt_put_text(r, r->record, "cluster", xalt_text(r, result, "build_syshost"));
	xalt_put_text(r, r->record, "user", xalt_text(r, result, "build_user"));
	xalt_put_text(r, r->record, "cwd", xalt_text(r, result, "wd"));
	xalt_put_time(r, "time", time_us);
	child = cJSON_AddObjectToObject(r->record, "output");
	xalt_put_text(r, child, "path", xalt_text(r, result, "exec_path"));
	child = cJSON_AddObjectToObject(r->record, "driver");
	xalt_put_text(r, child, "path", xalt_text(r, result, "link_path"));
	child = cJSON_AddObjectToObject(r->record, "compiler");
	xalt_put_text(r, child, "name", xalt_text(r, result, "link_program"));
	child = cJSON_AddObjectToObject(r->record, "xalt");
	xalt_put_text(r, child, "hash_id", xalt_text(r, result, "hash_id"));
	xalt_put_texts(r, r->record, "link_line", "link_line",
		       cJSON_GetObjectItemCaseSensitive(json, "link_line"), true);
	child = cJSON_AddObjectToObject(r->record, "symbols");
	xalt_put_texts(r, child, "imported_names", "function", function, false);
	put_inputs(r, cJSON_GetObjectItemCaseSensitive(json, "linkA"));
}

static void read_package(struct xalt_reading *r, const cJSON *json, struct xalt_record *ret)
{
	static const char *const fields[][2] = {
		{"program", "program"},
		{"name", "package_name"},
		{"version", "package_version"},
		{"path", "package_path"},
	};

	ret->shape = SHAPE_XALT_PACKAGE;
	xalt_uuid(r, json, "xalt_run_uuid", ret->uuid);
	if (r->error)
		return;
	xalt_put_uuid(r, r->record, "run_ref", ret->uuid);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		xalt_put_text(r, r->record, fields[i][0], xalt_text(r, json, fields[i][1]));
}

static int read_any(struct xalt_reading *r, const cJSON *json, struct xalt_record *ret)
{
	if (cJSON_GetObjectItemCaseSensitive(json, "userT"))
		xalt_run_read(r, json, ret);
	else if (cJSON_GetObjectItemCaseSensitive(json, "resultT"))
		read_link(r, json, ret);
	else if (cJSON_GetObjectItemCaseSensitive(json, "xalt_run_uuid"))
		read_package(r, json, ret);
	else
		xalt_refuse(r, "",
			    "is no record of XALT: it has neither userT nor resultT nor "
			    "xalt_run_uuid");
	return r->error;
}

int xalt_record_read(struct bytes text, const struct xalt_context *context, struct xalt_record *ret,
		     struct problem *problem)
{
	struct xalt_reading reading = {.problem = problem, .context = context};
	cJSON *json;
	int r = xalt_text_parse(text, &json, problem);

	*ret = (struct xalt_record){};
	if (r == 0) {
		reading.record = ret->record = cJSON_CreateObject();
		r = read_any(&reading, json, ret);
	}
	if (r == 0 && xalt_text_crc(text) == XALT_CRC_WRONG) {
		ret->is_damaged = true;
		xalt_put_incomplete(&reading, "record: its checksum is wrong");
		r = reading.error;
	}
	if (arena_is_exhausted())
		return problem_set(problem, "", "holds too many values");
	return r;
}
