/* SPDX-License-Identifier: BSD-2-Clause */
/* Configuration files: refused with a message, or printed as a file that prints the same. */
#include "common/config.h"

#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *print(const struct config *config, size_t *ret_len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, ret_len);

	config_print(config, out);
	fclose(out);
	return text;
}

/* Loads what data says, and prints it. NULL if it is refused. */
static char *load(const void *data, size_t size, size_t *ret_len)
{
	static int fd = -1;
	static char path[64];
	_cleanup_free_ char *message = NULL;
	struct config config;
	char *text;

	if (fd < 0) {
		fd = memfd_create("conf", MFD_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	if (ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
	if (config_load(path, &config, &message) < 0) {
		if (!message || !*message)
			abort();
		return NULL;
	}
	text = print(&config, ret_len);
	config_done(&config);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t first_len, second_len;
	_cleanup_free_ char *first = load(data, size, &first_len), *second = NULL;

	if (!first)
		return 0;
	second = load(first, first_len, &second_len);
	if (!second || first_len != second_len || memcmp(first, second, first_len))
		abort();
	return 0;
}
