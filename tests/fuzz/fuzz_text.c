/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes to be shown: what comes out is UTF-8, shows nothing that moves a cursor, and goes back. */
#include "common/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
	if (!is_true)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = {(const char *)data, size};
	_cleanup_free_ char *text = text_to_utf8(in), *terminal = text_for_terminal(in);
	_cleanup_free_ char *csv = text_for_csv(in), *base64 = text_to_base64(in), *back = NULL;
	_cleanup_free_ char *hex = malloc(2 * size + 1), *as_text = strndup(in.data, size);
	_cleanup_free_ char *decoded = NULL;
	size_t len;

	require(text_is_utf8(bytes_of(text)) && text_is_utf8(bytes_of(csv)));
	require(!text_is_utf8(in) || memchr(data, 0, size) || !strcmp(text, as_text));
	require(text_is_utf8(bytes_of(terminal)));
	for (struct bytes rest = bytes_of(terminal); rest.len;) {
		uint32_t code;
		size_t n = text_next(rest, &code);

		require(!text_is_control(code));
		rest = (struct bytes){rest.data + n, rest.len - n};
	}
	require(!csv[0] || !strchr("=+-@", csv[0]));
	require(text_from_base64(base64, &back, &len) == 0);
	require(len == size && (!size || !memcmp(back, data, size)));
	text_to_hex(data, size, hex);
	require(text_from_hex(hex, back, size) == (int)size &&
		(!size || !memcmp(back, data, size)));
	text_width(as_text);
	if (text_from_base64(as_text, &decoded, &len) == 0) {
		_cleanup_free_ char *again = text_to_base64((struct bytes){decoded, len});

		require(!strcmp(again, as_text));
	}
	return 0;
}
