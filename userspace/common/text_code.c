/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes as base64 and hex. Both are read strictly: one sequence of bytes has one base64 text, so
 * that records can be compared as text.
 */
#include "common/text.h"

#include <errno.h>

static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *text_to_base64(struct bytes data)
{
	const uint8_t *p = (const uint8_t *)data.data;
	char *out = malloc((data.len + 2) / 3 * 4 + 1), *end = out;

	if (!out)
		return NULL;
	for (size_t i = 0; i < data.len; i += 3) {
		size_t left = data.len - i;
		uint32_t bits = (uint32_t)p[i] << 16 | (left > 1 ? p[i + 1] << 8 : 0) |
				(left > 2 ? p[i + 2] : 0);

		*end++ = base64_digits[bits >> 18];
		*end++ = base64_digits[bits >> 12 & 63];
		*end++ = left > 1 ? base64_digits[bits >> 6 & 63] : '=';
		*end++ = left > 2 ? base64_digits[bits & 63] : '=';
	}
	*end = '\0';
	return out;
}

int text_from_base64(const char *base64, char **ret, size_t *ret_len)
{
	size_t len = strlen(base64), padding = 0, used = 0;
	_cleanup_free_ char *out = NULL;

	if (len % 4)
		return -EINVAL;
	while (padding < 2 && padding < len && base64[len - 1 - padding] == '=')
		padding++;
	out = malloc(len / 4 * 3 + 1);
	if (!out)
		return -ENOMEM;
	for (size_t i = 0; i < len; i += 4) {
		size_t digits = i + 4 < len ? 4 : 4 - padding;
		uint32_t bits = 0;

		for (size_t j = 0; j < 4; j++) {
			const char *digit =
				j < digits ? strchr(base64_digits, base64[i + j]) : base64_digits;

			if (!digit)
				return -EINVAL;
			bits = bits << 6 | (uint32_t)(digit - base64_digits);
		}
		for (size_t j = 0; j < 3; j++) {
			uint8_t byte = bits >> (16 - 8 * j) & 0xff;

			if (j + 1 < digits)
				out[used++] = (char)byte;
			else if (byte) /* bits that no byte holds */
				return -EINVAL;
		}
	}
	out[used] = '\0';
	*ret = TAKE_PTR(out);
	*ret_len = used;
	return 0;
}

char *text_to_hex(const void *data, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[p[i] >> 4];
		out[2 * i + 1] = digits[p[i] & 15];
	}
	out[2 * len] = '\0';
	return out;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int text_from_hex(const char *hex, void *out, size_t size)
{
	size_t len = strlen(hex);
	uint8_t *p = out;

	if (len % 2 || len / 2 > size || len / 2 > INT32_MAX)
		return -EINVAL;
	for (size_t i = 0; i < len; i++)
		if (hex_digit(hex[i]) < 0)
			return -EINVAL;
	for (size_t i = 0; i < len / 2; i++)
		p[i] = hex_digit(hex[2 * i]) << 4 | hex_digit(hex[2 * i + 1]);
	return (int)(len / 2);
}
