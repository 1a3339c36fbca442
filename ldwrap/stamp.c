/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds the note through the program headers, which is how the kernel and the daemon find it later.
 */
#include "stamp.h"

#include "common/fs.h"
#include "common/id.h"

#include <elf.h>
#include <errno.h>
#include <sys/stat.h>
#include <xxhash.h>

const char *const stamp_state_texts[] = {
	[STAMP_DONE] = NULL,
	[STAMP_NO_NOTE] = "watermark: the linker dropped the note",
	[STAMP_READ_ONLY] = "watermark: the output can't be written",
	[STAMP_FAILED] = "watermark: the write failed",
};

struct segment {
	uint32_t type;
	uint64_t offset, size;
};

/* Little-endian alone: there is no placeholder for other machines. */
static int read_segment(int fd, const Elf64_Ehdr *wide, const Elf32_Ehdr *narrow,
			unsigned int index, struct segment *ret)
{
	Elf64_Phdr header_64;
	Elf32_Phdr header_32;

	if (wide) {
		if (wide->e_phoff > INT64_MAX / 2 ||
		    fs_pread_all(fd, &header_64, sizeof(header_64),
				 (off_t)(wide->e_phoff + index * sizeof(header_64))) !=
			    sizeof(header_64))
			return -ENOEXEC;
		*ret = (struct segment){header_64.p_type, header_64.p_offset, header_64.p_filesz};
		return 0;
	}
	if (fs_pread_all(fd, &header_32, sizeof(header_32),
			 (off_t)(narrow->e_phoff + index * sizeof(header_32))) != sizeof(header_32))
		return -ENOEXEC;
	*ret = (struct segment){header_32.p_type, header_32.p_offset, header_32.p_filesz};
	return 0;
}

struct notes {
	off_t first; /* where the first one's descriptor stands in the file; -ENOENT: there is none
		      */
	unsigned int count;
};

static void find_in_segment(int fd, const struct segment *segment, struct notes *notes)
{
	size_t size = (size_t)MIN(segment->size, (uint64_t)NOTE_SEGMENT_MAX);
	_cleanup_free_ char *data = malloc(size);
	unsigned int count = 0;
	ssize_t len, at;

	if (!data || segment->offset > INT64_MAX / 2)
		return;
	len = fs_pread_all(fd, data, size, (off_t)segment->offset);
	if (len <= 0)
		return;
	at = note_find_watermark((struct bytes){data, (size_t)len}, false, &count);
	if (at < 0)
		return;
	if (notes->first < 0)
		notes->first = (off_t)segment->offset + at;
	notes->count += count;
}

static void find_notes(int fd, struct notes *ret)
{
	union {
		unsigned char ident[EI_NIDENT];
		Elf64_Ehdr wide;
		Elf32_Ehdr narrow;
	} header = {};
	unsigned int count;
	bool is_wide;

	*ret = (struct notes){.first = -ENOENT};
	if (fs_pread_all(fd, &header, sizeof(header), 0) < (ssize_t)sizeof(header.narrow) ||
	    memcmp(header.ident, ELFMAG, SELFMAG) || header.ident[EI_DATA] != ELFDATA2LSB)
		return;
	is_wide = header.ident[EI_CLASS] == ELFCLASS64;
	count = is_wide ? header.wide.e_phnum : header.narrow.e_phnum;
	for (unsigned int i = 0; i < MIN(count, (unsigned int)STAMP_HEADERS_MAX); i++) {
		struct segment segment;

		if (read_segment(fd, is_wide ? &header.wide : NULL, &header.narrow, i, &segment) <
		    0)
			return;
		if (segment.type == PT_NOTE && segment.size)
			find_in_segment(fd, &segment, ret);
	}
}

unsigned int stamp_count_notes(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct notes notes;

	if (fd < 0)
		return 0;
	find_notes(fd, &notes);
	return notes.count;
}

/* The id of a hash of the content, so that no more than a step of a huge output is in memory. */
static int id_from_file(int fd, uuid_t ret)
{
	_cleanup_free_ char *buffer = malloc(1 << 16);
	XXH3_state_t *state = buffer ? XXH3_createState() : NULL;
	XXH128_canonical_t digest;
	ssize_t n = -ENOMEM;
	off_t pos = 0;

	if (!state)
		return -ENOMEM;
	XXH3_128bits_reset(state);
	while ((n = fs_pread_all(fd, buffer, 1 << 16, pos)) > 0) {
		XXH3_128bits_update(state, buffer, (size_t)n);
		pos += n;
	}
	XXH128_canonicalFromHash(&digest, XXH3_128bits_digest(state));
	XXH3_freeState(state);
	if (n < 0)
		return (int)n;
	id_from_content((struct bytes){(const char *)digest.digest, sizeof(digest.digest)}, ret);
	return 0;
}

static enum stamp_state write_stamp(int fd, bool from_content, uint8_t watermark[NOTE_UUID_LEN])
{
	struct notes notes;
	ssize_t n;

	find_notes(fd, &notes);
	if (notes.first < 0)
		return STAMP_NO_NOTE;
	if (!from_content)
		id_new(watermark);
	else if (id_from_file(fd, watermark) < 0)
		return STAMP_FAILED;
	do {
		n = pwrite(fd, watermark, NOTE_UUID_LEN, notes.first);
	} while (n < 0 && errno == EINTR);
	return n == NOTE_UUID_LEN ? STAMP_DONE : STAMP_FAILED;
}

int stamp_output(const char *path, const struct file_state *before, bool from_content,
		 struct stamp *ret)
{
	struct stamp stamp = {.state = STAMP_READ_ONLY};
	bool may_write = true;
	_cleanup_close_ int fd = -1;
	struct stat st;

	fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 && (errno == EACCES || errno == EROFS || errno == EPERM || errno == ETXTBSY)) {
		may_write = false;
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	}
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (inspect_is_unchanged(before, fd))
		return -ECANCELED;
	stamp.size = (uint64_t)st.st_size;
	(void)elf_id_read(fd, &stamp.id);
	if (may_write)
		stamp.state = write_stamp(fd, from_content, stamp.watermark);
	*ret = stamp;
	return TAKE_FD(fd);
}
