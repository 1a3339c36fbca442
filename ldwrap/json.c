/* SPDX-License-Identifier: BSD-2-Clause */
/* Text goes by in runs that need no escape, which is nearly all of it. */
#include "json.h"

#include "common/text.h"

#include <inttypes.h>
#include <time.h>
#include <uuid/uuid.h>

void json_done(struct json *json)
{
	free(json->data);
	*json = (struct json){.data = NULL};
}

static void put(struct json *json, const char *data, size_t len)
{
	if (json->failed)
		return;
	if (len > json->allocated - json->len) {
		size_t allocated = MAX(2 * (json->len + len), (size_t)8192);
		char *grown = realloc(json->data, allocated);

		if (!grown) {
			json->failed = true;
			return;
		}
		json->data = grown;
		json->allocated = allocated;
	}
	memcpy(json->data + json->len, data, len);
	json->len += len;
}

static void put_text(struct json *json, const char *text)
{
	put(json, text, strlen(text));
}

/* utf8: well-formed, no NUL. */
static void put_quoted(struct json *json, const char *utf8, size_t len)
{
	size_t done = 0;

	put(json, "\"", 1);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)utf8[i];
		char escape[8];

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		put(json, utf8 + done, i - done);
		done = i + 1;
		snprintf(escape, sizeof(escape), c < 0x20 ? "\\u%04x" : "\\%c", c);
		put_text(json, escape);
	}
	put(json, utf8 + done, len - done);
	put(json, "\"", 1);
}

/* What stands in front of a value. name: plain ASCII. */
static void begin(struct json *json, const char *name, const char *suffix)
{
	if (json->needs_comma)
		put(json, ",", 1);
	json->needs_comma = true;
	if (!name)
		return;
	put(json, "\"", 1);
	put_text(json, name);
	put_text(json, suffix);
	put(json, "\":", 2);
}

void json_open(struct json *json, const char *name, char bracket)
{
	begin(json, name, "");
	put(json, &bracket, 1);
	json->needs_comma = false;
}

void json_close(struct json *json, char bracket)
{
	put(json, &bracket, 1);
	json->needs_comma = true;
}

void json_null(struct json *json, const char *name)
{
	begin(json, name, "");
	put(json, "null", 4);
}

static bool is_plain(struct bytes text)
{
	return text_is_utf8(text) && (!text.len || !memchr(text.data, '\0', text.len));
}

static void put_shown(struct json *json, struct bytes text)
{
	_cleanup_free_ char *shown = NULL;

	if (is_plain(text)) {
		put_quoted(json, text.data, text.len);
		return;
	}
	shown = text_to_utf8(text);
	if (shown)
		put_quoted(json, shown, strlen(shown));
	else
		json->failed = true;
}

static void put_base64(struct json *json, struct bytes text)
{
	_cleanup_free_ char *base64 = text_to_base64(text);

	if (base64)
		put_quoted(json, base64, strlen(base64));
	else
		json->failed = true;
}

void json_text(struct json *json, const char *name, struct bytes text)
{
	if (!text.data) {
		json_null(json, name);
		return;
	}
	begin(json, name, "");
	put_shown(json, text);
	if (name && !is_plain(text)) {
		begin(json, name, "_b64");
		put_base64(json, text);
	}
}

void json_texts(struct json *json, const char *name, const struct bytes *items, size_t count)
{
	bool all_plain = true;

	json_open(json, name, '[');
	for (size_t i = 0; i < count; i++) {
		begin(json, NULL, "");
		put_shown(json, items[i]);
		all_plain = all_plain && is_plain(items[i]);
	}
	json_close(json, ']');
	if (all_plain)
		return;
	begin(json, name, "_b64");
	put(json, "[", 1);
	json->needs_comma = false;
	for (size_t i = 0; i < count; i++) {
		begin(json, NULL, "");
		if (is_plain(items[i]))
			put(json, "null", 4);
		else
			put_base64(json, items[i]);
	}
	json_close(json, ']');
}

void json_count(struct json *json, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	begin(json, name, "");
	put_text(json, text);
}

void json_seconds(struct json *json, const char *name, uint64_t ns)
{
	char text[40];

	snprintf(text, sizeof(text), "%" PRIu64 ".%09" PRIu64, (uint64_t)(ns / NS_PER_S),
		 (uint64_t)(ns % NS_PER_S));
	begin(json, name, "");
	put_text(json, text);
}

void json_time(struct json *json, const char *name, uint64_t unix_ns)
{
	time_t seconds = (time_t)(unix_ns / NS_PER_S);
	char text[64];
	struct tm tm = {};
	size_t len;

	gmtime_r(&seconds, &tm);
	len = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + len, sizeof(text) - len, ".%06uZ",
		 (unsigned int)(unix_ns % NS_PER_S / 1000));
	json_text(json, name, bytes_of(text));
}

void json_hex(struct json *json, const char *name, const uint8_t *data, size_t len)
{
	char text[2 * 64 + 1];

	if (!len || len > 64)
		json_null(json, name);
	else
		json_text(json, name, bytes_of(text_to_hex(data, len, text)));
}

void json_uuid(struct json *json, const char *name, const uint8_t uuid[16])
{
	char text[UUID_STR_LEN];

	if (!uuid) {
		json_null(json, name);
		return;
	}
	uuid_unparse_lower(uuid, text);
	json_text(json, name, bytes_of(text));
}

void json_value(struct json *json, const char *name, const struct json *value)
{
	json->failed = json->failed || value->failed;
	if (!value->len)
		return;
	begin(json, name, "");
	put(json, value->data, value->len);
}
