/* SPDX-License-Identifier: BSD-2-Clause */
/* ELF files in a memfd. Seeds: any small programs (-max_len=65536). */
#include "common/elf_id.h"
#include "common/fs.h"

#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool take_symbol(void *arg, const char *name, bool is_imported)
{
	*(size_t *)arg += strlen(name) + is_imported;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t bytes = 0;
	static int fd = -1;
	struct elf_id id;
	char comment[257];
	ssize_t len;

	if (fd < 0)
		fd = memfd_create("elf", MFD_CLOEXEC);
	if (ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
	elf_id_read(fd, &id);
	len = elf_id_comment(fd, comment, sizeof(comment));
	if (len > 0 && (len >= (ssize_t)sizeof(comment) || comment[len]))
		abort();
	elf_id_symbols(fd, take_symbol, &bytes);
	return 0;
}
