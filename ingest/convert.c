/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Conversions, one for each kind of column, in a table. A record was written by another program, of
 * another version, perhaps by nobody's good will: what doesn't fit is refused with a reason, never
 * bent into shape.
 */
#include "ingest/convert.h"
#include "ingest/arena.h"
#include "common/record.h"
#include "common/text.h"

#include <errno.h>
#include <math.h>
#include <time.h>
#include <uuid/uuid.h>

#define TEXT_MAX    255		       /* bytes, where the mapping doesn't say */
#define HEX_MAX	    64		       /* bytes */
#define EXACT_MAX   9007199254740992.0 /* 2^53: up to here doubles hold every whole number */
#define SECONDS_MAX 1e12	       /* 30,000 years: as microseconds well within 63 bits */

struct source {
	const struct column *column;
	const char *field;
	const cJSON *item, *exact;
	struct problem *problem;
};

#define refuse(source, ...) problem_set((source)->problem, (source)->field, __VA_ARGS__)

static int convert_text(const struct source *s, struct value *ret)
{
	size_t max = s->column->max ?: TEXT_MAX, len;

	if (!cJSON_IsString(s->item))
		return refuse(s, "is not a text");
	len = strlen(s->item->valuestring);
	if (len > max)
		return refuse(s, "is longer than %zu bytes", max);
	*ret = value_text((struct bytes){s->item->valuestring, len});
	return 0;
}

static int decode(const struct source *s, struct bytes *ret)
{
	_cleanup_free_ char *data = NULL;
	size_t len;
	char *copy;
	int r;

	if (!cJSON_IsString(s->exact))
		return refuse(s, "has a _b64 that is not a text");
	r = text_from_base64(s->exact->valuestring, &data, &len);
	if (r == -EINVAL)
		return refuse(s, "has a _b64 that is not base64");
	if (r < 0)
		return r;
	copy = arena_alloc(len + 1);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, data, len + 1);
	*ret = (struct bytes){copy, len};
	return 0;
}

static int convert_bytes(const struct source *s, struct value *ret)
{
	size_t max = s->column->max ?: RECORD_LINE_MAX;
	struct bytes bytes;
	int r;

	if (s->exact && !cJSON_IsNull(s->exact)) {
		r = decode(s, &bytes);
		if (r < 0)
			return r;
	} else if (cJSON_IsString(s->item)) {
		bytes = bytes_of(s->item->valuestring);
	} else {
		return refuse(s, "is not a text");
	}
	if (bytes.len > max)
		return refuse(s, "is longer than %zu bytes", max);
	*ret = value_bytes(bytes.data, bytes.len);
	return 0;
}

static int convert_name(const struct source *s, struct value *ret)
{
	int r = convert_bytes(s, ret);
	const char *slash;

	if (r < 0)
		return r;
	slash = memrchr(ret->bytes.data, '/', ret->bytes.len);
	if (slash) {
		ret->bytes.len -= slash + 1 - ret->bytes.data;
		ret->bytes.data = slash + 1;
	}
	return 0;
}

/* Decimal digits; false if there are others, or none, or too many for 64 bits. */
static bool parse_digits(const char *text, uint64_t *ret)
{
	uint64_t value = 0;

	if (!*text)
		return false;
	for (; *text; text++)
		if (*text < '0' || *text > '9' || __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
			return false;
	*ret = value;
	return true;
}

static int convert_number(const struct source *s, struct value *ret)
{
	uint64_t value;

	if (cJSON_IsString(s->item)) {
		if (!parse_digits(s->item->valuestring, &value))
			return refuse(s, "is not a whole number of 64 bits");
	} else if (cJSON_IsNumber(s->item)) {
		double number = s->item->valuedouble;

		if (!(number >= 0 && number <= EXACT_MAX) || number != trunc(number))
			return refuse(s, "is not a whole number from 0 to 2^53");
		value = (uint64_t)number;
	} else {
		return refuse(s, "is not a number");
	}
	if (s->column->max && value > s->column->max)
		return refuse(s, "is more than %u", s->column->max);
	*ret = value_integer((int64_t)value);
	return 0;
}

static int convert_bool(const struct source *s, struct value *ret)
{
	if (!cJSON_IsBool(s->item))
		return refuse(s, "is neither true nor false");
	*ret = value_integer(cJSON_IsTrue(s->item));
	return 0;
}

static int convert_time(const struct source *s, struct value *ret)
{
	uint64_t ns;

	if (!cJSON_IsString(s->item) || record_time_parse(s->item->valuestring, &ns) < 0)
		return refuse(s, "is not a time as 2026-11-21T09:52:21.358243Z");
	*ret = value_integer((int64_t)(ns / 1000));
	return 0;
}

/* Of the time zone that this program runs in. */
static int convert_zone(const struct source *s, struct value *ret)
{
	struct value value;
	struct tm local;
	time_t seconds;
	int r = convert_time(s, &value);

	if (r < 0)
		return r;
	seconds = value.integer / 1000000;
	*ret = localtime_r(&seconds, &local) ? value_integer(local.tm_gmtoff / 60) : value_null();
	return 0;
}

static int convert_seconds(const struct source *s, struct value *ret)
{
	double seconds = cJSON_IsNumber(s->item) ? s->item->valuedouble : NAN;

	if (!(seconds >= 0 && seconds < SECONDS_MAX))
		return refuse(s, "is not a duration in seconds");
	*ret = value_integer((int64_t)(seconds * 1e6 + 0.5));
	return 0;
}

/* As text: a back end has no need of a type of its own for it, and each server makes it a number.
 */
static int convert_real(const struct source *s, struct value *ret)
{
	const size_t size = 32;
	char *text;

	if (!cJSON_IsNumber(s->item) || !isfinite(s->item->valuedouble))
		return refuse(s, "is not a number");
	text = arena_alloc(size);
	if (!text)
		return -ENOMEM;
	snprintf(text, size, "%.17g", s->item->valuedouble);
	*ret = value_text(bytes_of(text));
	return 0;
}

static int convert_uuid(const struct source *s, struct value *ret)
{
	uint8_t *uuid = arena_alloc(sizeof(uuid_t));

	if (!uuid)
		return -ENOMEM;
	if (!cJSON_IsString(s->item) || uuid_parse(s->item->valuestring, uuid) < 0)
		return refuse(s, "is not a UUID");
	*ret = value_bytes(uuid, sizeof(uuid_t));
	return 0;
}

static int convert_hex(const struct source *s, struct value *ret)
{
	size_t max = s->column->max ?: HEX_MAX;
	uint8_t *data = arena_alloc(max);
	int len = -EINVAL;

	if (!data)
		return -ENOMEM;
	if (cJSON_IsString(s->item))
		len = text_from_hex(s->item->valuestring, data, max);
	if (len < 0)
		return refuse(s, "is not at most %zu bytes as hex digits", max);
	if (s->column->max && (size_t)len != max)
		return refuse(s, "is not %zu bytes as hex digits", max);
	*ret = value_bytes(data, len);
	return 0;
}

static int convert_json(const struct source *s, struct value *ret)
{
	char *text;

	if (!cJSON_IsArray(s->item) && !cJSON_IsObject(s->item))
		return refuse(s, "is neither an array nor an object");
	if (!s->item->child && s->column->kind == COLUMN_JSON) {
		*ret = value_null();
		return 0;
	}
	text = cJSON_PrintUnformatted(s->item);
	if (!text)
		return -ENOMEM;
	*ret = value_text(bytes_of(text));
	return 0;
}

static int (*const converters[])(const struct source *s, struct value *ret) = {
	[COLUMN_TEXT] = convert_text,	    [COLUMN_BYTES] = convert_bytes,
	[COLUMN_NAME] = convert_name,	    [COLUMN_NUMBER] = convert_number,
	[COLUMN_BOOL] = convert_bool,	    [COLUMN_TIME] = convert_time,
	[COLUMN_ZONE] = convert_zone,	    [COLUMN_SECONDS] = convert_seconds,
	[COLUMN_UUID] = convert_uuid,	    [COLUMN_REAL] = convert_real,
	[COLUMN_HEX] = convert_hex,	    [COLUMN_JSON] = convert_json,
	[COLUMN_JSON_EXACT] = convert_json,
};

int convert_field(const struct column *column, const char *field, const cJSON *item,
		  const cJSON *exact, struct value *ret, struct problem *problem)
{
	struct source source = {column, field, item, exact, problem};

	if ((!item || cJSON_IsNull(item)) && (!exact || cJSON_IsNull(exact))) {
		*ret = value_null();
		return 0;
	}
	return converters[column->kind](&source, ret);
}

struct value convert_fill(const struct column *column)
{
	switch (column->kind) {
	case COLUMN_TEXT:
		return value_text(bytes_of(""));
	case COLUMN_BYTES:
	case COLUMN_NAME:
	case COLUMN_UUID:
	case COLUMN_HEX:
		return value_bytes("", 0);
	default:
		return value_integer(column->fill);
	}
}
