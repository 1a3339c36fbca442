/* SPDX-License-Identifier: BSD-2-Clause */
/* Dependency files and .comment sections, which linkers write and users may. */
#include "ldwrap/depfile.h"
#include "ldwrap/driver.h"
#include "ldwrap/linker.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool check_path(void *arg, const char *path)
{
	size_t *bytes = arg;

	*bytes += strlen(path);
	if (!path[0] || strlen(path) >= DEPFILE_PATH_MAX)
		abort();
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), version[LINKER_VERSION_MAX];
	struct bytes input = {text, size};
	struct compiler compiler;
	size_t bytes = 0;

	memcpy(text, data, size);
	text[size] = '\0';
	depfile_each(input, check_path, &bytes);
	if (bytes > size)
		abort();
	compiler_from_comment(input, NULL, &compiler);
	compiler_from_comment(input, "GCC: ", &compiler);
	linker_version_from_comment(input, version);
	driver_comment_start(text);
	free(text);
	return 0;
}
