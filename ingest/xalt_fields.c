/* SPDX-License-Identifier: BSD-2-Clause */
#include "ingest/xalt_fields.h"
#include "ingest/arena.h"
#include "common/id.h"
#include "common/record.h"
#include "common/text.h"

#include <errno.h>
#include <math.h>

#define SECONDS_MAX 9000000000.0 /* year 2255: what 64 bits of nanoseconds hold */

void xalt_refuse(struct xalt_reading *reading, const char *field, const char *reason)
{
	if (!reading->error)
		reading->error = problem_set(reading->problem, field, "%s", reason);
}

static const cJSON *get(const cJSON *from, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(from, name);

	return cJSON_IsNull(item) ? NULL : item;
}

const char *xalt_text(struct xalt_reading *reading, const cJSON *from, const char *name)
{
	const cJSON *item = get(from, name);

	if (!item)
		return NULL;
	if (!cJSON_IsString(item)) {
		xalt_refuse(reading, name, "is not a text");
		return NULL;
	}
	return *item->valuestring && strcmp(item->valuestring, "unknown") != 0 ? item->valuestring
									       : NULL;
}

bool xalt_number(struct xalt_reading *reading, const cJSON *from, const char *name, double *ret)
{
	const cJSON *item = get(from, name);
	double number = NAN;
	char *end;

	if (!item)
		return false;
	if (cJSON_IsNumber(item)) {
		number = item->valuedouble;
	} else if (cJSON_IsString(item)) {
		if (!xalt_text(reading, from, name))
			return false;
		number = strtod(item->valuestring, &end);
		if (*end)
			number = NAN;
	}
	if (!isfinite(number)) {
		xalt_refuse(reading, name, "is not a number");
		return false;
	}
	*ret = number;
	return true;
}

bool xalt_time(struct xalt_reading *reading, const cJSON *from, const char *name, uint64_t *ret_us)
{
	double seconds;

	if (!xalt_number(reading, from, name, &seconds))
		return false;
	if (!(seconds >= 0 && seconds < SECONDS_MAX)) {
		xalt_refuse(reading, name, "is not a time from 1970 to 2255");
		return false;
	}
	*ret_us = (uint64_t)(seconds * 1e6 + 0.5);
	return true;
}

void xalt_uuid(struct xalt_reading *reading, const cJSON *from, const char *name, uint8_t ret[16])
{
	const char *text = xalt_text(reading, from, name);

	if (!text)
		xalt_refuse(reading, name, "is missing");
	else if (uuid_parse(text, ret) < 0)
		xalt_refuse(reading, name, "is not a UUID");
}

const char *xalt_library(struct xalt_reading *reading, const char *field, const cJSON *entry)
{
	const cJSON *path = cJSON_IsArray(entry) ? entry->child : entry;

	if (cJSON_IsString(path))
		return path->valuestring;
	xalt_refuse(reading, field, "has a member that is no path");
	return NULL;
}

static void check_memory(struct xalt_reading *reading, bool is_done)
{
	if (!is_done && !reading->error)
		reading->error = -ENOMEM;
}

void xalt_put_text(struct xalt_reading *reading, cJSON *to, const char *name, const char *text)
{
	if (text && !reading->error)
		check_memory(reading, record_add_text(to, name, bytes_of(text)));
}

void xalt_put_uuid(struct xalt_reading *reading, cJSON *to, const char *name,
		   const uint8_t uuid[16])
{
	if (!reading->error)
		check_memory(reading, record_add_uuid(to, name, uuid));
}

void xalt_put_time(struct xalt_reading *reading, const char *name, uint64_t us)
{
	if (!reading->error)
		check_memory(reading, record_add_time(reading->record, name, us * 1000));
}

void xalt_put_id(struct xalt_reading *reading, const char *name, const uint8_t uuid[16],
		 uint64_t us)
{
	uuid_t id;

	id_foreign(uuid, us / 1000, id);
	xalt_put_uuid(reading, reading->record, name, id);
}

/* The argument without its secrets, to stay as long as the record. */
static struct bytes scrub(struct xalt_reading *reading, struct bytes argument)
{
	struct bytes scrubbed = scrub_argument(reading->context->scrub, argument);
	char *copy;

	if (scrubbed.data == argument.data)
		return argument;
	copy = arena_alloc(scrubbed.len + 1);
	if (!copy) {
		check_memory(reading, false);
		return argument;
	}
	memcpy(copy, scrubbed.data, scrubbed.len);
	return (struct bytes){copy, scrubbed.len};
}

void xalt_put_texts(struct xalt_reading *reading, cJSON *to, const char *name, const char *field,
		    const cJSON *array, bool is_command)
{
	size_t count = 0, size = (size_t)cJSON_GetArraySize(array);
	const cJSON *item;
	struct bytes *texts;

	if (!array || cJSON_IsNull(array) || reading->error)
		return;
	if (!cJSON_IsArray(array) || size > XALT_MEMBERS_MAX) {
		xalt_refuse(reading, field, "is not an array of at most 65536 texts");
		return;
	}
	texts = arena_alloc((size + 1) * sizeof(*texts));
	if (!texts) {
		check_memory(reading, false);
		return;
	}
	if (is_command && reading->context->scrub)
		scrub_begin(reading->context->scrub);
	cJSON_ArrayForEach (item, array) {
		if (!cJSON_IsString(item)) {
			xalt_refuse(reading, field, "has a member that is not a text");
			return;
		}
		texts[count] = bytes_of(item->valuestring);
		if (is_command && reading->context->scrub)
			texts[count] = scrub(reading, texts[count]);
		count++;
		if (is_command && reading->context->is_name_only)
			break;
	}
	if (!reading->error)
		check_memory(reading, record_add_texts(to, name, texts, count));
}

void xalt_put_member(struct xalt_reading *reading, cJSON *members, const char *path,
		     const char *kind)
{
	cJSON *member = cJSON_CreateObject();

	if (!member || !cJSON_AddItemToArray(members, member)) {
		check_memory(reading, false);
		return;
	}
	xalt_put_text(reading, member, "path", path);
	xalt_put_text(reading, member, "kind", kind);
}

void xalt_put_incomplete(struct xalt_reading *r, const char *what)
{
	cJSON *list = cJSON_GetObjectItemCaseSensitive(r->record, "incomplete");
	cJSON *text = cJSON_CreateString(what);

	if (!list)
		list = cJSON_AddArrayToObject(r->record, "incomplete");
	if (!text || !list || !cJSON_AddItemToArray(list, text))
		r->error = r->error ?: -ENOMEM;
}
