/* SPDX-License-Identifier: BSD-2-Clause */
#include "preload/symbol.h"
#include "common/util.h"

#include <string.h>
#include <time.h>

bool symbol_tables_find(const ElfW(Dyn) * dynamic, ElfW(Addr) base, struct symbol_tables *ret)
{
	struct symbol_tables tables = {};
	const char *relocations = NULL;
	size_t relocations_len = 0;

	for (; dynamic->d_tag != DT_NULL; dynamic++) {
		/* glibc has made addresses of them where it may write, others leave offsets */
		ElfW(Addr) value = dynamic->d_un.d_ptr;
		const void *address = (const void *)(value < base ? value + base : value);

		if (dynamic->d_tag == DT_SYMTAB)
			tables.symbols = address;
		else if (dynamic->d_tag == DT_STRTAB)
			tables.names = address;
		else if (dynamic->d_tag == DT_STRSZ)
			tables.names_len = dynamic->d_un.d_val;
		else if (dynamic->d_tag == DT_RELA || dynamic->d_tag == DT_REL)
			relocations = address;
		else if (dynamic->d_tag == DT_RELASZ || dynamic->d_tag == DT_RELSZ)
			relocations_len = dynamic->d_un.d_val;
		else if (dynamic->d_tag == DT_GNU_HASH)
			tables.gnu = address;
		else if (dynamic->d_tag == DT_HASH)
			tables.sysv = address;
	}
	if (relocations && relocations_len)
		tables.last_relocation = relocations + relocations_len - 1;
	*ret = tables;
	return tables.symbols && tables.names && (tables.gnu || tables.sysv);
}

static bool is_it(const struct symbol_tables *tables, uint32_t index, const char *name)
{
	const ElfW(Sym) *symbol = &tables->symbols[index];
	size_t len = strlen(name) + 1;

	return symbol->st_shndx != SHN_UNDEF && (symbol->st_info & 0xf) == STT_FUNC &&
	       !strncmp(tables->names + symbol->st_name, name, len);
}

/* head: number of buckets, first symbol, words of the filter, shift */
static const uint32_t *gnu_buckets(const uint32_t *head)
{
	return head + 4 + head[2] * (sizeof(ElfW(Addr)) / sizeof(*head));
}

/* Index of the symbol, or 0. */
static uint32_t find_gnu(const struct symbol_tables *tables, const char *name)
{
	const uint32_t *head = tables->gnu, *buckets = gnu_buckets(head);
	const uint32_t *hashes = buckets + head[0];
	uint32_t hash = 5381, index;

	for (const char *at = name; *at; at++)
		hash = hash * 33 + (uint8_t)*at;
	index = head[0] ? buckets[hash % head[0]] : 0;
	for (; index >= head[1] && index; index++) {
		uint32_t other = hashes[index - head[1]];

		if ((other | 1) == (hash | 1) && is_it(tables, index, name))
			return index;
		if (other & 1)
			break;
	}
	return 0;
}

static uint32_t find_sysv(const struct symbol_tables *tables, const char *name)
{
	const uint32_t *head = tables->sysv; /* buckets, symbols */

	for (uint32_t index = 1; index < head[1]; index++)
		if (is_it(tables, index, name))
			return index;
	return 0;
}

/* Its address; NULL: not there. */
static const void *find(const ElfW(Dyn) * dynamic, ElfW(Addr) base, const char *name)
{
	struct symbol_tables tables;
	uint32_t index;

	if (!symbol_tables_find(dynamic, base, &tables))
		return NULL;
	index = tables.gnu ? find_gnu(&tables, name) : find_sysv(&tables, name);
	return index ? (const void *)(base + tables.symbols[index].st_value) : NULL;
}

/* GNU's table has those that the object defines, which come last (where it has none, it says
 * nothing); the older one has all. The names follow behind. */
size_t symbol_count_asked(const struct symbol_tables *tables)
{
	size_t between = (uintptr_t)tables->names - (uintptr_t)tables->symbols;
	size_t count = between / sizeof(*tables->symbols);
	const uint32_t *gnu = tables->gnu;

	if ((uintptr_t)tables->names < (uintptr_t)tables->symbols)
		return 0;
	if (!gnu)
		return MIN(count, tables->sysv[1]);
	return gnu[0] == 1 && !gnu_buckets(gnu)[0] ? count : MIN(count, gnu[1]);
}

static const ElfW(Phdr) * find_phdr(const ElfW(Phdr) * phdr, size_t count, ElfW(Word) type)
{
	for (size_t i = 0; i < count; i++)
		if (phdr[i].p_type == type)
			return &phdr[i];
	return NULL;
}

/* The loader's list of objects, through the entry that debuggers use. */
static const struct link_map *find_maps(const ElfW(Phdr) * phdr, size_t count)
{
	const ElfW(Phdr) *self = find_phdr(phdr, count, PT_PHDR);
	const ElfW(Phdr) *header = find_phdr(phdr, count, PT_DYNAMIC);
	const ElfW(Dyn) * dynamic;

	if (!self || !header)
		return NULL;
	dynamic = (const ElfW(Dyn) *)(header->p_vaddr + ((ElfW(Addr))phdr - self->p_vaddr));
	for (; dynamic->d_tag != DT_NULL; dynamic++)
		if (dynamic->d_tag == DT_DEBUG && dynamic->d_un.d_ptr)
			return ((const struct r_debug *)dynamic->d_un.d_ptr)->r_map;
	return NULL;
}

/* glibc's is libc.so.6, libc-2.17.so is its file; musl's is the loader, or named after it. */
static bool is_libc(const char *path)
{
	static const char *const names[] = {"libc.so", "libc-2.", "libc.musl-", "ld-musl-"};
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strncmp(name, names[i], strlen(names[i])))
			return true;
	return false;
}

iterate_fn *symbol_find_iterate(const ElfW(Phdr) * phdr, size_t count, ElfW(Addr) * ret_base)
{
	const struct link_map *map = find_maps(phdr, count);
	const void *found = NULL;

	for (; map && !found; map = map->l_next)
		if (map->l_name && map->l_ld && is_libc(map->l_name)) {
			found = find(map->l_ld, map->l_addr, "dl_iterate_phdr");
			*ret_base = map->l_addr;
		}
	return (iterate_fn *)found;
}

typedef int clock_fn(long clock, void *ret);

uint64_t symbol_coarse_ns(const void *vdso)
{
	static const char *const names[] = {"__vdso_clock_gettime", "__kernel_clock_gettime"};
	const ElfW(Ehdr) *image = vdso;
	const ElfW(Phdr) * phdr, *load, *dynamic;
	struct {
		long seconds, nanoseconds;
	} now;
	ElfW(Addr) base;

	if (!image)
		return 0;
	phdr = (const ElfW(Phdr) *)((const char *)image + image->e_phoff);
	load = find_phdr(phdr, image->e_phnum, PT_LOAD);
	dynamic = find_phdr(phdr, image->e_phnum, PT_DYNAMIC);
	if (!load || !dynamic)
		return 0;
	base = (ElfW(Addr))image + load->p_offset - load->p_vaddr;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		clock_fn *clock = (clock_fn *)find((const ElfW(Dyn) *)(base + dynamic->p_vaddr),
						   base, names[i]);

		if (clock && clock(CLOCK_MONOTONIC_COARSE, &now) == 0)
			return (uint64_t)now.seconds * NS_PER_S + (uint64_t)now.nanoseconds;
	}
	return 0;
}
