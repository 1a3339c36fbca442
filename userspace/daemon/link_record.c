/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One table says what a link record may hold. Text is taken by its exact bytes and written anew, so
 * that the two forms of a text that isn't UTF-8 always agree.
 */
#include "link_record.h"

#include "common/text.h"

#include <errno.h>

enum field_type {
	FIELD_TEXT,
	FIELD_TEXTS, /* array of text, with its _b64 sibling */
	FIELD_HEX,   /* lower case, whole bytes */
	FIELD_UUID,
	FIELD_NUMBER, /* not negative */
	FIELD_COUNT,  /* a whole one */
	FIELD_TIME,
	FIELD_CHOICE, /* one of the words in choices */
	FIELD_OBJECT,
	FIELD_OBJECTS,
};

struct field {
	const char *name;
	enum field_type type;
	size_t max;		     /* bytes of a text, members of an array, the largest number */
	bool is_required;	     /* else null where it is refused or missing */
	const struct field *members; /* of objects; ends with a nameless one */
	const char *choices;	     /* blanks around each */
};

static const struct field output_fields[] = {
	{"path", FIELD_TEXT, LINK_TEXT_MAX, true, NULL, NULL},
	{"build_id", FIELD_HEX, 128, false, NULL, NULL},
	{"size", FIELD_COUNT, 1ULL << 53, false, NULL, NULL},
	{"type", FIELD_CHOICE, 0, true, NULL, " exec pie shared static "},
	{},
};
static const struct field linker_fields[] = {
	{"path", FIELD_TEXT, LINK_TEXT_MAX, true, NULL, NULL},
	{"version", FIELD_TEXT, LINK_TEXT_MAX, false, NULL, NULL},
	{},
};
static const struct field driver_fields[] = {
	{"path", FIELD_TEXT, LINK_TEXT_MAX, false, NULL, NULL},
	{"argv", FIELD_TEXTS, LINK_ARGUMENTS_MAX, false, NULL, NULL},
	{},
};
static const struct field compiler_fields[] = {
	{"name", FIELD_TEXT, LINK_TEXT_MAX, false, NULL, NULL},
	{"version", FIELD_TEXT, LINK_TEXT_MAX, false, NULL, NULL},
	{"text", FIELD_TEXT, LINK_TEXT_MAX, false, NULL, NULL},
	{},
};
static const struct field input_fields[] = {
	{"path", FIELD_TEXT, LINK_TEXT_MAX, true, NULL, NULL},
	{"kind", FIELD_CHOICE, 0, true, NULL, " object archive shared script other "},
	{"build_id", FIELD_HEX, 128, false, NULL, NULL},
	{"watermark", FIELD_UUID, 0, false, NULL, NULL},
	{},
};
static const struct field symbols_fields[] = {
	{"imported", FIELD_COUNT, 1ULL << 53, true, NULL, NULL},
	{"exported", FIELD_COUNT, 1ULL << 53, true, NULL, NULL},
	{"imported_names", FIELD_TEXTS, LINK_SYMBOLS_MAX, false, NULL, NULL},
	{"exported_names", FIELD_TEXTS, LINK_SYMBOLS_MAX, false, NULL, NULL},
	{},
};
static const struct field link_fields[] = {
	{"link_id", FIELD_UUID, 0, true, NULL, NULL},
	{"watermark", FIELD_UUID, 0, false, NULL, NULL},
	{"output", FIELD_OBJECT, 0, true, output_fields, NULL},
	{"linker", FIELD_OBJECT, 0, true, linker_fields, NULL},
	{"link_line", FIELD_TEXTS, LINK_ARGUMENTS_MAX, false, NULL, NULL},
	{"driver", FIELD_OBJECT, 0, false, driver_fields, NULL},
	{"compiler", FIELD_OBJECT, 0, false, compiler_fields, NULL},
	{"compilers", FIELD_TEXTS, LINK_COMPILERS_MAX, false, NULL, NULL},
	{"inputs", FIELD_OBJECTS, LINK_INPUTS_MAX, false, input_fields, NULL},
	{"language", FIELD_CHOICE, 0, false, NULL,
	 " c c++ fortran ada d go haskell modula-2 rust "},
	{"symbols", FIELD_OBJECT, 0, false, symbols_fields, NULL},
	{"cwd", FIELD_TEXT, LINK_TEXT_MAX, false, NULL, NULL},
	{"modules", FIELD_TEXT, LINK_MODULES_MAX, false, NULL, NULL},
	{"time", FIELD_TIME, 0, true, NULL, NULL},
	{"elapsed_s", FIELD_NUMBER, 1ULL << 53, false, NULL, NULL},
	{"own_s", FIELD_NUMBER, 1ULL << 53, false, NULL, NULL},
	{},
};

/* Each copy function adds field to record: 0, -EINVAL refused (nothing added), -ENOENT absent or
 * null, -ENOMEM. */
static int copy_members(const cJSON *message, cJSON *record, const struct field *fields,
			const char *above, cJSON *incomplete);

static int copy_text(const cJSON *message, cJSON *record, const struct field *field)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = record_get_text(message, field->name, &text, &len);

	if (r < 0)
		return r;
	if (len > field->max)
		return -EINVAL;
	return record_add_text(record, field->name, (struct bytes){text, len}) ? 0 : -ENOMEM;
}

/* One member's exact bytes, decoded into a string of its own if they stand in base64. */
static int member_bytes(const cJSON *member, const cJSON *base64, struct bytes *ret, char **ret_own)
{
	size_t len;
	int r;

	if (!cJSON_IsString(member))
		return -EINVAL;
	if (!base64 || cJSON_IsNull(base64)) {
		*ret = bytes_of(member->valuestring);
		return 0;
	}
	if (!cJSON_IsString(base64))
		return -EINVAL;
	r = text_from_base64(base64->valuestring, ret_own, &len);
	if (r < 0)
		return r;
	*ret = (struct bytes){*ret_own, len};
	return 0;
}

static int copy_texts(const cJSON *message, cJSON *record, const struct field *field)
{
	const cJSON *array = cJSON_GetObjectItemCaseSensitive(message, field->name), *member;
	const cJSON *base64_array, *base64 = NULL;
	_cleanup_free_ struct bytes *items = NULL;
	_cleanup_free_ char **own = NULL;
	char name[64];
	size_t count, i = 0;
	int r = 0;

	if (!array || cJSON_IsNull(array))
		return -ENOENT;
	snprintf(name, sizeof(name), "%s_b64", field->name);
	base64_array = cJSON_GetObjectItemCaseSensitive(message, name);
	count = cJSON_IsArray(array) ? (size_t)cJSON_GetArraySize(array) : SIZE_MAX;
	if (count > field->max ||
	    (base64_array &&
	     (!cJSON_IsArray(base64_array) || (size_t)cJSON_GetArraySize(base64_array) != count)))
		return -EINVAL;
	items = calloc(count + 1, sizeof(items[0]));
	own = calloc(count + 1, sizeof(own[0]));
	if (!items || !own)
		return -ENOMEM;
	base64 = base64_array ? base64_array->child : NULL;
	cJSON_ArrayForEach (member, array) {
		r = member_bytes(member, base64, &items[i], &own[i]);
		i++;
		if (r < 0)
			break;
		base64 = base64 ? base64->next : NULL;
	}
	if (r >= 0 && !record_add_texts(record, field->name, items, count))
		r = -ENOMEM;
	for (size_t j = 0; j < i; j++)
		free(own[j]);
	return r;
}

static int copy_hex(const cJSON *message, cJSON *record, const struct field *field)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(message, field->name);
	size_t len;

	if (!item || cJSON_IsNull(item))
		return -ENOENT;
	if (!cJSON_IsString(item))
		return -EINVAL;
	len = strlen(item->valuestring);
	if (!len || len > field->max || len % 2 ||
	    strspn(item->valuestring, "0123456789abcdef") != len)
		return -EINVAL;
	return record_add_text(record, field->name, bytes_of(item->valuestring)) ? 0 : -ENOMEM;
}

static int copy_uuid(const cJSON *message, cJSON *record, const struct field *field)
{
	uint8_t uuid[16];
	int r = record_get_uuid(message, field->name, uuid);

	if (r < 0)
		return r;
	return record_add_uuid(record, field->name, uuid) ? 0 : -ENOMEM;
}

static int copy_number(const cJSON *message, cJSON *record, const struct field *field)
{
	double value;
	int r = record_get_number(message, field->name, &value);

	if (r < 0)
		return r;
	if (!(value >= 0 && value <= (double)field->max))
		return -EINVAL;
	if (field->type == FIELD_COUNT && value != (double)(uint64_t)value)
		return -EINVAL;
	return record_add_number(record, field->name, value) ? 0 : -ENOMEM;
}

static int copy_time(const cJSON *message, cJSON *record, const struct field *field)
{
	uint64_t time_ns;
	int r = record_get_time(message, field->name, &time_ns);

	if (r < 0)
		return r;
	return record_add_time(record, field->name, time_ns) ? 0 : -ENOMEM;
}

static int copy_choice(const cJSON *message, cJSON *record, const struct field *field)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(message, field->name);
	char word[32];

	if (!item || cJSON_IsNull(item))
		return -ENOENT;
	if (!cJSON_IsString(item) || strchr(item->valuestring, ' ') ||
	    snprintf(word, sizeof(word), " %s ", item->valuestring) >= (int)sizeof(word) ||
	    !strstr(field->choices, word))
		return -EINVAL;
	return record_add_text(record, field->name, bytes_of(item->valuestring)) ? 0 : -ENOMEM;
}

static int copy_object(const cJSON *message, cJSON *record, const struct field *field,
		       cJSON *incomplete)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(message, field->name);
	_cleanup_json_ cJSON *object = NULL;
	int r;

	if (!item || cJSON_IsNull(item))
		return -ENOENT;
	if (!cJSON_IsObject(item))
		return -EINVAL;
	object = cJSON_CreateObject();
	if (!object)
		return -ENOMEM;
	r = copy_members(item, object, field->members, field->name, incomplete);
	if (r < 0)
		return r;
	if (!cJSON_AddItemToObject(record, field->name, object))
		return -ENOMEM;
	object = NULL;
	return 0;
}

static int copy_objects(const cJSON *message, cJSON *record, const struct field *field,
			cJSON *incomplete)
{
	const cJSON *items = cJSON_GetObjectItemCaseSensitive(message, field->name), *item;
	_cleanup_json_ cJSON *array = NULL;

	if (!items || cJSON_IsNull(items))
		return -ENOENT;
	if (!cJSON_IsArray(items) || (size_t)cJSON_GetArraySize(items) > field->max)
		return -EINVAL;
	array = cJSON_CreateArray();
	if (!array)
		return -ENOMEM;
	cJSON_ArrayForEach (item, items) {
		cJSON *object = cJSON_CreateObject();
		int r;

		if (!object || !cJSON_AddItemToArray(array, object))
			return -ENOMEM;
		if (!cJSON_IsObject(item))
			return -EINVAL;
		r = copy_members(item, object, field->members, field->name, incomplete);
		if (r < 0)
			return r;
	}
	if (!cJSON_AddItemToObject(record, field->name, array))
		return -ENOMEM;
	array = NULL;
	return 0;
}

static int copy_field(const cJSON *message, cJSON *record, const struct field *field,
		      cJSON *incomplete)
{
	switch (field->type) {
	case FIELD_TEXT:
		return copy_text(message, record, field);
	case FIELD_TEXTS:
		return copy_texts(message, record, field);
	case FIELD_HEX:
		return copy_hex(message, record, field);
	case FIELD_UUID:
		return copy_uuid(message, record, field);
	case FIELD_NUMBER:
	case FIELD_COUNT:
		return copy_number(message, record, field);
	case FIELD_TIME:
		return copy_time(message, record, field);
	case FIELD_CHOICE:
		return copy_choice(message, record, field);
	case FIELD_OBJECT:
		return copy_object(message, record, field, incomplete);
	case FIELD_OBJECTS:
		return copy_objects(message, record, field, incomplete);
	}
	return -EINVAL;
}

static int add_incomplete(cJSON *incomplete, const char *above, const char *name)
{
	char text[128];
	cJSON *item;

	if (cJSON_GetArraySize(incomplete) >= LINK_INCOMPLETE_MAX)
		return 0;
	snprintf(text, sizeof(text), "%s%s%s: refused, not what it should be", above,
		 above[0] ? "." : "", name);
	item = cJSON_CreateString(text);
	return cJSON_AddItemToArray(incomplete, item) ? 0 : -ENOMEM;
}

/* -EINVAL if a required one is missing or refused. */
static int copy_members(const cJSON *message, cJSON *record, const struct field *fields,
			const char *above, cJSON *incomplete)
{
	for (const struct field *field = fields; field->name; field++) {
		int r = copy_field(message, record, field, incomplete);

		if (!r)
			continue;
		if (r == -ENOMEM)
			return r;
		if (field->is_required)
			return -EINVAL;
		if (r != -ENOENT && add_incomplete(incomplete, above, field->name) < 0)
			return -ENOMEM;
		if (!record_add_null(record, field->name))
			return -ENOMEM;
	}
	return 0;
}

/* What the sender says of its own gaps: short texts of the one form, no more than there is room
 * for. */
static int copy_incomplete(const cJSON *message, cJSON *incomplete)
{
	const cJSON *items = cJSON_GetObjectItemCaseSensitive(message, "incomplete"), *item;

	if (!items || cJSON_IsNull(items))
		return 0;
	if (!cJSON_IsArray(items))
		return add_incomplete(incomplete, "", "incomplete");
	cJSON_ArrayForEach (item, items) {
		const char *text = cJSON_IsString(item) ? item->valuestring : "";
		size_t fact = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_.");

		if (cJSON_GetArraySize(incomplete) >= LINK_INCOMPLETE_MAX / 2)
			break;
		if (!fact || strncmp(text + fact, ": ", 2) || !text[fact + 2] ||
		    strlen(text) > 256 || !text_is_utf8(bytes_of(text)))
			continue;
		if (!cJSON_AddItemToArray(incomplete, cJSON_CreateString(text)))
			return -ENOMEM;
	}
	return 0;
}

int link_record_make(struct bytes message, uid_t uid, gid_t gid, pid_t pid, cJSON **ret)
{
	_cleanup_json_ cJSON *sent = NULL, *record = NULL, *incomplete = NULL;
	char kind[32];
	int r = record_parse(message, &sent);

	if (r < 0)
		return r;
	if (!record_kind(sent, kind, sizeof(kind)) || strcmp(kind, "link"))
		return -EINVAL;
	record = cJSON_CreateObject();
	incomplete = cJSON_CreateArray();
	if (!record || !incomplete ||
	    !record_add_text(record, "schema", bytes_of(RECORD_SCHEMA("link"))))
		return -ENOMEM;
	r = copy_incomplete(sent, incomplete);
	if (r >= 0)
		r = copy_members(sent, record, link_fields, "", incomplete);
	if (r < 0)
		return r;
	if (!record_add_number(record, "uid", uid) || !record_add_number(record, "gid", gid) ||
	    !record_add_number(record, "pid", pid) ||
	    !cJSON_AddItemToObject(record, "incomplete", incomplete))
		return -ENOMEM;
	incomplete = NULL;
	*ret = TAKE_PTR(record);
	return 0;
}
