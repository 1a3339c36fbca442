/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dl_iterate_phdr(3) is the one function that is asked of libc: glibc and musl have it alike, and
 * only they know their lists. Headers are an object's own word: a note is only looked at where a
 * readable segment of the same object says that memory is mapped.
 */
#include "preload/objects.h"
#include "common/note.h"

#include <link.h>

#define NOTE_BYTES_MAX 4096 /* of one segment */
#define OBJECTS_MAX    4096

struct walk {
	struct writer *writer;
	unsigned int count;
	bool no_room;
};

/* So a program that is linked without libc can be loaded with us. */
extern int dl_iterate_phdr(int (*callback)(struct dl_phdr_info *info, size_t size, void *arg),
			   void *arg) __attribute__((weak));

static bool is_mapped(const struct dl_phdr_info *info, const ElfW(Phdr) * note)
{
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *load = &info->dlpi_phdr[i];

		if (load->p_type == PT_LOAD && load->p_flags & PF_R &&
		    note->p_vaddr >= load->p_vaddr && note->p_filesz <= load->p_filesz &&
		    note->p_vaddr - load->p_vaddr <= load->p_filesz - note->p_filesz)
			return true;
	}
	return false;
}

static void read_notes(const struct dl_phdr_info *info, struct run_object *ret)
{
	struct note_ids ids = {};
	bool big_endian = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;

	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *note = &info->dlpi_phdr[i];

		if (note->p_type != PT_NOTE || !is_mapped(info, note))
			continue;
		note_scan((struct bytes){(const char *)(info->dlpi_addr + note->p_vaddr),
					 MIN(note->p_filesz, (size_t)NOTE_BYTES_MAX)},
			  big_endian, &ids);
	}
	ret->has_watermark = ids.has_watermark;
	ret->build_id_len = ids.build_id_len;
	memcpy(ret->watermark, ids.watermark, sizeof(ret->watermark));
	memcpy(ret->build_id, ids.build_id, sizeof(ret->build_id));
}

/* A path that is cut would be another's: longer ones are left out, and flagged. */
static size_t path_length(const char *path)
{
	size_t len = 0;

	while (len < RUN_MESSAGE_PATH && path[len])
		len++;
	return len;
}

/* The program comes first. What has no slash in its name has no file: the vDSO. */
static int take(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct walk *walk = arg;
	struct run_object object = {};
	size_t len = info->dlpi_name ? path_length(info->dlpi_name) : 0;
	bool is_program = !walk->count++;

	(void)size;
	if (!is_program && !(len && memchr(info->dlpi_name, '/', len)))
		return 0;
	read_notes(info, &object);
	if (is_program)
		item_put(walk->writer, RUN_ITEM_PROGRAM, &object, sizeof(object));
	else if (len == RUN_MESSAGE_PATH || walk->count > OBJECTS_MAX ||
		 !item_put_two(walk->writer, RUN_ITEM_OBJECT, &object, sizeof(object),
			       info->dlpi_name, len))
		walk->no_room = true;
	return 0;
}

void objects_put(struct writer *writer)
{
	struct walk walk = {.writer = writer};

	if (!dl_iterate_phdr)
		return;
	dl_iterate_phdr(take, &walk);
	if (walk.no_room && writer->last)
		writer->last->flags |= RUN_ITEM_MORE;
}

static int take_added(struct dl_phdr_info *info, size_t size, void *arg)
{
	if (size >= offsetof(struct dl_phdr_info, dlpi_subs))
		*(uint64_t *)arg = info->dlpi_adds;
	return 1;
}

uint64_t objects_added(void)
{
	uint64_t added = 0;

	if (dl_iterate_phdr)
		dl_iterate_phdr(take_added, &added);
	return added;
}
