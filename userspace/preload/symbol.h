/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Functions looked for in one object, by its own tables in memory: a program may have its own of
 * any name, which the dynamic loader would give us instead. Only libc and the vDSO are asked, whose
 * tables are as good as their code.
 */
#pragma once

#include <link.h>

/* Its address; NULL: not there. */
const void *symbol_find(const ElfW(Dyn) * dynamic, ElfW(Addr) base, const char *name);

/* libc's dl_iterate_phdr(3): glibc and musl have it alike, and only they know their lists. phdr and
 * count: the program's headers. NULL: not found. */
typedef int iterate_fn(int (*callback)(struct dl_phdr_info *info, size_t size, void *arg),
		       void *arg);
iterate_fn *symbol_find_iterate(const ElfW(Phdr) * phdr, size_t count);

/* CLOCK_MONOTONIC_COARSE from the vDSO's ELF image, without a system call; 0: not known. */
uint64_t symbol_coarse_ns(const void *vdso);
