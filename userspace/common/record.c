/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Building and printing. cJSON prints doubles with 15 digits where that is exact, so a whole number
 * of 16 digits that ends in zero would read 1.23e+15: those few go in as raw text.
 */
#include "common/record.h"
#include "common/text.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <time.h>
#include <uuid/uuid.h>

#define EXACT_MAX  ((double)RECORD_NUMBER_MAX)
#define PRINT_SIZE 4096 /* bytes of a usual record */

bool record_add_null(cJSON *object, const char *name)
{
	return cJSON_AddNullToObject(object, name);
}

/* A cJSON string ends at its NUL, so text with one inside has its exact form in base64 as well. */
static bool is_plain(struct bytes data)
{
	return text_is_utf8(data) && (!data.len || !memchr(data.data, 0, data.len));
}

static cJSON *new_text(struct bytes data)
{
	_cleanup_free_ char *text = text_to_utf8(data);

	return text ? cJSON_CreateString(text) : NULL;
}

static cJSON *new_base64(struct bytes data)
{
	_cleanup_free_ char *text = text_to_base64(data);

	return text ? cJSON_CreateString(text) : NULL;
}

/* The item becomes the object's, or is freed. */
static bool add_item(cJSON *object, const char *name, cJSON *item)
{
	if (item && cJSON_AddItemToObject(object, name, item))
		return true;
	cJSON_Delete(item);
	return false;
}

static bool add_exact_item(cJSON *object, const char *name, cJSON *item)
{
	_cleanup_free_ char *exact = NULL;

	if (!item || asprintf(&exact, "%s_b64", name) < 0) {
		exact = NULL;
		cJSON_Delete(item);
		return false;
	}
	return add_item(object, exact, item);
}

bool record_add_text(cJSON *object, const char *name, struct bytes data)
{
	if (!data.data)
		return record_add_null(object, name);
	return add_item(object, name, new_text(data)) &&
	       (is_plain(data) || add_exact_item(object, name, new_base64(data)));
}

static bool append(cJSON *array, cJSON *item)
{
	if (item && cJSON_AddItemToArray(array, item))
		return true;
	cJSON_Delete(item);
	return false;
}

bool record_add_texts(cJSON *object, const char *name, const struct bytes *items, size_t count)
{
	_cleanup_json_ cJSON *texts = cJSON_CreateArray(), *exact = NULL;

	if (!texts)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!append(texts, items[i].data ? new_text(items[i]) : cJSON_CreateNull()))
			return false;
		if (!exact && items[i].data && !is_plain(items[i])) {
			exact = cJSON_CreateArray();
			if (!exact)
				return false;
		}
	}
	for (size_t i = 0; exact && i < count; i++) {
		bool is_exact = !items[i].data || is_plain(items[i]);

		if (!append(exact, is_exact ? cJSON_CreateNull() : new_base64(items[i])))
			return false;
	}
	return add_item(object, name, TAKE_PTR(texts)) &&
	       (!exact || add_exact_item(object, name, TAKE_PTR(exact)));
}

bool record_add_u64(cJSON *object, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	return cJSON_AddStringToObject(object, name, text);
}

/*
 * cJSON prints a number by trial: with 15 digits, read back, then with 17. Whole numbers and whole
 * microseconds, which is what records hold, need no trial: a quarter of what a record costs.
 */
static bool number_as_text(double value, char *out, size_t size)
{
	double micro = round(value * 1e6);
	int64_t whole, rest;
	int len;

	if (fabs(value) <= EXACT_MAX && value == trunc(value))
		return snprintf(out, size, "%" PRId64, (int64_t)value) > 0;
	if (value < 0 || micro > EXACT_MAX || micro / 1e6 != value)
		return false;
	whole = (int64_t)micro / 1000000;
	rest = (int64_t)micro % 1000000;
	len = snprintf(out, size, "%" PRId64 ".%06" PRId64, whole, rest);
	while (out[len - 1] == '0')
		out[--len] = '\0';
	return true;
}

bool record_add_number(cJSON *object, const char *name, double value)
{
	char text[32];

	/* JSON, or whoever reads it, has no such number: the fact is absent */
	if (!isfinite(value) || fabs(value) > EXACT_MAX)
		return record_add_null(object, name);
	if (number_as_text(value, text, sizeof(text)))
		return cJSON_AddRawToObject(object, name, text);
	return cJSON_AddNumberToObject(object, name, value);
}

bool record_add_time(cJSON *object, const char *name, uint64_t unix_ns)
{
	char text[RECORD_TIME_SIZE];

	if (unix_ns >= RECORD_TIME_MAX)
		return record_add_null(object, name);
	return cJSON_AddStringToObject(object, name, record_time_format(unix_ns, text));
}

bool record_add_uuid(cJSON *object, const char *name, const uint8_t uuid[16])
{
	char text[UUID_STR_LEN];

	if (!uuid)
		return record_add_null(object, name);
	uuid_unparse_lower(uuid, text);
	return cJSON_AddStringToObject(object, name, text);
}

char *record_print(const cJSON *record, size_t *ret_len)
{
	_cleanup_free_ char *text = cJSON_PrintBuffered(record, PRINT_SIZE, false);
	char *line;
	size_t len;

	if (!text)
		return NULL;
	len = strlen(text);
	line = realloc(text, len + 2);
	if (!line)
		return NULL;
	text = NULL;
	memcpy(line + len, "\n", 2);
	if (ret_len)
		*ret_len = len + 1;
	return line;
}

char *record_time_format(uint64_t unix_ns, char out[RECORD_TIME_SIZE])
{
	time_t seconds = (time_t)(unix_ns / NS_PER_S);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	snprintf(out, RECORD_TIME_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%06uZ",
		 (unsigned int)(tm.tm_year + 1900) % 10000, (unsigned int)(tm.tm_mon + 1) % 100,
		 (unsigned int)tm.tm_mday % 100, (unsigned int)tm.tm_hour % 100,
		 (unsigned int)tm.tm_min % 100, (unsigned int)tm.tm_sec % 100,
		 (unsigned int)(unix_ns % NS_PER_S / 1000) % 1000000);
	return out;
}

/* Exactly count digits at *text, which moves behind them. -1 if they aren't there. */
static int take_digits(const char **text, int count)
{
	int value = 0;

	for (int i = 0; i < count; i++, (*text)++) {
		if (**text < '0' || **text > '9')
			return -1;
		value = 10 * value + (**text - '0');
	}
	return value;
}

int record_time_parse(const char *text, uint64_t *ret_unix_ns)
{
	static const struct {
		uint8_t digits;
		char behind;
	} form[] = {{4, '-'}, {2, '-'}, {2, 'T'}, {2, ':'}, {2, ':'}, {2, 0}};
	int part[ARRAY_SIZE(form)];
	uint64_t ns = 0;
	struct tm tm, same;
	time_t seconds;

	for (size_t i = 0; i < ARRAY_SIZE(form); i++) {
		part[i] = take_digits(&text, form[i].digits);
		if (part[i] < 0 || (form[i].behind && *text++ != form[i].behind))
			return -EINVAL;
	}
	if (*text == '.') {
		uint64_t unit = NS_PER_S / 10;

		for (text++; *text >= '0' && *text <= '9' && unit; text++, unit /= 10)
			ns += unit * (uint64_t)(*text - '0');
		if (unit == NS_PER_S / 10)
			return -EINVAL;
	}
	if (strcmp(text, "Z") || part[0] < 1970 || part[0] > 2261)
		return -EINVAL;
	tm = (struct tm){.tm_year = part[0] - 1900,
			 .tm_mon = part[1] - 1,
			 .tm_mday = part[2],
			 .tm_hour = part[3],
			 .tm_min = part[4],
			 .tm_sec = part[5]};
	same = tm;
	seconds = timegm(&tm);
	/* timegm() makes the 1st of March of the 30th of February; we don't. */
	if (tm.tm_mon != same.tm_mon || tm.tm_mday != same.tm_mday || tm.tm_hour != same.tm_hour ||
	    tm.tm_min != same.tm_min || tm.tm_sec != same.tm_sec)
		return -EINVAL;
	*ret_unix_ns = (uint64_t)seconds * NS_PER_S + ns;
	return 0;
}
