/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why elf_begin() isn't used: it makes room for as many sections as the file claims, which for a
 * sparse file of a terabyte is all our memory. We read headers by pread within named limits and
 * leave to libelf what it is sure of: the form of each header in either class and byte order
 * (elf32_xlatetom).
 */
#include "common/elf_id.h"
#include "common/fs.h"

#include <errno.h>
#include <gelf.h>

#define PROGRAM_HEADERS_MAX 65536 /* bytes of their table; the kernel takes no more either */
#define SECTION_HEADERS_MAX (4 * 1024 * 1024)  /* bytes of their table: 65,536 sections */
#define NOTE_BYTES_MAX	    (1024 * 1024)      /* of all PT_NOTE of a file together */
#define COMMENT_MAX	    (1024 * 1024)      /* bytes of .comment that are looked at */
#define SYMBOL_NAMES_MAX    (32 * 1024 * 1024) /* bytes of dynamic symbols' names */
#define SYMBOLS_STEP	    1024	       /* read at one go */

struct elf_file {
	int fd;
	bool is_64;
	unsigned int encoding; /* ELFDATA2LSB or ELFDATA2MSB */
	GElf_Ehdr header;
};

/* count structures of type from raw, in the file's form, to out, in ours. */
static int translate(const struct elf_file *file, Elf_Type type, void *raw, void *out, size_t len)
{
	Elf_Data from = {.d_buf = raw, .d_size = len, .d_type = type, .d_version = EV_CURRENT};
	Elf_Data to = {.d_buf = out, .d_size = len, .d_type = type, .d_version = EV_CURRENT};
	Elf_Data *done = file->is_64 ? elf64_xlatetom(&to, &from, file->encoding)
				     : elf32_xlatetom(&to, &from, file->encoding);

	return done ? 0 : -ENOEXEC;
}

#define WIDEN(to, from, member) ((to)->member = (from)->member)

static void widen_header(GElf_Ehdr *to, const Elf32_Ehdr *from)
{
	memcpy(to->e_ident, from->e_ident, EI_NIDENT);
	WIDEN(to, from, e_type);
	WIDEN(to, from, e_machine);
	WIDEN(to, from, e_phoff);
	WIDEN(to, from, e_phentsize);
	WIDEN(to, from, e_phnum);
	WIDEN(to, from, e_shoff);
	WIDEN(to, from, e_shentsize);
	WIDEN(to, from, e_shnum);
	WIDEN(to, from, e_shstrndx);
}

static int open_file(int fd, struct elf_file *ret)
{
	struct elf_file file = {.fd = fd};
	union {
		unsigned char ident[EI_NIDENT];
		Elf32_Ehdr header_32;
		Elf64_Ehdr header_64;
	} raw = {};
	Elf32_Ehdr header_32;
	ssize_t len = fs_pread_all(fd, &raw, sizeof(raw), 0);
	int r;

	if (len < 0)
		return (int)len;
	elf_version(EV_CURRENT); /* else libelf translates nothing */
	if (len < (ssize_t)sizeof(Elf32_Ehdr) || memcmp(raw.ident, ELFMAG, SELFMAG))
		return -ENOEXEC;
	file.is_64 = raw.ident[EI_CLASS] == ELFCLASS64;
	file.encoding = raw.ident[EI_DATA];
	if ((!file.is_64 && raw.ident[EI_CLASS] != ELFCLASS32) ||
	    (file.encoding != ELFDATA2LSB && file.encoding != ELFDATA2MSB) ||
	    (file.is_64 && len < (ssize_t)sizeof(Elf64_Ehdr)))
		return -ENOEXEC;
	if (file.is_64)
		r = translate(&file, ELF_T_EHDR, &raw, &file.header, sizeof(Elf64_Ehdr));
	else
		r = translate(&file, ELF_T_EHDR, &raw, &header_32, sizeof(Elf32_Ehdr));
	if (r < 0)
		return r;
	if (!file.is_64)
		widen_header(&file.header, &header_32);
	*ret = file;
	return 0;
}

/* A table of count headers of entry_size bytes at offset, translated; -ENOEXEC if it isn't all
 * there. */
static int read_table(const struct elf_file *file, Elf_Type type, uint64_t offset, size_t len,
		      void **ret)
{
	_cleanup_free_ void *raw = malloc(len), *table = malloc(len);
	ssize_t n;
	int r;

	if (!raw || !table)
		return -ENOMEM;
	if (offset > INT64_MAX - len)
		return -ENOEXEC;
	n = fs_pread_all(file->fd, raw, len, (off_t)offset);
	if (n < 0)
		return (int)n;
	if ((size_t)n < len)
		return -ENOEXEC;
	r = translate(file, type, raw, table, len);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(table);
	return 0;
}

static int read_notes(const struct elf_file *file, uint64_t offset, uint64_t len,
		      struct note_ids *ids)
{
	_cleanup_free_ char *data = NULL;
	ssize_t n;

	if (offset > INT64_MAX - NOTE_SEGMENT_MAX)
		return 0;
	len = MIN(len, (uint64_t)NOTE_SEGMENT_MAX);
	data = malloc(len);
	if (!data)
		return -ENOMEM;
	n = fs_pread_all(file->fd, data, len, (off_t)offset);
	if (n < 0)
		return (int)n;
	note_scan((struct bytes){data, (size_t)n}, file->encoding == ELFDATA2MSB, ids);
	return 0;
}

static GElf_Phdr program_header(const struct elf_file *file, const void *table, size_t i)
{
	const Elf32_Phdr *header_32;
	GElf_Phdr header = {};

	if (file->is_64)
		return ((const Elf64_Phdr *)table)[i];
	header_32 = (const Elf32_Phdr *)table + i;
	WIDEN(&header, header_32, p_type);
	WIDEN(&header, header_32, p_offset);
	WIDEN(&header, header_32, p_filesz);
	return header;
}

int elf_id_read(int fd, struct elf_id *ret)
{
	_cleanup_free_ void *table = NULL;
	struct elf_id id = {};
	struct elf_file file;
	size_t size, notes = 0;
	int r = open_file(fd, &file);

	if (r < 0)
		return r;
	id.type = file.header.e_type;
	id.machine = file.header.e_machine;
	id.elf_class = file.is_64 ? ELFCLASS64 : ELFCLASS32;
	id.big_endian = file.encoding == ELFDATA2MSB;
	size = file.is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	if (file.header.e_phnum) {
		if (file.header.e_phentsize != size ||
		    file.header.e_phnum * size > PROGRAM_HEADERS_MAX)
			return -ENOEXEC;
		r = read_table(&file, ELF_T_PHDR, file.header.e_phoff, file.header.e_phnum * size,
			       &table);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < file.header.e_phnum; i++) {
		GElf_Phdr header = program_header(&file, table, i);

		id.is_dynamic |= header.p_type == PT_DYNAMIC;
		id.has_interp |= header.p_type == PT_INTERP;
		if (header.p_type != PT_NOTE || !header.p_filesz || notes >= NOTE_BYTES_MAX)
			continue;
		notes += MIN(header.p_filesz, (GElf_Xword)NOTE_SEGMENT_MAX);
		r = read_notes(&file, header.p_offset, header.p_filesz, &id.notes);
		if (r < 0)
			return r;
	}
	*ret = id;
	return 0;
}

static GElf_Shdr section_header(const struct elf_file *file, const void *table, size_t i)
{
	const Elf32_Shdr *header_32;
	GElf_Shdr header = {};

	if (file->is_64)
		return ((const Elf64_Shdr *)table)[i];
	header_32 = (const Elf32_Shdr *)table + i;
	WIDEN(&header, header_32, sh_name);
	WIDEN(&header, header_32, sh_type);
	WIDEN(&header, header_32, sh_offset);
	WIDEN(&header, header_32, sh_size);
	WIDEN(&header, header_32, sh_link);
	return header;
}

/* The table of sections, how many there are, and which one holds their names: where the ELF header
 * has no room for the numbers, section 0 has them. 0, -ENOENT without sections, or negative errno.
 */
static int read_sections(const struct elf_file *file, uint64_t *ret_count, uint64_t *ret_names,
			 void **ret)
{
	size_t size = file->is_64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
	uint64_t count = file->header.e_shnum, names = file->header.e_shstrndx;
	_cleanup_free_ void *first = NULL;
	int r;

	if (!file->header.e_shoff)
		return -ENOENT;
	if (file->header.e_shentsize != size)
		return -ENOEXEC;
	if (!count || names == SHN_XINDEX) {
		r = read_table(file, ELF_T_SHDR, file->header.e_shoff, size, &first);
		if (r < 0)
			return r;
		GElf_Shdr header = section_header(file, first, 0);

		count = count ?: header.sh_size;
		names = names == SHN_XINDEX ? header.sh_link : names;
	}
	if (count > SECTION_HEADERS_MAX / size || names >= count)
		return -ENOEXEC;
	*ret_count = count;
	*ret_names = names;
	return read_table(file, ELF_T_SHDR, file->header.e_shoff, count * size, ret);
}

static int find_comment(const struct elf_file *file, GElf_Shdr *ret)
{
	static const char comment[] = ".comment";
	_cleanup_free_ void *table = NULL;
	uint64_t count, names;
	GElf_Shdr strings;
	int r = read_sections(file, &count, &names, &table);

	if (r < 0)
		return r;
	strings = section_header(file, table, names);
	for (size_t i = 1; i < count; i++) {
		GElf_Shdr header = section_header(file, table, i);
		char name[sizeof(comment)];
		ssize_t n;

		if (header.sh_type != SHT_PROGBITS || header.sh_name >= strings.sh_size ||
		    strings.sh_offset > INT64_MAX - UINT32_MAX)
			continue;
		n = fs_pread_all(file->fd, name, sizeof(name),
				 (off_t)(strings.sh_offset + header.sh_name));
		if (n < 0)
			return (int)n;
		if (n == sizeof(name) && !memcmp(name, comment, sizeof(comment))) {
			*ret = header;
			return 0;
		}
	}
	return -ENOENT;
}

/* Adds text to the len bytes of strings in out unless it is there. The length behind it. */
static size_t add_string(char *out, size_t len, size_t size, struct bytes text)
{
	for (size_t pos = 0; pos < len; pos += strlen(out + pos) + 1)
		if (!strcmp(out + pos, text.data))
			return len;
	if (text.len + 1 > size - len)
		return len;
	memcpy(out + len, text.data, text.len + 1);
	return len + text.len + 1;
}

ssize_t elf_id_comment(int fd, char *out, size_t size)
{
	_cleanup_free_ char *data = NULL;
	struct elf_file file;
	GElf_Shdr section = {};
	size_t len = 0;
	ssize_t n;
	int r;

	r = open_file(fd, &file);
	if (r >= 0)
		r = find_comment(&file, &section);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (section.sh_offset > INT64_MAX - COMMENT_MAX)
		return -ENOEXEC;
	section.sh_size = MIN(section.sh_size, (GElf_Xword)COMMENT_MAX);
	data = malloc(section.sh_size + 1);
	if (!data)
		return -ENOMEM;
	n = fs_pread_all(fd, data, section.sh_size, (off_t)section.sh_offset);
	if (n < 0)
		return n;
	data[n] = '\0';
	for (size_t pos = 0; pos < (size_t)n; pos += strlen(data + pos) + 1)
		if (data[pos])
			len = add_string(out, len, size, bytes_of(data + pos));
	return len ? (ssize_t)len - 1 : 0;
}

/* The dynamic symbols, and the section of their names. */
static int find_symbols(const struct elf_file *file, GElf_Shdr *ret_symbols, GElf_Shdr *ret_names)
{
	_cleanup_free_ void *table = NULL;
	uint64_t count, names;
	int r = read_sections(file, &count, &names, &table);

	if (r < 0)
		return r;
	for (size_t i = 1; i < count; i++) {
		GElf_Shdr header = section_header(file, table, i);

		if (header.sh_type != SHT_DYNSYM)
			continue;
		if (!header.sh_link || header.sh_link >= count)
			return -ENOEXEC;
		*ret_symbols = header;
		*ret_names = section_header(file, table, header.sh_link);
		return 0;
	}
	return -ENOENT;
}

static GElf_Sym symbol_at(const struct elf_file *file, const void *table, size_t i)
{
	const Elf32_Sym *symbol_32 = (const Elf32_Sym *)table + i;
	GElf_Sym symbol = {};

	if (file->is_64)
		return ((const Elf64_Sym *)table)[i];
	WIDEN(&symbol, symbol_32, st_name);
	WIDEN(&symbol, symbol_32, st_info);
	WIDEN(&symbol, symbol_32, st_other);
	WIDEN(&symbol, symbol_32, st_shndx);
	return symbol;
}

/* Local ones, sections' and files' are nobody else's business. */
static bool is_for_others(const GElf_Sym *symbol)
{
	unsigned int visibility = GELF_ST_VISIBILITY(symbol->st_other);

	return GELF_ST_BIND(symbol->st_info) != STB_LOCAL &&
	       (visibility == STV_DEFAULT || visibility == STV_PROTECTED);
}

int elf_id_symbols(int fd, elf_symbol_fn *fn, void *arg)
{
	_cleanup_free_ char *names = NULL;
	struct elf_file file;
	GElf_Shdr section, strings;
	uint64_t done = 0, count;
	ssize_t len;
	size_t size;
	int r = open_file(fd, &file);

	if (r >= 0)
		r = find_symbols(&file, &section, &strings);
	if (r < 0)
		return r;
	size = file.is_64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
	count = section.sh_size / size;
	if (strings.sh_size > SYMBOL_NAMES_MAX || count > SYMBOL_NAMES_MAX ||
	    strings.sh_offset > INT64_MAX / 2 || section.sh_offset > INT64_MAX / 2)
		return -ENOEXEC;
	names = malloc(strings.sh_size + 1);
	if (!names)
		return -ENOMEM;
	len = fs_pread_all(fd, names, strings.sh_size, (off_t)strings.sh_offset);
	if (len < 0)
		return (int)len;
	names[len] = '\0';
	while (done < count) {
		size_t step = MIN(count - done, (uint64_t)SYMBOLS_STEP);
		_cleanup_free_ void *table = NULL;

		r = read_table(&file, ELF_T_SYM, section.sh_offset + done * size, step * size,
			       &table);
		if (r < 0)
			return r;
		for (size_t i = 0; i < step; i++) {
			GElf_Sym symbol = symbol_at(&file, table, i);

			if (symbol.st_name && symbol.st_name < (GElf_Word)len &&
			    is_for_others(&symbol) &&
			    !fn(arg, names + symbol.st_name, symbol.st_shndx == SHN_UNDEF))
				return 0;
		}
		done += step;
	}
	return 0;
}
