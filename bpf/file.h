/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A file's identity from its inode, and a program's notes from its memory. */
#pragma once

#include "bpf/path.h"

static __always_inline void file_read(struct event_file *out, struct inode *inode)
{
	struct super_block *sb = READ(inode, i_sb);

	out->inode = READ(inode, i_ino);
	out->size = READ(inode, i_size);
	out->mtime_ns = inode_mtime_ns(inode);
	out->device = READ(sb, s_dev);
	out->owner_uid = READ(inode, i_uid.val);
	__builtin_memset(out->fstype, 0, sizeof(out->fstype));
	bpf_probe_read_kernel_str(out->fstype, sizeof(out->fstype), READ(READ(sb, s_type), name));
}

struct elf64_phdr {
	u32 p_type, p_flags;
	u64 p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_align;
};
#define PT_LOAD		0x1
#define PT_NOTE		4
#define PT_PHDR		6
#define AT_PHDR		3
#define AT_PHNUM	5
#define AT_BASE		7
#define AUXV_MAX	24
#define ELF64_EHDR_SIZE 64
#define PHDRS_MAX	16
#define NOTE_PART_MAX                                                                              \
	1024 /* of one PT_NOTE: ours is among the first by the linker's default layout */

/* Reads the auxiliary vector that exec left in mm->saved_auxv, in one go, where headers go later.
 */
static __always_inline bool auxv_read(struct scratch *s, struct mm_struct *mm)
{
	return !bpf_probe_read_kernel(s->headers, AUXV_MAX * 2 * sizeof(u64),
				      (void *)mm +
					      bpf_core_field_offset(struct mm_struct, saved_auxv));
}

/* A value of what auxv_read() has read; 0 if it isn't there. */
static __always_inline u64 auxv_value(struct scratch *s, u64 type)
{
	u64 *auxv = (void *)s->headers;

	for (int i = 0; i < AUXV_MAX; i++)
		if (auxv[2 * i] == type)
			return auxv[2 * i + 1];
	return 0;
}

/*
 * Copies the bytes of s->walk.mm's program's PT_NOTE segments to the event at off, one behind the
 * other, each padded to 4. Notes are parsed in user space, where the parser is fuzzed. Number of
 * bytes; 0 if they are not in memory now. 64-bit programs only.
 */
static __noinline u32 notes_walk(u64 off)
{
	struct scratch *s = scratch_get();
	struct mm_struct *mm;
	struct elf64_phdr *phdrs;
	u64 at_phdr, count, bias = 0;
	bool has_bias = false;
	u32 total = 0;

	if (!s)
		return 0;
	mm = s->walk.mm;
	phdrs = (void *)s->headers;
	if (!auxv_read(s, mm))
		return 0;
	at_phdr = auxv_value(s, AT_PHDR);
	count = auxv_value(s, AT_PHNUM);
	if (!at_phdr || !count)
		return 0;
	if (count > PHDRS_MAX)
		count = PHDRS_MAX;
	if (bpf_probe_read_user(phdrs, count * sizeof(*phdrs), (void *)at_phdr))
		return 0;
	for (u64 i = 0; i < PHDRS_MAX; i++) {
		if (i >= count)
			break;
		if (phdrs[i].p_type == PT_PHDR) {
			bias = at_phdr - phdrs[i].p_vaddr;
			has_bias = true;
			break;
		}
		/* static programs have no PT_PHDR: the segment that holds the file's head holds
		 * them */
		if (phdrs[i].p_type == PT_LOAD && phdrs[i].p_offset == 0) {
			bias = at_phdr - ELF64_EHDR_SIZE - phdrs[i].p_vaddr;
			has_bias = true;
			break;
		}
	}
	if (!has_bias)
		return 0;
	for (u64 i = 0; i < PHDRS_MAX; i++) {
		u64 len;
		u32 at = off + total;

		if (i >= count)
			break;
		if (phdrs[i].p_type != PT_NOTE)
			continue;
		len = phdrs[i].p_filesz;
		if (len > NOTE_PART_MAX)
			len = NOTE_PART_MAX;
		if (total > NOTES_MAX_BYTES - NOTE_PART_MAX || at > EVENT_MAX_BYTES - NOTE_PART_MAX)
			break;
		if (bpf_probe_read_user(&s->event[at], len, (void *)(bias + phdrs[i].p_vaddr)))
			continue;
		total += (len + 3) & ~3;
	}
	return total;
}

static __always_inline u32 notes_write(struct scratch *s, struct mm_struct *mm, u64 off)
{
	s->walk.mm = mm;
	return mm ? notes_walk(off) : 0;
}
