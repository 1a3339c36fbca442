/* SPDX-License-Identifier: BSD-2-Clause */
/* Identity of ELF files made here byte by byte: both classes, both byte orders, and hostile ones.
 */
#include "tests/unit/unit.h"

#include "common/elf_id.h"
#include "common/fs.h"

#include <elf.h>
#include <errno.h>
#include <sys/stat.h>
#include <time.h>

#define COMMENT "GCC: (Debian) 12.2.0\0clang 14\0GCC: (Debian) 12.2.0\0\0mold 1.10"

/* Where things stand in our files. */
enum { PHDRS_AT = 64, NOTES_AT = 512, COMMENT_AT = 1024, NAMES_AT = 1280, SHDRS_AT = 1536 };

struct form {
	bool is_64, big_endian;
};

static const struct form forms[] = {{true, false}, {true, true}, {false, false}, {false, true}};

static void put(int fd, off_t at, uint64_t value, size_t len, bool big_endian)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < len; i++)
		bytes[big_endian ? len - 1 - i : i] = value >> (8 * i) & 0xff;
	assert_int_equal(pwrite(fd, bytes, len, at), len);
}

/* Writes a member of a structure that has the same name in both classes. */
#define PUT(fd, form, at, kind, member, value)                                                     \
	put(fd,                                                                                    \
	    (at) + (off_t)((form).is_64 ? offsetof(Elf64_##kind, member)                           \
					: offsetof(Elf32_##kind, member)),                         \
	    value,                                                                                 \
	    (form).is_64 ? sizeof(((Elf64_##kind *)0)->member)                                     \
			 : sizeof(((Elf32_##kind *)0)->member),                                    \
	    (form).big_endian)

static void put_header(int fd, struct form form, unsigned int phdrs, unsigned int shdrs)
{
	unsigned char ident[EI_NIDENT] = {0x7f,
					  'E',
					  'L',
					  'F',
					  form.is_64 ? ELFCLASS64 : ELFCLASS32,
					  form.big_endian ? ELFDATA2MSB : ELFDATA2LSB,
					  EV_CURRENT};

	assert_int_equal(pwrite(fd, ident, sizeof(ident), 0), sizeof(ident));
	PUT(fd, form, 0, Ehdr, e_type, ET_DYN);
	PUT(fd, form, 0, Ehdr, e_machine, EM_PPC64);
	PUT(fd, form, 0, Ehdr, e_version, EV_CURRENT);
	PUT(fd, form, 0, Ehdr, e_phoff, PHDRS_AT);
	PUT(fd, form, 0, Ehdr, e_phentsize, form.is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr));
	PUT(fd, form, 0, Ehdr, e_phnum, phdrs);
	PUT(fd, form, 0, Ehdr, e_shoff, shdrs ? SHDRS_AT : 0);
	PUT(fd, form, 0, Ehdr, e_shentsize, form.is_64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr));
	PUT(fd, form, 0, Ehdr, e_shnum, shdrs);
	PUT(fd, form, 0, Ehdr, e_shstrndx, 2);
}

static void put_program_header(int fd, struct form form, unsigned int i, uint32_t type,
			       uint64_t offset, uint64_t len)
{
	off_t at = PHDRS_AT + (off_t)(i * (form.is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)));

	PUT(fd, form, at, Phdr, p_type, type);
	PUT(fd, form, at, Phdr, p_offset, offset);
	PUT(fd, form, at, Phdr, p_filesz, len);
}

static void put_section(int fd, struct form form, unsigned int i, uint32_t name, uint32_t type,
			uint64_t offset, uint64_t len)
{
	off_t at = SHDRS_AT + (off_t)(i * (form.is_64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr)));

	PUT(fd, form, at, Shdr, sh_name, name);
	PUT(fd, form, at, Shdr, sh_type, type);
	PUT(fd, form, at, Shdr, sh_offset, offset);
	PUT(fd, form, at, Shdr, sh_size, len);
}

static size_t put_notes(int fd, struct form form)
{
	off_t at = NOTES_AT;
	bool big = form.big_endian;

	put(fd, at, 4, 4, big);
	put(fd, at + 4, 20, 4, big);
	put(fd, at + 8, NT_GNU_BUILD_ID, 4, big);
	assert_int_equal(pwrite(fd, "GNU\00012345678901234567890", 24, at + 12), 24);
	at += 36;
	put(fd, at, 12, 4, big);
	put(fd, at + 4, 16, 4, big);
	put(fd, at + 8, 1, 4, big);
	assert_int_equal(pwrite(fd, "RunmarkNote\0000123456789abcdef", 28, at + 12), 28);
	return 36 + 40;
}

/* A file with all there is; the caller breaks it. */
static int make_file(struct form form)
{
	static const char names[] = "\0.comment\0.shstrtab";
	int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	put_header(fd, form, 3, 3);
	put_program_header(fd, form, 0, PT_INTERP, 0, 4);
	put_program_header(fd, form, 1, PT_NOTE, NOTES_AT, put_notes(fd, form));
	put_program_header(fd, form, 2, PT_DYNAMIC, 0, 4);
	put_section(fd, form, 0, 0, SHT_NULL, 0, 0);
	put_section(fd, form, 1, 1, SHT_PROGBITS, COMMENT_AT, sizeof(COMMENT));
	put_section(fd, form, 2, 10, SHT_STRTAB, NAMES_AT, sizeof(names));
	assert_int_equal(pwrite(fd, COMMENT, sizeof(COMMENT), COMMENT_AT), sizeof(COMMENT));
	assert_int_equal(pwrite(fd, names, sizeof(names), NAMES_AT), sizeof(names));
	assert_int_equal(ftruncate(fd, 2048), 0);
	return fd;
}

static void every_class_and_byte_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		_cleanup_close_ int fd = make_file(forms[i]);
		struct elf_id id;

		lseek(fd, 17, SEEK_SET); /* any offset */
		assert_int_equal(elf_id_read(fd, &id), 0);
		assert_int_equal(id.type, ET_DYN);
		assert_int_equal(id.machine, EM_PPC64);
		assert_int_equal(id.elf_class, forms[i].is_64 ? ELFCLASS64 : ELFCLASS32);
		assert_int_equal(id.big_endian, forms[i].big_endian);
		assert_true(id.is_dynamic && id.has_interp);
		assert_true(note_is_stamped(&id.notes));
		assert_memory_equal(id.notes.watermark, "0123456789abcdef", NOTE_UUID_LEN);
		assert_int_equal(id.notes.build_id_len, 20);
		assert_memory_equal(id.notes.build_id, "12345678901234567890", 20);
		assert_int_equal(lseek(fd, 0, SEEK_CUR), 17);
	}
}

static void comments_each_once_and_whole(void **state)
{
	static const char all[] = "GCC: (Debian) 12.2.0\0clang 14\0mold 1.10";
	static const struct {
		size_t size, len;
	} cases[] = {{200, sizeof(all) - 1},
		     {sizeof(all), sizeof(all) - 1},
		     {sizeof(all) - 1, 29},
		     {30, 29},
		     {29, 20},
		     {20, 14 + 4},
		     {3, 0},
		     {0, 0}};

	(void)state;
	for (size_t f = 0; f < ARRAY_SIZE(forms); f++) {
		_cleanup_close_ int fd = make_file(forms[f]);

		for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
			_cleanup_free_ char *out = malloc(cases[i].size + 1);
			ssize_t len = elf_id_comment(fd, out, cases[i].size);

			assert_int_equal(len, cases[i].len);
			if (cases[i].len > 20)
				assert_memory_equal(out, all, cases[i].len + 1);
		}
	}
}

static void no_sections_no_comment(void **state)
{
	_cleanup_close_ int fd = make_file(forms[0]);
	char out[64];

	(void)state;
	PUT(fd, forms[0], 0, Ehdr, e_shoff, 0);
	assert_int_equal(elf_id_comment(fd, out, sizeof(out)), 0);
	PUT(fd, forms[0], 0, Ehdr, e_shoff, SHDRS_AT);
	assert_int_equal(pwrite(fd, "x", 1, NAMES_AT + 2), 1);
	assert_int_equal(elf_id_comment(fd, out, sizeof(out)), 0);
}

static void every_cut_is_an_error_or_less(void **state)
{
	(void)state;
	for (size_t f = 0; f < ARRAY_SIZE(forms); f++) {
		_cleanup_close_ int fd = make_file(forms[f]);
		struct stat st;
		char out[64];

		assert_int_equal(fstat(fd, &st), 0);
		for (off_t len = st.st_size; len >= 0; len--) {
			struct elf_id id = {};
			int r;

			assert_int_equal(ftruncate(fd, len), 0);
			r = elf_id_read(fd, &id);
			assert_true(r == 0 || r == -ENOEXEC);
			if (len < PHDRS_AT + 3 * (off_t)sizeof(Elf32_Phdr))
				assert_int_equal(r, -ENOEXEC);
			assert_int_equal(id.notes.has_watermark, len >= NOTES_AT + 76);
			assert_true(elf_id_comment(fd, out, sizeof(out)) >= -ENOEXEC);
		}
	}
}

static void no_elf(void **state)
{
	static const struct bytes cases[] = {
		BYTES_INIT(""),
		BYTES_INIT("\x7f"
			   "ELF"),
		BYTES_INIT("#!/bin/sh\nexit 0\n#####################################"),
		BYTES_INIT("\x7f"
			   "ELF\x03\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0\x01\0\0\0pad-pad-pad-pad-"
			   "pad-pad-pad-pad-pad-pad"),
		BYTES_INIT("\x7f"
			   "ELF\x02\x03\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0\x01\0\0\0pad-pad-pad-pad-"
			   "pad-pad-pad-pad-pad-pad"),
	};
	struct elf_id id = {.machine = 4711};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_close_ int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

		assert_int_equal(fs_write_all(fd, cases[i].data, cases[i].len), 0);
		assert_int_equal(elf_id_read(fd, &id), -ENOEXEC);
		assert_int_equal(id.machine, 4711);
	}
	assert_int_equal(elf_id_read(-1, &id), -EBADF);
}

static void pipes_do_not_hang(void **state)
{
	struct elf_id id;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(elf_id_read(fds[0], &id), -ESPIPE);
	close(fds[0]);
	close(fds[1]);
}

/* Members that lie, one at a time. */
static void lies(void **state)
{
	struct form form = forms[0];
	char out[64];
	struct elf_id id;
	clock_t begin = clock();

	(void)state;
#define LIE(at, kind, member, value, read, comment)                                                \
	do {                                                                                       \
		_cleanup_close_ int fd = make_file(form);                                          \
		PUT(fd, form, at, kind, member, value);                                            \
		assert_int_equal(ftruncate(fd, 1LL << 40), 0); /* sparse: all of it is there */    \
		assert_int_equal(elf_id_read(fd, &id), read);                                      \
		assert_int_equal(elf_id_comment(fd, out, sizeof(out)), comment);                   \
	} while (0)
	size_t second_phdr = PHDRS_AT + sizeof(Elf64_Phdr);
	size_t comment_shdr = SHDRS_AT + sizeof(Elf64_Shdr);
	ssize_t all = 39;

	LIE(0, Ehdr, e_phnum, 65535, -ENOEXEC, all);
	LIE(0, Ehdr, e_phnum, 1170, 0, all);
	LIE(0, Ehdr, e_phnum, 1171, -ENOEXEC, all);
	LIE(0, Ehdr, e_phentsize, 32, -ENOEXEC, all);
	LIE(0, Ehdr, e_phoff, UINT64_MAX, -ENOEXEC, all);
	LIE(0, Ehdr, e_phoff, INT64_MAX - 10, -ENOEXEC, all);
	LIE(second_phdr, Phdr, p_offset, UINT64_MAX, 0, all);
	LIE(second_phdr, Phdr, p_offset, INT64_MAX, 0, all);
	LIE(second_phdr, Phdr, p_filesz, UINT64_MAX, 0, all);
	LIE(0, Ehdr, e_shoff, UINT64_MAX - 5, 0, -ENOEXEC);
	LIE(0, Ehdr, e_shnum, 65535, 0, all);
	LIE(0, Ehdr, e_shentsize, 1, 0, -ENOEXEC);
	LIE(0, Ehdr, e_shstrndx, 3, 0, -ENOEXEC);
	LIE(0, Ehdr, e_shstrndx, SHN_XINDEX, 0, 0);	     /* section 0 says 0: no names */
	LIE(0, Ehdr, e_shnum, 0, 0, -ENOEXEC);		     /* section 0 says 0 */
	LIE(comment_shdr, Shdr, sh_size, UINT64_MAX, 0, 62); /* with the names behind */
	LIE(comment_shdr, Shdr, sh_offset, UINT64_MAX, 0, -ENOEXEC);
	LIE(comment_shdr, Shdr, sh_name, UINT32_MAX, 0, 0);
	assert_true(clock() - begin < 5 * CLOCKS_PER_SEC);
}

/* A count of sections as section 0 has it, for which elf_begin() would take gigabytes. */
static void a_billion_sections(void **state)
{
	_cleanup_close_ int fd = make_file(forms[0]);
	char out[64];

	(void)state;
	PUT(fd, forms[0], 0, Ehdr, e_shnum, 0);
	PUT(fd, forms[0], SHDRS_AT, Shdr, sh_size, 1 << 30);
	assert_int_equal(ftruncate(fd, 1LL << 40), 0);
	assert_int_equal(elf_id_comment(fd, out, sizeof(out)), -ENOEXEC);
	PUT(fd, forms[0], SHDRS_AT, Shdr, sh_size, 3);
	assert_int_equal(elf_id_comment(fd, out, sizeof(out)), 39);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_class_and_byte_order),
		cmocka_unit_test(comments_each_once_and_whole),
		cmocka_unit_test(no_sections_no_comment),
		cmocka_unit_test(every_cut_is_an_error_or_less),
		cmocka_unit_test(no_elf),
		cmocka_unit_test(pipes_do_not_hang),
		cmocka_unit_test(lies),
		cmocka_unit_test(a_billion_sections),
	};

	return cmocka_run_group_tests_name("elf_id", tests, NULL, NULL);
}
