/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows to records by table: field.h. */
#include "cli/field.h"
#include "common/record.h"
#include "common/text.h"
#include <errno.h>

#define MEMBER_MAX 64
#define HEX_MAX	   64 /* bytes of a build-id */

char *record_fields_select(const struct field_list *fields, const char *tail)
{
	char *sql = NULL;
	size_t size;
	FILE *out = open_memstream(&sql, &size);

	if (!out)
		return NULL;
	for (size_t i = 0; i < fields->count; i++)
		fprintf(out, "%s%s", i ? ", " : "SELECT ", fields->items[i].column);
	fprintf(out, " FROM %s", tail);
	if (fclose(out) != 0) {
		free(sql);
		return NULL;
	}
	return sql;
}

/*
 * The object that shall hold the member, and the member's own name. An object is null in the record
 * until one of its members has a value (wanted); then it stands where the null stood. *ret NULL:
 * not there.
 */
static int find_object(cJSON *record, const char *path, bool wanted, cJSON **ret,
		       const char **ret_name)
{
	const char *dot = strchr(path, '.');
	char name[MEMBER_MAX];
	cJSON *item;

	*ret_name = dot ? dot + 1 : path;
	*ret = record;
	if (!dot)
		return 0;
	if ((size_t)(dot - path) >= sizeof(name))
		return -EBADMSG;
	memcpy(name, path, (size_t)(dot - path));
	name[dot - path] = '\0';
	item = cJSON_GetObjectItemCaseSensitive(record, name);
	if (!item) {
		item = cJSON_AddNullToObject(record, name);
		if (!item)
			return -ENOMEM;
	}
	if (cJSON_IsNull(item) && wanted) {
		item = cJSON_CreateObject();
		if (!item || !cJSON_ReplaceItemInObjectCaseSensitive(record, name, item)) {
			cJSON_Delete(item);
			return -ENOMEM;
		}
	}
	*ret = cJSON_IsObject(item) ? item : NULL;
	return 0;
}

static int add_json(cJSON *object, const char *name, struct bytes text)
{
	cJSON *item = cJSON_ParseWithLength(text.data, text.len);

	if (!item)
		return -EBADMSG;
	if (cJSON_AddItemToObject(object, name, item))
		return 0;
	cJSON_Delete(item);
	return -ENOMEM;
}

static int add_hex(cJSON *object, const char *name, struct bytes data)
{
	char text[2 * HEX_MAX + 1];

	if (data.len > HEX_MAX)
		return -EBADMSG;
	text_to_hex(data.data, data.len, text);
	return cJSON_AddStringToObject(object, name, text) ? 0 : -ENOMEM;
}

static int add_integer(cJSON *object, const char *name, enum field_kind kind, int64_t value)
{
	bool ok = false;

	switch (kind) {
	case FIELD_NUMBER:
		ok = record_add_number(object, name, (double)value);
		break;
	case FIELD_BOOL:
		ok = cJSON_AddBoolToObject(object, name, value != 0);
		break;
	case FIELD_DECIMAL:
		ok = record_add_u64(object, name, (uint64_t)value);
		break;
	case FIELD_TIME:
		if (value < 0 || (uint64_t)value > UINT64_MAX / 1000)
			return -EBADMSG;
		ok = record_add_time(object, name, (uint64_t)value * 1000);
		break;
	case FIELD_DURATION:
		ok = record_add_number(object, name, (double)value / 1e6);
		break;
	default:
		return -EBADMSG;
	}
	return ok ? 0 : -ENOMEM;
}

static int add_value(const struct field *field, struct query *query, int column, cJSON *object,
		     const char *name)
{
	struct bytes data;

	switch (field->kind) {
	case FIELD_TEXT:
	case FIELD_BYTES:
		data = query_bytes(query, column);
		return record_add_text(object, name, data) ? 0 : -ENOMEM;
	case FIELD_UUID:
		data = query_bytes(query, column);
		if (data.len != 16)
			return -EBADMSG;
		return record_add_uuid(object, name, (const uint8_t *)data.data) ? 0 : -ENOMEM;
	case FIELD_HEX:
		return add_hex(object, name, query_bytes(query, column));
	case FIELD_JSON:
		return add_json(object, name, query_bytes(query, column));
	default:
		return add_integer(object, name, field->kind, query_int(query, column));
	}
}

int record_fields_add(const struct field_list *fields, struct query *query, cJSON *record)
{
	for (size_t i = 0; i < fields->count; i++) {
		const struct field *field = &fields->items[i];
		bool is_null = query_is_null(query, (int)i);
		bool wanted = !is_null || (field->flags & FIELD_LIST);
		const char *name;
		cJSON *object;
		int r;

		if (field->kind == FIELD_NONE)
			continue;
		r = find_object(record, field->path, wanted, &object, &name);

		if (r < 0)
			return r;
		if (!object || (is_null && (field->flags & FIELD_OPTIONAL)))
			continue;
		if (!is_null)
			r = add_value(field, query, (int)i, object, name);
		else if (field->flags & FIELD_LIST)
			r = cJSON_AddArrayToObject(object, name) ? 0 : -ENOMEM;
		else
			r = record_add_null(object, name) ? 0 : -ENOMEM;
		if (r < 0)
			return r;
	}
	return 0;
}

int record_fields_add_rows(const struct field_list *fields, struct query *query, cJSON *list)
{
	int r;

	while ((r = query_step(query)) > 0) {
		cJSON *item = cJSON_CreateObject();

		if (!item || !cJSON_AddItemToArray(list, item)) {
			cJSON_Delete(item);
			return -ENOMEM;
		}
		r = record_fields_add(fields, query, item);
		if (r < 0)
			return r;
	}
	return r;
}
