/* SPDX-License-Identifier: BSD-2-Clause */
/* Notes of files as they are mapped: those of this process against what their files say, and
 * headers made here of either class, whole, cut and wrong. */
#include "tests/unit/unit.h"

#include "common/elf_id.h"
#include "common/elf_memory.h"
#include "daemon/facts_memory.h"

#include <elf.h>
#include <errno.h>

struct memory {
	const char *data;
	uint64_t address;
	size_t len;
};

static ssize_t memory_read(void *arg, void *out, size_t len, uint64_t address)
{
	const struct memory *m = arg;

	if (address < m->address || address - m->address >= m->len)
		return -EIO;
	len = MIN(len, m->len - (address - m->address));
	memcpy(out, m->data + (address - m->address), len);
	return len;
}

static ssize_t own_read(void *arg, void *out, size_t len, uint64_t address)
{
	ssize_t n = pread(*(int *)arg, out, len, address);

	return n < 0 ? -errno : n;
}

static void what_is_mapped_is_what_the_file_says(void **state)
{
	_cleanup_close_ int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	_cleanup_fclose_ FILE *maps = fopen("/proc/self/maps", "re");
	char line[4096], path[4096];
	int compared = 0;

	(void)state;
	while (fgets(line, sizeof(line), maps)) {
		struct note_ids notes = {};
		unsigned long start, offset;
		struct elf_id id;

		if (sscanf(line, "%lx-%*x %*s %lx %*s %*s %4095s", &start, &offset, path) != 3 ||
		    offset || *path != '/')
			continue;
		_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || elf_id_read(fd, &id))
			continue;
		assert_int_equal(elf_memory_notes(own_read, (void *)&memory, start, &notes), 0);
		assert_int_equal(notes.build_id_len, id.notes.build_id_len);
		assert_memory_equal(notes.build_id, id.notes.build_id, notes.build_id_len);
		compared += notes.build_id_len > 0;
	}
	assert_true(compared >= 3); /* this program, the C library, the loader */
}

#define NOTE "\4\0\0\0\3\0\0\0\3\0\0\0GNU\0abc\0"
enum { PHDRS_AT = 64, NOTES_AT = 256, IMAGE_LEN = 512, BASE = 0x8048000 };

/* A program of either class whose first segment is mapped at BASE + bias. */
static void image_make(char *out, bool is_64, uint16_t phnum)
{
	memset(out, 0, IMAGE_LEN);
	memcpy(out, ELFMAG, SELFMAG);
	out[EI_CLASS] = is_64 ? ELFCLASS64 : ELFCLASS32;
	out[EI_DATA] = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? ELFDATA2MSB : ELFDATA2LSB;
	memcpy(out + NOTES_AT, NOTE, sizeof(NOTE) - 1);
	if (is_64) {
		Elf64_Ehdr *header = (void *)out;
		Elf64_Phdr *table = (void *)(out + PHDRS_AT);

		header->e_phoff = PHDRS_AT;
		header->e_phnum = phnum;
		header->e_phentsize = sizeof(*table);
		table[0] = (Elf64_Phdr){.p_type = PT_LOAD, .p_vaddr = BASE, .p_filesz = IMAGE_LEN};
		table[1] = (Elf64_Phdr){.p_type = PT_NOTE,
					.p_offset = NOTES_AT,
					.p_vaddr = BASE + NOTES_AT,
					.p_filesz = sizeof(NOTE) - 1};
	} else {
		Elf32_Ehdr *header = (void *)out;
		Elf32_Phdr *table = (void *)(out + PHDRS_AT);

		header->e_phoff = PHDRS_AT;
		header->e_phnum = phnum;
		header->e_phentsize = sizeof(*table);
		table[0] = (Elf32_Phdr){.p_type = PT_LOAD, .p_vaddr = BASE, .p_filesz = IMAGE_LEN};
		table[1] = (Elf32_Phdr){.p_type = PT_NOTE,
					.p_offset = NOTES_AT,
					.p_vaddr = BASE + NOTES_AT,
					.p_filesz = sizeof(NOTE) - 1};
	}
}

static void either_class_wherever_it_is(void **state)
{
	_Alignas(8) char image[IMAGE_LEN];

	(void)state;
	for (int is_64 = 0; is_64 < 2; is_64++) {
		for (uint64_t bias = 0; bias <= 0x7f0000000000; bias += 0x7f0000000000) {
			struct memory m = {image, BASE + bias, sizeof(image)};
			struct note_ids notes = {};

			image_make(image, is_64, 2);
			assert_int_equal(elf_memory_notes(memory_read, &m, m.address, &notes), 0);
			assert_int_equal(notes.build_id_len, 3);
			assert_memory_equal(notes.build_id, "abc", 3);
		}
	}
}

static void what_is_not_there_is_no_elf(void **state)
{
	static const struct {
		const char *what;
		size_t at;
		char value;
		size_t len;
	} cases[] = {
		{"magic", 0, 'E', IMAGE_LEN},
		{"class", EI_CLASS, 3, IMAGE_LEN},
		{"byte order", EI_DATA, 9, IMAGE_LEN},
		{"size of a header", offsetof(Elf64_Ehdr, e_phentsize), 55, IMAGE_LEN},
		{"number of headers", offsetof(Elf64_Ehdr, e_phnum) + 1, 0x7f, IMAGE_LEN},
		{"place of headers", offsetof(Elf64_Ehdr, e_phoff) + 3, 1, IMAGE_LEN},
		{"no segment with the beginning", PHDRS_AT, PT_NULL, IMAGE_LEN},
		{"cut in the header", EI_PAD, 0, 63},
		{"cut in the table", EI_PAD, 0, PHDRS_AT + 2 * sizeof(Elf64_Phdr) - 1},
		{"nothing", EI_PAD, 0, 0},
	};
	_Alignas(8) char image[IMAGE_LEN];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct memory m = {image, BASE, cases[i].len};
		struct note_ids notes = {.build_id_len = 77};

		image_make(image, true, 2);
		image[cases[i].at] = cases[i].value;
		assert_true(elf_memory_notes(memory_read, &m, BASE, &notes) < 0);
		assert_int_equal(notes.build_id_len, 77);
	}
	/* notes that are not there are none */
	struct memory m = {image, BASE, NOTES_AT};
	struct note_ids notes = {};

	image_make(image, true, 2);
	assert_int_equal(elf_memory_notes(memory_read, &m, BASE, &notes), 0);
	assert_int_equal(notes.build_id_len, 0);
}

static void lines_of_maps(void **state)
{
	static const struct {
		const char *line;
		bool is_start;
	} cases[] = {
		{"7f12a000-7f12b000 r--p 00000000 fe:00 77 /a b\n", true},
		{"7f12a000-7f12b000 r-xp 00000000 fe:00 77\n", true},
		{"7f12a000-7f12b000 r--p 00001000 fe:00 77 /a\n", false}, /* not its beginning */
		{"7f12a000-7f12b000 r--p 00000000 fe:01 77 /a\n", false}, /* another device */
		{"7f12a000-7f12b000 r--p 00000000 fe:00 78 /a\n", false}, /* another file */
		{"7f12a000-7f12b000 rw-p 00000000 00:00 0\n", false},
		{"7f12a000 r--p 00000000 fe:00 77\n", false},
		{"of a path that has a line's end in it\n", false},
		{"", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t address = 0;

		assert_int_equal(memory_is_start(cases[i].line, 0xfe << 20, 77, &address),
				 cases[i].is_start);
		assert_int_equal(address, cases[i].is_start ? 0x7f12a000 : 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_mapped_is_what_the_file_says),
		cmocka_unit_test(either_class_wherever_it_is),
		cmocka_unit_test(what_is_not_there_is_no_elf),
		cmocka_unit_test(lines_of_maps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
