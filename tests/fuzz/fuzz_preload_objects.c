/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An object's headers, as the preload library reads them in its own process: the object is mapped
 * as a loader would do it, of a file that may be shorter than they say, with nothing around it.
 * What the loader reads itself must be there, or it would have died before; nothing else may be
 * looked at where reading faults.
 */
#include "preload/item.c"
#include "preload/mapped.c"
#include "preload/objects.c"
#include "preload/opening.c"
#include "preload/symbol.c"

#include <sys/mman.h>

#define PAGES	  32
#define FILE_MAX  24
#define HEADERS	  8
#define PAGE_SIZE 4096

struct input {
	uint8_t file_pages, headers, unused[6];
	struct {
		uint16_t vaddr, filesz, memsz; /* in sixteenths of a page */
		uint8_t type, flags;
		int64_t more; /* added to vaddr of what is no segment */
		int64_t longer;
	} header[HEADERS];
};

static uint8_t *place;
static bool readable[PAGES];
static ElfW(Phdr) headers[HEADERS];
static struct dl_phdr_info info;

static void map_pages(int fd, size_t first, size_t count, size_t offset, int prot,
		      size_t file_pages)
{
	for (size_t i = 0; i < count && first + i < PAGES; i++) {
		size_t in_file = offset + i;

		if (mmap(place + (first + i) * PAGE_SIZE, PAGE_SIZE, prot,
			 MAP_PRIVATE | MAP_FIXED | (fd < 0 ? MAP_ANONYMOUS : 0), fd,
			 fd < 0 ? 0 : (off_t)(in_file * PAGE_SIZE)) == MAP_FAILED)
			abort();
		readable[first + i] = (prot & PROT_READ) && (fd < 0 || in_file < file_pages);
	}
}

static void map_segment(int fd, const ElfW(Phdr) * load, size_t file_pages)
{
	int prot = load->p_flags & PF_R ? PROT_READ : PROT_NONE;
	size_t first = load->p_vaddr / PAGE_SIZE;
	size_t of_file = (load->p_vaddr + load->p_filesz + PAGE_SIZE - 1) / PAGE_SIZE - first;
	size_t all = (load->p_vaddr + load->p_memsz + PAGE_SIZE - 1) / PAGE_SIZE - first;

	if (!load->p_filesz)
		of_file = 0;
	map_pages(fd, first, of_file, load->p_offset / PAGE_SIZE, prot, file_pages);
	if (all > of_file)
		map_pages(-1, first + of_file, all - of_file, 0, prot, 0);
}

static bool is_there(const void *at, size_t len)
{
	uintptr_t offset = (uintptr_t)at - (uintptr_t)place;

	if (offset > PAGES * PAGE_SIZE || len > PAGES * PAGE_SIZE - offset)
		return false;
	for (size_t page = offset / PAGE_SIZE; len && page <= (offset + len - 1) / PAGE_SIZE;
	     page++)
		if (!readable[page])
			return false;
	return true;
}

/* What a loader reads before any constructor is called. */
static bool loader_lives(void)
{
	const ElfW(Dyn) *dynamic = mapped_dynamic(&info);
	struct symbol_tables tables;

	if (!dynamic)
		return true;
	for (;; dynamic++) {
		if ((uintptr_t)dynamic % sizeof(long) || !is_there(dynamic, sizeof(*dynamic)))
			return false;
		if (dynamic->d_tag == DT_NULL)
			break;
	}
	if (!symbol_tables_find(mapped_dynamic(&info), info.dlpi_addr, &tables))
		return true;
	if ((uintptr_t)tables.symbols % 8 || !is_there(tables.symbols, sizeof(*tables.symbols)) ||
	    !is_there(tables.names, 1) ||
	    (tables.last_relocation && !is_there(tables.last_relocation, 1)))
		return false;
	if (tables.gnu && ((uintptr_t)tables.gnu % 4 || !is_there(tables.gnu, 16) ||
			   !is_there(gnu_buckets(tables.gnu), 4)))
		return false;
	return !tables.sysv || ((uintptr_t)tables.sysv % 4 == 0 && is_there(tables.sysv, 8));
}

static int iterate(int (*callback)(struct dl_phdr_info *info, size_t size, void *arg), void *arg)
{
	return callback(&info, sizeof(info), arg);
}

static void set_headers(const struct input *input)
{
	static const ElfW(Word) types[] = {PT_LOAD, PT_NOTE, PT_DYNAMIC, PT_LOAD};

	for (int i = 0; i < HEADERS; i++) {
		size_t vaddr =
			(size_t)input->header[i].vaddr * (PAGE_SIZE / 16) % (PAGES * PAGE_SIZE);
		size_t filesz = (size_t)input->header[i].filesz * (PAGE_SIZE / 16) %
				(PAGES * PAGE_SIZE - vaddr);
		size_t memsz = MAX(filesz, (size_t)input->header[i].memsz * (PAGE_SIZE / 16) %
						   (PAGES * PAGE_SIZE - vaddr));

		headers[i] = (ElfW(Phdr)){.p_type = types[input->header[i].type % 4],
					  .p_flags = input->header[i].flags % 8,
					  .p_vaddr = vaddr,
					  .p_offset = (input->header[i].flags / 8 % 8) * PAGE_SIZE +
						      vaddr % PAGE_SIZE,
					  .p_filesz = filesz,
					  .p_memsz = memsz};
		if (headers[i].p_type != PT_LOAD) {
			headers[i].p_vaddr += (ElfW(Addr))input->header[i].more;
			headers[i].p_filesz += (ElfW(Addr))input->header[i].longer;
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t message[8192];
	static int fd = -1;
	struct writer writer = {.data = message, .size = sizeof(message)};
	struct objects_mark mark;
	struct input input;
	size_t file_pages;

	if (size < sizeof(input))
		return 0;
	memcpy(&input, data, sizeof(input));
	data += sizeof(input);
	size -= sizeof(input);
	if (fd < 0)
		fd = memfd_create("object", 0);
	if (place)
		munmap(place, PAGES * PAGE_SIZE);
	place = mmap(place, PAGES * PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(readable, 0, sizeof(readable));
	file_pages = input.file_pages % (FILE_MAX + 1);
	if (ftruncate(fd, 0) || ftruncate(fd, (off_t)(file_pages * PAGE_SIZE)))
		abort();
	/* the same bytes in each page: whatever lies where, something is found there */
	for (size_t page = 0; page < file_pages; page++)
		if (pwrite(fd, data, MIN(size, (size_t)PAGE_SIZE), (off_t)(page * PAGE_SIZE)) < 0)
			abort();
	set_headers(&input);
	for (int i = 0; i < HEADERS; i++)
		if (headers[i].p_type == PT_LOAD)
			map_segment(fd, &headers[i], file_pages);
	info = (struct dl_phdr_info){.dlpi_addr = (ElfW(Addr))place,
				     .dlpi_name = "",
				     .dlpi_phdr = headers,
				     .dlpi_phnum = HEADERS};
	if (!loader_lives())
		return 0;
	item_begin(&writer, RUN_BEGIN, 1, (uint64_t[]){1, 2});
	objects_put(&writer, iterate, (ElfW(Addr)[OBJECTS_APART]){1, 2, 3}, &mark);
	return 0;
}
