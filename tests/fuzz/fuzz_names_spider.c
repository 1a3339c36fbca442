/* SPDX-License-Identifier: BSD-2-Clause */
/* Lmod's map of any bytes: refused with a reason, or read into modules that may be shown. */
#include "ingest/names_modules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char text[65536];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_names_tree_ struct names_tree *tree = NULL;
	struct names_complaints complaints = {.out = fmemopen(text, sizeof(text), "w")};
	_cleanup_fclose_ FILE *in = size ? fmemopen((void *)data, size, "r") : NULL;
	struct bytes module;
	uint64_t skipped;
	size_t len;

	if (in && names_spider_read("f", in, &complaints, &tree, &skipped) == 0) {
		if (names_tree_find(tree, bytes_of("/a/b/c"), &module, &len) &&
		    !names_module_is_good(module))
			abort();
		if (names_tree_count(tree) + skipped > size)
			abort();
	} else if (in && !complaints.count) {
		abort();
	}
	fclose(complaints.out);
	return 0;
}
