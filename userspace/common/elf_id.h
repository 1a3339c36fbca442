/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Identity of an ELF file on disk. Files are hostile: a file may be truncated, sparse and huge, or
 * change while it's read. Reads are by pread within named bounds, never by mmap (a truncated
 * mapping is a SIGBUS); libelf translates the headers.
 */
#pragma once

#include "note.h"

struct elf_id {
	struct note_ids notes;
	uint16_t type;	   /* ET_EXEC, ET_DYN, ... */
	uint16_t machine;  /* EM_... */
	uint8_t elf_class; /* ELFCLASS32, ELFCLASS64 */
	bool big_endian;
	bool is_dynamic; /* has PT_DYNAMIC */
	bool has_interp; /* has PT_INTERP: dynamically linked program */
};

/*
 * Reads the program headers and notes of fd (a regular file, any offset). 0; -ENOEXEC if it isn't
 * ELF or its program headers aren't all there; other negative errno.
 */
int elf_id_read(int fd, struct elf_id *ret);

/* The strings of section .comment, which name the compilers of all inputs ("GCC: (Debian
 * ...) 12.2.0"), each once, NUL behind each, whole ones that fit size bytes. Length without the
 * last NUL, 0 if there is none, or negative errno. */
ssize_t elf_id_comment(int fd, char *out, size_t size);

/*
 * Calls fn for each dynamic symbol that is taken from other objects (imported) or offered to them,
 * until it returns false. 0, -ENOENT without any (what is linked statically), -ENOEXEC if they
 * aren't all there or too many, or other negative errno.
 */
typedef bool elf_symbol_fn(void *arg, const char *name, bool is_imported);
int elf_id_symbols(int fd, elf_symbol_fn *fn, void *arg);
