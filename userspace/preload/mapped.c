/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory is there where readable segments of the object lie, if the file is as long as they say:
 * what is mapped beyond its end is there to fault. How long it is at least is known from what the
 * loader has read: the dynamic section, and in objects that were changed after they were linked
 * (patchelf, strip) the tables that it tells of.
 */
#include "preload/mapped.h"
#include "preload/symbol.h"
#include "common/util.h"

#define PAGE_MIN 4096

/* Where in the file the byte at that address lies; false unless all segments that share its page
 * are readable, and one of them has it of the file. */
static bool find_offset(const struct dl_phdr_info *info, ElfW(Addr) address, uint64_t *ret)
{
	ElfW(Addr) page = address & ~(ElfW(Addr))(PAGE_MIN - 1);
	bool found = false, is_of_file = false;
	uint64_t delta;

	*ret = 0;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *load = &info->dlpi_phdr[i];

		if (load->p_type != PT_LOAD || page + (PAGE_MIN - 1) < load->p_vaddr ||
		    (page > load->p_vaddr && page - load->p_vaddr >= load->p_memsz))
			continue;
		if (!(load->p_flags & PF_R))
			return false;
		/* of two that are mapped there, one hides the other */
		if (load->p_filesz && page <= load->p_vaddr + (load->p_filesz - 1)) {
			delta = (uint64_t)load->p_offset - load->p_vaddr;
			if (is_of_file && delta != *ret)
				return false;
			*ret = delta;
			is_of_file = true;
		}
		found |= address >= load->p_vaddr && address - load->p_vaddr < load->p_filesz;
	}
	*ret += address;
	return found;
}

static const ElfW(Phdr) * find_dynamic(const struct dl_phdr_info *info)
{
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
			return &info->dlpi_phdr[i];
	return NULL;
}

const ElfW(Dyn) * mapped_dynamic(const struct dl_phdr_info *info)
{
	const ElfW(Phdr) *dynamic = find_dynamic(info);

	return dynamic ? (const ElfW(Dyn) *)(info->dlpi_addr + dynamic->p_vaddr) : NULL;
}

/* The last offset in the file that the loader is known to have read; 0: none. */
static uint64_t known_offset(const struct dl_phdr_info *info, bool with_tables)
{
	const ElfW(Phdr) *dynamic = find_dynamic(info);
	uint64_t known = 0, offset;
	struct symbol_tables tables;

	if (dynamic && find_offset(info, dynamic->p_vaddr, &offset))
		known = offset;
	if (!known || !with_tables ||
	    !symbol_tables_find(mapped_dynamic(info), info->dlpi_addr, &tables))
		return known;
	{
		const void *const read[] = {tables.symbols, tables.names, tables.gnu, tables.sysv,
					    tables.last_relocation};

		for (size_t i = 0; i < ARRAY_SIZE(read); i++)
			if (read[i] &&
			    find_offset(info, (ElfW(Addr))read[i] - info->dlpi_addr, &offset))
				known = MAX(known, offset);
	}
	return known;
}

bool mapped_is_readable(struct mapped *mapped, ElfW(Addr) address, size_t len)
{
	ElfW(Addr) last = address + len - 1;
	uint64_t offset, end;

	if (!len || last < address || last > (ElfW(Addr)) - PAGE_MIN ||
	    !find_offset(mapped->info, last, &end))
		return false;
	/* page by page: segments may lie close together, and overlap */
	for (; address <= last; address = (address | (PAGE_MIN - 1)) + 1) {
		if (!find_offset(mapped->info, address, &offset))
			return false;
		end = MAX(end, offset);
	}
	end /= PAGE_MIN;
	if (!mapped->known)
		mapped->known = known_offset(mapped->info, false);
	if (end > mapped->known / PAGE_MIN)
		mapped->known = known_offset(mapped->info, true);
	return end <= mapped->known / PAGE_MIN;
}
