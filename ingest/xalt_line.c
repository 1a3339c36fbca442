/* SPDX-License-Identifier: BSD-2-Clause */
#include "ingest/xalt_line.h"

#include <errno.h>
#include <stdarg.h>

#define TAG "XALT_LOGGING_"

static int wrong(char reason[XALT_REASON_SIZE], const char *format, ...) PRINTF_LIKE(2, 3);
static int wrong(char reason[XALT_REASON_SIZE], const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reason, XALT_REASON_SIZE, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

static void skip(struct bytes *text, size_t len)
{
	text->data += len;
	text->len -= len;
}

static void skip_blanks(struct bytes *text)
{
	while (text->len && *text->data == ' ')
		skip(text, 1);
}

static bool begins_with(struct bytes text, const char *with)
{
	size_t len = strlen(with);

	return text.len >= len && !memcmp(text.data, with, len);
}

/* Up to the next of the bytes in ends, or the end. */
static struct bytes take_until(struct bytes *text, const char *ends)
{
	struct bytes taken = {text->data, 0};

	while (text->len && (!*text->data || !strchr(ends, *text->data))) {
		taken.len++;
		skip(text, 1);
	}
	return taken;
}

/* Decimal digits; -1 if there are others, none, or too many. */
static int get_number(struct bytes text)
{
	int number = 0;

	if (!text.len || text.len > 6)
		return -1;
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return -1;
		number = 10 * number + text.data[i] - '0';
	}
	return number;
}

static bool is_name(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];

		if (!(c >= '0' && c <= '9') && !((c | 0x20) >= 'a' && (c | 0x20) <= 'z') &&
		    c != '-' && c != '.' && c != '_')
			return false;
	}
	return text.len && text.len <= XALT_KEY_MAX;
}

static bool has_colon(struct bytes text)
{
	return text.len && memchr(text.data, ':', text.len);
}

/*
 * The host in what stands before the tag: the last word, if the word before it is a time (09:52:21,
 * or 2026-11-21T09:52:21+01:00). Without a host the time itself is the last word.
 */
static struct bytes find_host(struct bytes before)
{
	struct bytes words[2] = {};

	while (before.len) {
		skip_blanks(&before);
		if (before.len) {
			words[0] = words[1];
			words[1] = take_until(&before, " ");
		}
	}
	if (words[0].data && has_colon(words[0]) && is_name(words[1]))
		return words[1];
	return (struct bytes){};
}

/* "<syshost>", perhaps "[123]", perhaps ":", and blanks. False if that isn't what follows the tag.
 */
static bool take_tag(struct bytes *rest, struct bytes *ret_syshost)
{
	*ret_syshost = take_until(rest, " :[");
	if (rest->len && *rest->data == '[') {
		take_until(rest, "]");
		if (!rest->len)
			return false;
		skip(rest, 1);
	}
	if (rest->len && *rest->data == ':')
		skip(rest, 1);
	if (!rest->len || *rest->data != ' ')
		return false;
	skip_blanks(rest);
	return true;
}

static int take_field(struct bytes name, struct bytes value, struct xalt_piece *piece)
{
	static const struct {
		const char *name;
		size_t offset;
	} texts[] = {
		{"key", offsetof(struct xalt_piece, key)},
		{"crcStr", offsetof(struct xalt_piece, crc)},
		{"crc", offsetof(struct xalt_piece, crc)},
		{"syshost", offsetof(struct xalt_piece, syshost)},
	};
	static const struct {
		const char *name;
		size_t offset;
	} numbers[] = {
		{"nb", offsetof(struct xalt_piece, count)},
		{"idx", offsetof(struct xalt_piece, index)},
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (name.len == strlen(texts[i].name) && begins_with(name, texts[i].name)) {
			if (value.len > XALT_KEY_MAX)
				return -EINVAL;
			*(struct bytes *)((char *)piece + texts[i].offset) = value;
		}
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (name.len == strlen(numbers[i].name) && begins_with(name, numbers[i].name)) {
			int number = get_number(value);

			if (number < 0)
				return -EINVAL;
			*(unsigned int *)((char *)piece + numbers[i].offset) = (unsigned int)number;
		}
	return 0;
}

/* "kind:run nb:04 ... value:...", behind the version. */
static int take_fields(struct bytes rest, struct xalt_piece *piece, char reason[XALT_REASON_SIZE])
{
	piece->index = UINT32_MAX;
	for (;;) {
		struct bytes name, value;

		skip_blanks(&rest);
		name = take_until(&rest, " :");
		if (!rest.len || *rest.data != ':')
			return wrong(reason, "the line is cut before its value");
		skip(&rest, 1);
		if (name.len == 5 && begins_with(name, "value"))
			break;
		value = take_until(&rest, " ");
		if (take_field(name, value, piece))
			return wrong(reason, "%.*s can't be \"%.*s\"", (int)MIN(name.len, 16),
				     name.data, (int)MIN(value.len, 24), value.data);
	}
	piece->value = rest;
	if (!piece->key.len)
		return wrong(reason, "it has no key");
	if (!piece->count || piece->count > XALT_PIECES_MAX)
		return wrong(reason, "nb is not a number from 1 to %d", XALT_PIECES_MAX);
	if (piece->index >= piece->count)
		return wrong(reason, "idx is not a number below nb");
	return 0;
}

static int take_whole(struct bytes rest, struct xalt_piece *piece)
{
	static const char *const kinds[] = {"run:", "link:", "pkg:"};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!begins_with(rest, kinds[i]))
			continue;
		skip(&rest, strlen(kinds[i]));
		piece->version = 1;
		piece->count = 1;
		piece->value = rest;
		return 0;
	}
	return -ENOENT;
}

int xalt_line_parse(struct bytes line, struct xalt_piece *ret, char reason[XALT_REASON_SIZE])
{
	const char *tag = line.len ? memmem(line.data, line.len, TAG, strlen(TAG)) : NULL;
	struct xalt_piece piece = {};
	struct bytes rest, version;
	int r;

	if (!tag)
		return -ENOENT;
	while (line.len && line.data[line.len - 1] == '\r')
		line.len--;
	rest = (struct bytes){tag + strlen(TAG),
			      (size_t)(line.data + line.len - tag) - strlen(TAG)};
	if (!take_tag(&rest, &piece.syshost))
		return -ENOENT;
	piece.host = find_host((struct bytes){line.data, (size_t)(tag - line.data)});
	if (begins_with(rest, "V:")) {
		skip(&rest, 2);
		version = take_until(&rest, " ");
		r = get_number(version);
		if (r != 3 && r != 4)
			return wrong(reason, "this program reads V:3 and V:4, not V:%.*s",
				     (int)MIN(version.len, 8), version.data);
		piece.version = (unsigned int)r;
		r = take_fields(rest, &piece, reason);
	} else {
		r = take_whole(rest, &piece);
	}
	if (r == 0)
		*ret = piece;
	return r;
}
