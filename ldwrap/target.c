/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * clang looks for a target's own linker (aarch64-linux-gnu-ld) and for ld in one folder after the
 * other, so with us in the first it takes our ld for any target, and says by -m alone which it
 * means. The real linker must then be the target's, as it would have been without us.
 */
#include "linker.h"

static const struct {
	const char *emulation;
	const char *targets; /* as Debian, Fedora and clang call them; blanks between */
} emulations[] = {
	{"aarch64linux", "aarch64-linux-gnu aarch64-unknown-linux-gnu"},
	{"armelf_linux_eabi", "arm-linux-gnueabihf arm-linux-gnueabi arm-linux-gnu"},
	{"elf64lppc", "powerpc64le-linux-gnu ppc64le-linux-gnu"},
	{"elf64ppc", "powerpc64-linux-gnu ppc64-linux-gnu"},
	{"elf32ppclinux", "powerpc-linux-gnu"},
	{"elf64lriscv", "riscv64-linux-gnu riscv64-unknown-linux-gnu"},
	{"elf64_s390", "s390x-linux-gnu"},
	{"elf64_sparc", "sparc64-linux-gnu"},
	{"elf32ltsmip", "mipsel-linux-gnu"},
	{"elf64ltsmip", "mips64el-linux-gnuabi64"},
	{"m68kelf", "m68k-linux-gnu"},
};

const char *linker_targets(int argc, char *const *argv)
{
	const char *emulation = "";

	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], "-m", 2))
			continue;
		emulation = argv[i] + 2;
		if (!*emulation && i + 1 < argc)
			emulation = argv[++i];
	}
	for (size_t i = 0; i < ARRAY_SIZE(emulations); i++)
		if (!strcmp(emulation, emulations[i].emulation))
			return emulations[i].targets;
	return NULL;
}
