/* SPDX-License-Identifier: BSD-2-Clause */
/* The stamp in a file: where it goes, what it leaves alone, and files that are wrong in every way.
 */
#include "tests/unit/unit.h"

#include "ldwrap/stamp.h"

#include "common/fs.h"

#include <elf.h>
#include <errno.h>
#include <sys/stat.h>

#define NOTE_AT	  0x200
#define DESC_AT	  (NOTE_AT + 12 + 12)
#define FILE_SIZE 4096

static char folder[] = "/tmp/runmark-stamp-XXXXXX";

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	return chdir("/") == 0 && rmdir(folder) == 0 ? 0 : -1;
}

struct image {
	char data[FILE_SIZE];
	size_t len;
};

static void add_note(struct image *image, size_t at, const char *owner, const uint8_t *uuid)
{
	uint32_t words[] = {12, NOTE_UUID_LEN, NOTE_TYPE};

	memcpy(image->data + at, words, sizeof(words));
	memcpy(image->data + at + 12, owner, 12);
	memcpy(image->data + at + 24, uuid, NOTE_UUID_LEN);
}

/* A program of the class with one PT_NOTE of size bytes behind two other headers. */
static void make_image(struct image *image, uint8_t elf_class, uint64_t offset, uint64_t size)
{
	memset(image, 0, sizeof(*image));
	image->len = FILE_SIZE;
	memcpy(image->data, ELFMAG, SELFMAG);
	image->data[EI_CLASS] = (char)elf_class;
	image->data[EI_DATA] = ELFDATA2LSB;
	image->data[EI_VERSION] = EV_CURRENT;
	if (elf_class == ELFCLASS64) {
		Elf64_Ehdr *header = (Elf64_Ehdr *)image->data;
		Elf64_Phdr *headers = (Elf64_Phdr *)(image->data + sizeof(*header));

		header->e_type = ET_DYN;
		header->e_phoff = sizeof(*header);
		header->e_phnum = 3;
		header->e_phentsize = sizeof(headers[0]);
		headers[0].p_type = PT_LOAD;
		headers[2] = (Elf64_Phdr){.p_type = PT_NOTE, .p_offset = offset, .p_filesz = size};
	} else {
		Elf32_Ehdr *header = (Elf32_Ehdr *)image->data;
		Elf32_Phdr *headers = (Elf32_Phdr *)(image->data + sizeof(*header));

		header->e_type = ET_DYN;
		header->e_phoff = sizeof(*header);
		header->e_phnum = 3;
		header->e_phentsize = sizeof(headers[0]);
		headers[0].p_type = PT_LOAD;
		headers[2] = (Elf32_Phdr){.p_type = PT_NOTE,
					  .p_offset = (uint32_t)offset,
					  .p_filesz = (uint32_t)size};
	}
}

static void write_image(const struct image *image)
{
	_cleanup_close_ int fd = open("out", O_WRONLY | O_CREAT | O_TRUNC, 0754);

	assert_true(fd >= 0);
	assert_int_equal(fs_write_all(fd, image->data, image->len), 0);
}

static const struct file_state none;
static const uint8_t zeros[NOTE_UUID_LEN];
static const uint8_t others[NOTE_UUID_LEN] = "somebody else's";

/* Stamps "out"; checks that no byte but the sixteen at the place changed, if they may. */
static void stamp_and_compare(const struct image *image, bool from_content, enum stamp_state wanted,
			      size_t place, struct stamp *ret)
{
	_cleanup_free_ char *after = NULL;
	struct stat before_st, after_st;
	size_t len;
	int fd;

	assert_int_equal(stat("out", &before_st), 0);
	fd = stamp_output("out", &none, from_content, ret);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(ret->state, wanted);
	assert_int_equal(ret->size, image->len);
	assert_int_equal(stat("out", &after_st), 0);
	assert_int_equal(before_st.st_mode, after_st.st_mode);
	assert_int_equal(before_st.st_ino, after_st.st_ino);
	assert_int_equal(fs_read_file(AT_FDCWD, "out", FILE_SIZE, &after, &len), 0);
	assert_int_equal(len, image->len);
	if (wanted == STAMP_DONE) {
		assert_memory_equal(after + place, ret->watermark, NOTE_UUID_LEN);
		memcpy(after + place, image->data + place, NOTE_UUID_LEN);
	}
	assert_memory_equal(after, image->data, len);
	unlink("out");
}

static void test_the_note_is_stamped(void **state)
{
	static const uint8_t classes[] = {ELFCLASS64, ELFCLASS32};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		struct image image;
		struct stamp stamp;

		make_image(&image, classes[i], NOTE_AT, 40);
		add_note(&image, NOTE_AT, NOTE_OWNER, zeros);
		write_image(&image);
		stamp_and_compare(&image, false, STAMP_DONE, DESC_AT, &stamp);
		assert_int_equal(stamp.watermark[6] >> 4, 7); /* version */
		assert_int_equal(stamp.watermark[8] >> 6, 2); /* variant */
	}
}

static void test_the_content_makes_the_same_stamp(void **state)
{
	struct stamp stamps[3];
	struct image image;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		make_image(&image, ELFCLASS64, NOTE_AT, 40);
		add_note(&image, NOTE_AT, NOTE_OWNER, zeros);
		image.data[FILE_SIZE - 1] = i == 2;
		write_image(&image);
		stamp_and_compare(&image, true, STAMP_DONE, DESC_AT, &stamps[i]);
		assert_int_equal(stamps[i].watermark[6] >> 4, 8);
	}
	assert_memory_equal(stamps[0].watermark, stamps[1].watermark, NOTE_UUID_LEN);
	assert_memory_not_equal(stamps[0].watermark, stamps[2].watermark, NOTE_UUID_LEN);
}

/* The link that makes the output has the word; of several notes, the one that readers take. */
static void test_notes_of_inputs(void **state)
{
	struct image image;
	struct stamp stamp;

	(void)state;
	for (unsigned int count = 1; count <= 3; count++) {
		make_image(&image, ELFCLASS64, NOTE_AT, count * 40);
		for (unsigned int i = 0; i < count; i++)
			add_note(&image, NOTE_AT + i * 40, NOTE_OWNER, i == 1 ? zeros : others);
		write_image(&image);
		assert_int_equal(stamp_count_notes("out"), count);
		stamp_and_compare(&image, false, STAMP_DONE, DESC_AT, &stamp);
	}
	make_image(&image, ELFCLASS64, NOTE_AT, 40);
	write_image(&image);
	assert_int_equal(stamp_count_notes("out"), 0);
	assert_int_equal(stamp_count_notes("missing"), 0);
}

static void test_what_is_left_alone(void **state)
{
	struct image image;
	struct stamp stamp;

	(void)state;
	/* none, or somebody else's owner */
	make_image(&image, ELFCLASS64, NOTE_AT, 40);
	write_image(&image);
	stamp_and_compare(&image, false, STAMP_NO_NOTE, 0, &stamp);
	make_image(&image, ELFCLASS64, NOTE_AT, 40);
	add_note(&image, NOTE_AT, "RunmarkBote", zeros);
	write_image(&image);
	stamp_and_compare(&image, false, STAMP_NO_NOTE, 0, &stamp);
}

static void test_broken_files(void **state)
{
	static const struct {
		uint64_t offset, size;
		size_t len;
	} cases[] = {
		{NOTE_AT, 39, FILE_SIZE},
		{NOTE_AT, 0, FILE_SIZE},
		{UINT64_MAX, 40, FILE_SIZE},
		{UINT64_MAX - 20, 40, FILE_SIZE},
		{INT64_MAX, 40, FILE_SIZE},
		{FILE_SIZE, 40, FILE_SIZE},
		{FILE_SIZE - 8, 40, FILE_SIZE},
		{NOTE_AT, 40, NOTE_AT + 39},
		{NOTE_AT, 40, 70},
		{NOTE_AT, 40, 63},
		{NOTE_AT, 40, 16},
		{NOTE_AT, 40, 0},
	};
	struct image image;
	struct stamp stamp;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		make_image(&image, ELFCLASS64, cases[i].offset, cases[i].size);
		add_note(&image, NOTE_AT, NOTE_OWNER, zeros);
		image.len = cases[i].len;
		write_image(&image);
		stamp_and_compare(&image, false, STAMP_NO_NOTE, 0, &stamp);
	}
	/* as many headers as the field holds, all beyond the end but ours */
	make_image(&image, ELFCLASS64, NOTE_AT, UINT64_MAX);
	add_note(&image, NOTE_AT, NOTE_OWNER, zeros);
	((Elf64_Ehdr *)image.data)->e_phnum = UINT16_MAX;
	write_image(&image);
	stamp_and_compare(&image, false, STAMP_DONE, DESC_AT, &stamp);
	/* the other byte order has no placeholder */
	make_image(&image, ELFCLASS64, NOTE_AT, 40);
	add_note(&image, NOTE_AT, NOTE_OWNER, zeros);
	image.data[EI_DATA] = ELFDATA2MSB;
	write_image(&image);
	stamp_and_compare(&image, false, STAMP_NO_NOTE, 0, &stamp);
}

static void test_an_output_that_the_linker_left_alone(void **state)
{
	struct file_state before;
	struct image image;
	struct stamp stamp;
	struct timespec times[2] = {{1000, 0}, {1000, 1}};
	int fd;

	(void)state;
	make_image(&image, ELFCLASS64, NOTE_AT, 40);
	add_note(&image, NOTE_AT, NOTE_OWNER, zeros);
	write_image(&image);
	assert_int_equal(stat("out", &before.st), 0);
	assert_int_equal(stamp_output("out", &before, false, &stamp), -ECANCELED);
	/* the same size, another time */
	assert_int_equal(utimensat(AT_FDCWD, "out", times, 0), 0);
	fd = stamp_output("out", &before, false, &stamp);
	assert_true(fd >= 0);
	assert_int_equal(stamp.state, STAMP_DONE);
	close(fd);
	unlink("out");
}

static void test_outputs_that_are_no_files(void **state)
{
	struct stamp stamp;

	(void)state;
	assert_int_equal(stamp_output("missing", &none, false, &stamp), -ENOENT);
	assert_int_equal(stamp_output("/dev/null", &none, false, &stamp), -EINVAL);
	assert_int_equal(stamp_output(".", &none, false, &stamp), -EISDIR);
	assert_int_equal(mkfifo("out", 0600), 0);
	assert_int_equal(stamp_output("out", &none, false, &stamp), -EINVAL);
	unlink("out");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_note_is_stamped),
		cmocka_unit_test(test_the_content_makes_the_same_stamp),
		cmocka_unit_test(test_notes_of_inputs),
		cmocka_unit_test(test_what_is_left_alone),
		cmocka_unit_test(test_broken_files),
		cmocka_unit_test(test_an_output_that_the_linker_left_alone),
		cmocka_unit_test(test_outputs_that_are_no_files),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
