// SPDX-License-Identifier: BSD-2-Clause
/* Command lines: what is not a secret stays byte for byte, the arguments are as many, and the limit
 * holds. The first byte: how much longer it may become. */
#include "common/scrub.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t nuls(const char *data, size_t len)
{
	size_t count = 0;

	for (size_t i = 0; i < len; i++)
		count += !data[i];
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *items[] = {"my-*", "*pin*"};
	static const struct config_list names = {items, 2};
	struct bytes argv = {(const char *)data + 1, size - 1};
	_cleanup_free_ char *out = NULL, *copy = NULL;
	size_t limit, len;
	struct scrub *scrub;
	bool is_changed;

	if (!size || scrub_new(&names, &scrub))
		return 0;
	limit = argv.len + data[0];
	out = malloc(limit ?: 1);
	copy = malloc(argv.len ?: 1);
	memcpy(copy, argv.data, argv.len); /* so that reading behind the end is seen */
	argv.data = copy;
	len = scrub_argv(scrub, argv, out, limit, &is_changed);
	if (len > limit || nuls(out, len) != nuls(argv.data, argv.len))
		abort();
	if (!is_changed && (len != argv.len || memcmp(out, argv.data, len)))
		abort();
	scrub_begin(scrub);
	while (argv.len) {
		struct bytes one = {argv.data, strnlen(argv.data, argv.len)};
		struct bytes got = scrub_argument(scrub, one);
		size_t step = MIN(one.len + 1, argv.len);

		if (!is_changed && got.data != one.data)
			abort();
		argv.data += step;
		argv.len -= step;
	}
	scrub_free(scrub);
	return 0;
}
