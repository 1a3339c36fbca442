/* SPDX-License-Identifier: BSD-2-Clause */
/* Header and trailer of a spool file. */
#include "ingest/file.h"
#include "common/record.h"

#include <errno.h>
#include <uuid/uuid.h>

/* A text that must be there and fit. */
static int get_text(const cJSON *record, const char *name, char *ret, size_t size,
		    struct problem *problem)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(record, name);

	if (!cJSON_IsString(item))
		return problem_set(problem, name, "is not a text");
	if (strlen(item->valuestring) >= size)
		return problem_set(problem, name, "is longer than %zu bytes", size - 1);
	strcpy(ret, item->valuestring);
	return 0;
}

static int get_number(const cJSON *record, const char *name, uint64_t *ret, struct problem *problem)
{
	uint64_t value;

	if (record_get_u64(record, name, &value) < 0 || value > INT64_MAX)
		return problem_set(problem, name, "is not a whole number below 2^63");
	*ret = value;
	return 0;
}

/* Who wrote it: in header and trailer alike. */
static int get_who(const cJSON *record, struct spool_name *ret, struct problem *problem)
{
	struct spool_name who = {};
	uuid_t boot_id;
	int r = get_text(record, "host", who.host, sizeof(who.host), problem);

	if (r == 0)
		r = get_text(record, "boot_id", who.boot_id, sizeof(who.boot_id), problem);
	if (r == 0 && uuid_parse(who.boot_id, boot_id) < 0)
		r = problem_set(problem, "boot_id", "is not a UUID");
	if (r == 0)
		r = get_text(record, "instance", who.instance, sizeof(who.instance), problem);
	if (r == 0 && strspn(who.instance, "0123456789abcdef") != 16)
		r = problem_set(problem, "instance", "is not 16 hex digits");
	if (r == 0)
		r = get_number(record, "number", &who.number, problem);
	if (r == 0)
		*ret = who;
	return r;
}

static bool is_same(const struct spool_name *a, const struct spool_name *b)
{
	return !strcmp(a->host, b->host) && !strcasecmp(a->boot_id, b->boot_id) &&
	       !strcmp(a->instance, b->instance) && a->number == b->number;
}

static int take_header(struct file *file, const cJSON *record, struct problem *problem)
{
	struct spool_name who, named;
	char previous[SPOOL_NAME_MAX] = "";
	uint64_t first_seq = 0, opened_ns = 0;
	int r = get_who(record, &who, problem);

	if (r == 0)
		r = get_number(record, "first_seq", &first_seq, problem);
	if (r == 0 && !cJSON_IsNull(record_get(record, "previous")))
		r = get_text(record, "previous", previous, sizeof(previous), problem);
	if (r == 0 && record_get(record, "version"))
		r = get_text(record, "version", file->version, sizeof(file->version), problem);
	if (r == 0)
		r = get_text(record, "cluster", file->cluster, sizeof(file->cluster), problem);
	if (r < 0)
		return r;
	if (file->has_header)
		return problem_set(problem, "part", "a second header");
	(void)record_get_time(record, "opened", &opened_ns);
	file->has_header = true;
	file->who = who;
	file->first_seq = first_seq;
	file->opened_us = opened_ns / 1000;
	strcpy(file->previous, previous);
	if (file->line != 1)
		r = file_problem(file, "header", 0, 0, 0, "the header is line %llu, not the first",
				 (unsigned long long)file->line);
	if (r == 0 && spool_name_parse(file->name, &named) == 0 && !is_same(&named, &who))
		r = file_problem(file, "name", 0, 0, 0, "the header is that of another file name");
	if (r == 0 && !file->has_gaps) {
		gaps_init(&file->gaps, first_seq);
		file->has_gaps = true;
	}
	return r;
}

/* What was lost, by cause, goes straight into the database. */
static int put_lost(struct file *file, const cJSON *record)
{
	const cJSON *lost = cJSON_GetObjectItemCaseSensitive(record, "lost"), *cause;
	struct backend *db = file->loader->db;
	struct value row[SPOOL_COUNT_COLUMNS];

	cJSON_ArrayForEach (cause, lost) {
		int r;

		if (!cause->string || !cJSON_IsNumber(cause))
			continue;
		row[SPOOL_COUNT_SPOOL_FILE] = value_integer(file->id);
		row[SPOOL_COUNT_KIND] = value_text(bytes_of("lost"));
		row[SPOOL_COUNT_NAME] = value_text(bytes_of(cause->string));
		row[SPOOL_COUNT_STATED] = value_integer((int64_t)cause->valuedouble);
		row[SPOOL_COUNT_FOUND] = value_null();
		r = db->ops->insert(db, &mapping_spool_count, INSERT_KEEP, row, NULL, NULL);
		if (r < 0)
			return r;
	}
	return 0;
}

static int take_trailer(struct file *file, const cJSON *record, struct problem *problem)
{
	const cJSON *counts = cJSON_GetObjectItemCaseSensitive(record, "counts"), *count;
	struct spool_name who;
	uint64_t last_seq = 0, lines = 0, closed_ns = 0;
	int r = get_who(record, &who, problem);

	if (r == 0)
		r = get_number(record, "last_seq", &last_seq, problem);
	if (r == 0)
		r = get_number(record, "lines", &lines, problem);
	if (r == 0 && !cJSON_IsObject(counts))
		r = problem_set(problem, "counts", "is not an object");
	if (r < 0)
		return r;
	if (file->has_trailer)
		return problem_set(problem, "part", "a second trailer");
	if (file->has_header && !is_same(&who, &file->who))
		return problem_set(problem, "", "the trailer is that of another file");
	file->who = who;
	cJSON_ArrayForEach (count, counts) {
		struct kind_count *kind = count->string ? file_kind(file, count->string) : NULL;

		if (!kind || !cJSON_IsNumber(count) || !(count->valuedouble >= 0))
			continue;
		kind->stated = (uint64_t)MIN(count->valuedouble, 9007199254740992.0);
		kind->is_stated = true;
	}
	(void)record_get_time(record, "closed", &closed_ns);
	(void)record_get_bool(record, "mended", &file->is_mended);
	file->has_trailer = true;
	file->trailer_line = file->line;
	file->last_seq = last_seq;
	file->stated_lines = lines;
	file->closed_us = closed_ns / 1000;
	return put_lost(file, record);
}

int file_take_end(struct file *file, const cJSON *record, struct problem *problem)
{
	const cJSON *part = cJSON_GetObjectItemCaseSensitive(record, "part");

	if (cJSON_IsString(part) && !strcmp(part->valuestring, "header"))
		return take_header(file, record, problem);
	if (cJSON_IsString(part) && !strcmp(part->valuestring, "trailer"))
		return take_trailer(file, record, problem);
	return problem_set(problem, "part", "is neither header nor trailer");
}
