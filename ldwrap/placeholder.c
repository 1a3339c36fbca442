/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the objects are: next to this program, which is how they are installed; else in the folder
 * beside its own (bin/runmark-ld by its own name); else where make install puts them.
 */
#include "placeholder.h"

#include "common/fs.h"

#include <elf.h>
#include <errno.h>

static const struct placeholder {
	const char *file;
	const char *emulations; /* with blanks around each; those of all linkers */
	uint16_t machine;
	uint8_t elf_class;
} placeholders[] = {
	{"placeholder-x86_64.o", " elf_x86_64 ", EM_X86_64, ELFCLASS64},
	{"placeholder-i386.o", " elf_i386 ", EM_386, ELFCLASS32},
	{"placeholder-aarch64.o", " aarch64linux aarch64elf ", EM_AARCH64, ELFCLASS64},
};

static const struct placeholder *by_emulation(const char *emulation)
{
	char name[64];
	int len = snprintf(name, sizeof(name), " %s ", emulation);

	if (len < 3 || (size_t)len >= sizeof(name) || strchr(emulation, ' '))
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(placeholders); i++)
		if (strstr(placeholders[i].emulations, name))
			return &placeholders[i];
	return NULL;
}

static const struct placeholder *by_object(const char *path)
{
	_cleanup_close_ int fd = -1;
	Elf32_Ehdr header; /* of either class, as far as it's read */

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || fs_pread_all(fd, &header, sizeof(header), 0) != sizeof(header) ||
	    memcmp(header.e_ident, ELFMAG, SELFMAG) || header.e_ident[EI_DATA] != ELFDATA2LSB)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(placeholders); i++)
		if (placeholders[i].machine == header.e_machine &&
		    placeholders[i].elf_class == header.e_ident[EI_CLASS])
			return &placeholders[i];
	return NULL;
}

static bool try_folder(const char *folder, size_t len, const char *below, const char *file,
		       char ret[PATH_MAX])
{
	int n = snprintf(ret, PATH_MAX, "%.*s%s/%s", (int)len, folder, below, file);

	return n > 0 && n < PATH_MAX && access(ret, R_OK) == 0;
}

int placeholder_find(const char *emulation, const char *first_input, char ret[PATH_MAX])
{
	const struct placeholder *placeholder =
		emulation ? by_emulation(emulation) : by_object(first_input);
	char self[PATH_MAX], path[PATH_MAX];
	ssize_t len;

	if (!placeholder)
		return -ENOTSUP;
	len = readlink("/proc/self/exe", self, sizeof(self));
	if (len > 0 && (size_t)len < sizeof(self)) {
		const char *slash = memrchr(self, '/', (size_t)len);
		size_t folder = slash ? (size_t)(slash - self) : 0;

		if (try_folder(self, folder, "", placeholder->file, path))
			goto found;
		slash = memrchr(self, '/', folder);
		if (slash && try_folder(self, (size_t)(slash - self), "/libexec/runmark",
					placeholder->file, path))
			goto found;
	}
	if (!try_folder(RUNMARK_PREFIX, strlen(RUNMARK_PREFIX), "/libexec/runmark",
			placeholder->file, path))
		return -ENOENT;
found:
	memcpy(ret, path, PATH_MAX);
	return 0;
}
