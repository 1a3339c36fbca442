/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Notes of an ELF file that is mapped in some process: the same as elf_id.h reads from the file,
 * found by the headers as they stand in memory. They are as hostile as a file's, and may change
 * while they are read.
 */
#pragma once

#include "note.h"

/* Bytes read at the address, which may be fewer than len, or negative errno. */
typedef ssize_t (*elf_memory_reader)(void *arg, void *out, size_t len, uint64_t address);

/* start: where the first byte of the file is. 0; -ENOEXEC if no ELF header of this machine's byte
 * order is there or its program headers are not; other negative errno. */
int elf_memory_notes(elf_memory_reader reader, void *arg, uint64_t start, struct note_ids *ret);
