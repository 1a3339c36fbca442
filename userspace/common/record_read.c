/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading. Lines come from files that anybody may have written, and cJSON is trusting: it recurses
 * as deep as it is told, takes bytes that aren't UTF-8, and reads \u0000 and \uZZZZ as the end of a
 * string. So a line is scanned first, and what cJSON would read otherwise than we do is refused:
 * -EINVAL for raw control characters and for \u0000 (records show NUL as U+FFFD and keep it in
 * _b64). Lone surrogates cJSON refuses itself; a unit test holds it to that.
 */
#include "common/record.h"
#include "common/text.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <uuid/uuid.h>

#define EXACT_MAX    9007199254740992.0
#define NAME_MAX_LEN 64 /* bytes of one member's name in a path */

/* The escape behind the backslash at line[pos]: its length, or 0 if it is none that we take. */
static size_t escape_length(struct bytes line, size_t pos)
{
	const char *p = line.data + pos;

	if (line.len - pos < 2)
		return 0;
	if (p[1] != 'u')
		return strchr("\"\\/bfnrt", p[1]) && p[1] ? 2 : 0;
	if (line.len - pos < 6)
		return 0;
	for (size_t i = 2; i < 6; i++)
		if (!isxdigit((unsigned char)p[i]))
			return 0;
	return memcmp(p + 2, "0000", 4) ? 6 : 0;
}

/* Position behind the string that begins at line[pos], or 0 if it doesn't end or has what we
 * refuse. */
static size_t skip_string(struct bytes line, size_t pos)
{
	for (pos++; pos < line.len;) {
		uint8_t c = (uint8_t)line.data[pos];
		size_t n = 1;

		if (c == '"')
			return pos + 1;
		if (c < 0x20)
			return 0;
		if (c == '\\')
			n = escape_length(line, pos);
		if (!n)
			return 0;
		pos += n;
	}
	return 0;
}

static int check_line(struct bytes line)
{
	size_t depth = 0, pos = 0;

	while (pos < line.len) {
		char c = line.data[pos];

		if (c == '"') {
			pos = skip_string(line, pos);
			if (!pos)
				return -EINVAL;
			continue;
		}
		if ((uint8_t)c < 0x20 && c != '\t' && c != '\r' && c != '\n')
			return -EINVAL;
		if ((c == '{' || c == '[') && ++depth > RECORD_DEPTH_MAX)
			return -ELOOP;
		if ((c == '}' || c == ']') && depth-- == 0)
			return -EINVAL;
		pos++;
	}
	return depth ? -EINVAL : 0;
}

int record_parse(struct bytes line, cJSON **ret)
{
	_cleanup_json_ cJSON *record = NULL;
	const char *end = NULL;
	int r;

	if (line.len > RECORD_LINE_MAX)
		return -E2BIG;
	if (!line.len || !text_is_utf8(line))
		return -EINVAL;
	r = check_line(line);
	if (r < 0)
		return r;
	/* cJSON doesn't tell a wrong text from a lack of memory; the former is far likelier. */
	record = cJSON_ParseWithLengthOpts(line.data, line.len, &end, false);
	if (!cJSON_IsObject(record))
		return -EINVAL;
	for (; end < line.data + line.len; end++)
		if (!strchr(" \t\r\n", *end))
			return -EINVAL;
	*ret = TAKE_PTR(record);
	return 0;
}

const char *record_kind(const cJSON *record, char *out, size_t size)
{
	static const char prefix[] = "runmark.";
	const cJSON *schema = cJSON_GetObjectItemCaseSensitive(record, "schema");
	const char *kind, *version;
	size_t len;

	if (!cJSON_IsString(schema) || strncmp(schema->valuestring, prefix, strlen(prefix)))
		return NULL;
	kind = schema->valuestring + strlen(prefix);
	len = strspn(kind, "abcdefghijklmnopqrstuvwxyz0123456789_-");
	version = kind + len + 1;
	if (!len || len >= size || kind[len] != '/' || !*version ||
	    version[strspn(version, "0123456789")])
		return NULL;
	memcpy(out, kind, len);
	out[len] = '\0';
	return out;
}

/* The object that holds path's last member, whose name goes to name. NULL if it isn't there. */
static const cJSON *find_parent(const cJSON *record, const char *path, const char **ret_name)
{
	const char *dot;

	while (record && (dot = strchr(path, '.'))) {
		char name[NAME_MAX_LEN];

		if ((size_t)(dot - path) >= sizeof(name))
			return NULL;
		memcpy(name, path, dot - path);
		name[dot - path] = '\0';
		record = cJSON_GetObjectItemCaseSensitive(record, name);
		path = dot + 1;
	}
	*ret_name = path;
	return cJSON_IsObject(record) ? record : NULL;
}

const cJSON *record_get(const cJSON *record, const char *path)
{
	const char *name;
	const cJSON *parent = find_parent(record, path, &name);

	return parent ? cJSON_GetObjectItemCaseSensitive(parent, name) : NULL;
}

/* The member at path if it is one of the types in mask. 0, -ENOENT or -EINVAL. */
static int get_typed(const cJSON *record, const char *path, int mask, const cJSON **ret)
{
	const cJSON *item = record_get(record, path);

	if (!item || cJSON_IsNull(item))
		return -ENOENT;
	if (!(item->type & mask))
		return -EINVAL;
	*ret = item;
	return 0;
}

int record_get_text(const cJSON *record, const char *path, char **ret, size_t *ret_len)
{
	char exact_name[NAME_MAX_LEN + 4];
	const cJSON *parent, *exact, *text;
	const char *name;
	char *copy;
	size_t len;
	int r;

	parent = find_parent(record, path, &name);
	if (!parent)
		return -ENOENT;
	if (snprintf(exact_name, sizeof(exact_name), "%s_b64", name) >= (int)sizeof(exact_name))
		return -EINVAL;
	exact = cJSON_GetObjectItemCaseSensitive(parent, exact_name);
	if (exact && !cJSON_IsNull(exact)) {
		if (!cJSON_IsString(exact))
			return -EINVAL;
		r = text_from_base64(exact->valuestring, &copy, &len);
	} else {
		r = get_typed(parent, name, cJSON_String, &text);
		if (r < 0)
			return r;
		len = strlen(text->valuestring);
		copy = strdup(text->valuestring);
		r = copy ? 0 : -ENOMEM;
	}
	if (r < 0)
		return r;
	*ret = copy;
	if (ret_len)
		*ret_len = len;
	return 0;
}

int record_get_number(const cJSON *record, const char *path, double *ret)
{
	const cJSON *item;
	/* Raw: a number of record_add_number's that cJSON wouldn't print whole. */
	int r = get_typed(record, path, cJSON_Number | cJSON_Raw, &item);
	double value;

	if (r < 0)
		return r;
	value = cJSON_IsRaw(item) ? strtod(item->valuestring, NULL) : item->valuedouble;
	if (!isfinite(value))
		return -EINVAL;
	*ret = value;
	return 0;
}

static int parse_u64(const char *text, uint64_t *ret)
{
	uint64_t value = 0;

	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9' || __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
			return -EINVAL;
	}
	*ret = value;
	return 0;
}

int record_get_u64(const cJSON *record, const char *path, uint64_t *ret)
{
	const cJSON *item;
	double value;
	int r = get_typed(record, path, cJSON_Number | cJSON_Raw | cJSON_String, &item);

	if (r < 0)
		return r;
	if (cJSON_IsString(item))
		return parse_u64(item->valuestring, ret);
	r = record_get_number(record, path, &value);
	if (r < 0)
		return r;
	if (value < 0 || value > EXACT_MAX || value != trunc(value))
		return -EINVAL;
	*ret = (uint64_t)value;
	return 0;
}

int record_get_bool(const cJSON *record, const char *path, bool *ret)
{
	const cJSON *item;
	int r = get_typed(record, path, cJSON_True | cJSON_False, &item);

	if (r < 0)
		return r;
	*ret = cJSON_IsTrue(item);
	return 0;
}

int record_get_time(const cJSON *record, const char *path, uint64_t *ret_unix_ns)
{
	const cJSON *item;
	int r = get_typed(record, path, cJSON_String, &item);

	return r < 0 ? r : record_time_parse(item->valuestring, ret_unix_ns);
}

int record_get_uuid(const cJSON *record, const char *path, uint8_t ret[16])
{
	const cJSON *item;
	uuid_t uuid;
	int r = get_typed(record, path, cJSON_String, &item);

	if (r < 0)
		return r;
	if (uuid_parse(item->valuestring, uuid))
		return -EINVAL;
	memcpy(ret, uuid, sizeof(uuid));
	return 0;
}
