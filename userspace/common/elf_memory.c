// SPDX-License-Identifier: BSD-2-Clause
/* Either class, by way of the larger one's structures. */
#include "common/elf_memory.h"

#include <elf.h>
#include <errno.h>

#define HEADERS_MAX 65536	  /* bytes of the program headers: the kernel takes no more */
#define NOTES_MAX   (1024 * 1024) /* bytes of all notes together */
#define OFFSET_PAGE 4095	  /* a segment from the first page has the file's first byte */

#define IS_BIG_ENDIAN (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)

struct image {
	elf_memory_reader reader;
	void *arg;
	uint64_t start;
	bool is_64;
	uint64_t headers; /* offset of the program headers */
	size_t count;
};

static int read_all(const struct image *image, void *out, size_t len, uint64_t address)
{
	ssize_t n = image->reader(image->arg, out, len, address);

	return n < 0 ? (int)n : (size_t)n < len ? -ENOEXEC : 0;
}

static int header_read(struct image *image)
{
	union {
		unsigned char ident[EI_NIDENT];
		Elf32_Ehdr of_32;
		Elf64_Ehdr of_64;
	} header;
	size_t size, entry;
	int r = read_all(image, &header, sizeof(header), image->start);

	if (r)
		return r;
	if (memcmp(header.ident, ELFMAG, SELFMAG) ||
	    header.ident[EI_DATA] != (IS_BIG_ENDIAN ? ELFDATA2MSB : ELFDATA2LSB))
		return -ENOEXEC;
	image->is_64 = header.ident[EI_CLASS] == ELFCLASS64;
	if (!image->is_64 && header.ident[EI_CLASS] != ELFCLASS32)
		return -ENOEXEC;
	image->headers = image->is_64 ? header.of_64.e_phoff : header.of_32.e_phoff;
	image->count = image->is_64 ? header.of_64.e_phnum : header.of_32.e_phnum;
	entry = image->is_64 ? header.of_64.e_phentsize : header.of_32.e_phentsize;
	size = image->is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	return entry != size || image->count * size > HEADERS_MAX ? -ENOEXEC : 0;
}

static Elf64_Phdr program_header(const struct image *image, const char *table, size_t i)
{
	Elf64_Phdr header;
	Elf32_Phdr narrow;

	if (image->is_64) {
		memcpy(&header, table + i * sizeof(header), sizeof(header));
		return header;
	}
	memcpy(&narrow, table + i * sizeof(narrow), sizeof(narrow));
	return (Elf64_Phdr){.p_type = narrow.p_type,
			    .p_offset = narrow.p_offset,
			    .p_vaddr = narrow.p_vaddr,
			    .p_filesz = narrow.p_filesz};
}

static int notes_read(const struct image *image, uint64_t address, size_t len, struct note_ids *ids)
{
	_cleanup_free_ char *data = malloc(len);
	ssize_t n;

	if (!data)
		return -ENOMEM;
	n = image->reader(image->arg, data, len, address);
	if (n > 0)
		note_scan((struct bytes){data, (size_t)n}, IS_BIG_ENDIAN, ids);
	return 0;
}

int elf_memory_notes(elf_memory_reader reader, void *arg, uint64_t start, struct note_ids *ret)
{
	struct image image = {.reader = reader, .arg = arg, .start = start};
	_cleanup_free_ char *table = NULL;
	struct note_ids ids = {};
	uint64_t bias = 0;
	bool is_loaded = false;
	size_t len, notes = 0;
	int r = header_read(&image);

	if (r)
		return r;
	len = image.count * (image.is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr));
	table = malloc(len + 1);
	if (!table)
		return -ENOMEM;
	r = read_all(&image, table, len, start + image.headers);
	if (r)
		return r;
	for (size_t i = 0; i < image.count && !is_loaded; i++) {
		Elf64_Phdr header = program_header(&image, table, i);

		is_loaded = header.p_type == PT_LOAD && header.p_offset <= OFFSET_PAGE;
		bias = start - (header.p_vaddr - header.p_offset);
	}
	for (size_t i = 0; i < image.count && is_loaded && notes < NOTES_MAX; i++) {
		Elf64_Phdr header = program_header(&image, table, i);

		if (header.p_type != PT_NOTE || !header.p_filesz)
			continue;
		len = MIN(header.p_filesz, (Elf64_Xword)NOTE_SEGMENT_MAX);
		notes += len;
		r = notes_read(&image, bias + header.p_vaddr, len, &ids);
		if (r)
			return r;
	}
	if (!is_loaded)
		return -ENOEXEC;
	*ret = ids;
	return 0;
}
