/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Functions looked for in one object, by its own tables in memory: a program may have its own of
 * any name, which the dynamic loader would give us instead. Only libc and the vDSO are asked, whose
 * tables are as good as their code.
 */
#pragma once

#include <link.h>
#include <stdbool.h>
#include <stddef.h>

struct symbol_tables {
	const ElfW(Sym) * symbols;
	const char *names;
	size_t names_len;
	const uint32_t *gnu, *sysv;  /* hash tables; either may be missing */
	const void *last_relocation; /* or NULL */
};

/* False if there are none. */
bool symbol_tables_find(const ElfW(Dyn) * dynamic, ElfW(Addr) base, struct symbol_tables *ret);

/* How many symbols at the table's begin may be others' (undefined); 0: not known. */
size_t symbol_count_asked(const struct symbol_tables *tables);

/* libc's dl_iterate_phdr(3): glibc and musl have it alike, and only they know their lists. phdr and
 * count: the program's headers. *ret_base: libc's. NULL: not found. */
typedef int iterate_fn(int (*callback)(struct dl_phdr_info *info, size_t size, void *arg),
		       void *arg);
iterate_fn *symbol_find_iterate(const ElfW(Phdr) * phdr, size_t count, ElfW(Addr) * ret_base);

/* CLOCK_MONOTONIC_COARSE from the vDSO's ELF image, without a system call; 0: not known. */
uint64_t symbol_coarse_ns(const void *vdso);
