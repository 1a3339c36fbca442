/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Headers are an object's own word, and a fault in here would end the program. A note is only
 * looked at where that can't be: where readable segments of the object lie, and no further into the
 * file than its dynamic section, which the loader has read (what is mapped beyond a file's end is
 * there to fault).
 */
#include "preload/objects.h"
#include "preload/opening.h"
#include "common/note.h"

#include <string.h>

#define NOTE_BYTES_MAX 4096 /* of one segment */
#define OBJECTS_MAX    4096
#define OBJECTS_FEW    6 /* with more, a program is no short one */
#define PAGE_MIN       4096

struct walk {
	struct writer *writer;
	const struct objects_mark *since; /* NULL: all */
	struct objects_mark mark;
	unsigned int count, told;
	bool is_past; /* the mark: what comes is new */
	bool no_room, may_open;
};

/* Where in the file the byte at that address lies; false unless all segments that share its pages
 * are readable, and one of them has it of the file. */
static bool find_offset(const struct dl_phdr_info *info, ElfW(Addr) address, uint64_t *ret)
{
	ElfW(Addr) page = address & ~(ElfW(Addr))(PAGE_MIN - 1);
	bool found = false;

	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *load = &info->dlpi_phdr[i];

		if (load->p_type != PT_LOAD || page + (PAGE_MIN - 1) < load->p_vaddr ||
		    (page > load->p_vaddr && page - load->p_vaddr >= load->p_memsz))
			continue;
		if (!(load->p_flags & PF_R))
			return false;
		if (address < load->p_vaddr || address - load->p_vaddr >= load->p_filesz)
			continue;
		*ret = (uint64_t)load->p_offset + (address - load->p_vaddr);
		found = true;
	}
	return found;
}

static bool find_dynamic(const struct dl_phdr_info *info, uint64_t *ret)
{
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
			return find_offset(info, info->dlpi_phdr[i].p_vaddr, ret);
	return false;
}

/* Page by page: segments may lie close together, and overlap. */
static bool is_readable(const struct dl_phdr_info *info, ElfW(Addr) address, size_t len,
			uint64_t known)
{
	ElfW(Addr) last = address + len - 1;
	uint64_t offset;

	if (last < address)
		return false;
	for (; address <= last; address = (address | (PAGE_MIN - 1)) + 1)
		if (!find_offset(info, address, &offset) || offset / PAGE_MIN > known / PAGE_MIN)
			return false;
	return find_offset(info, last, &offset) && offset / PAGE_MIN <= known / PAGE_MIN;
}

static bool is_there(const struct dl_phdr_info *info, ElfW(Addr) address, size_t len)
{
	uint64_t known;

	return !len || (find_dynamic(info, &known) && is_readable(info, address, len, known));
}

static void read_notes(const struct dl_phdr_info *info, struct run_object *ret)
{
	bool big_endian = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
	struct note_ids ids = {};
	uint64_t known;

	if (!find_dynamic(info, &known))
		return;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *note = &info->dlpi_phdr[i];
		size_t len = MIN(note->p_filesz, (size_t)NOTE_BYTES_MAX);

		if (note->p_type != PT_NOTE || !len ||
		    !is_readable(info, note->p_vaddr, len, known))
			continue;
		note_scan((struct bytes){(const char *)(info->dlpi_addr + note->p_vaddr), len},
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

static void put(struct walk *walk, const struct dl_phdr_info *info)
{
	struct run_object object = {};
	size_t len = info->dlpi_name ? path_length(info->dlpi_name) : 0;
	bool is_program = walk->count == 1;

	/* what has no slash in its name has no file: the vDSO */
	if (!is_program && !(len && memchr(info->dlpi_name, '/', len)))
		return;
	read_notes(info, &object);
	if (is_program)
		item_put(walk->writer, RUN_ITEM_PROGRAM, &object, sizeof(object));
	else if (len == RUN_MESSAGE_PATH || walk->told >= OBJECTS_MAX ||
		 !item_put_two(walk->writer, RUN_ITEM_OBJECT, &object, sizeof(object),
			       info->dlpi_name, len))
		walk->no_room = true;
	else
		walk->told++;
	if (!walk->since && !walk->may_open)
		walk->may_open =
			walk->told > OBJECTS_FEW || (!symbol_is_libc(info->dlpi_name ?: "") &&
						     opening_is_asked(info, is_there));
}

/* The program comes first. */
static int take(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct walk *walk = arg;

	walk->count++;
	walk->mark.last = info->dlpi_phdr;
	if (size >= offsetof(struct dl_phdr_info, dlpi_tls_modid)) {
		walk->mark.added = info->dlpi_adds;
		walk->mark.removed = info->dlpi_subs;
	}
	if (!walk->since || walk->is_past)
		put(walk, info);
	else if (walk->mark.added == walk->since->added)
		return 1; /* nothing is new */
	else
		walk->is_past = info->dlpi_phdr == walk->since->last;
	return 0;
}

static void finish(struct walk *walk)
{
	if (walk->no_room && walk->writer->last)
		walk->writer->last->flags |= RUN_ITEM_MORE;
}

bool objects_put(struct writer *writer, iterate_fn *iterate, struct objects_mark *ret)
{
	struct walk walk = {.writer = writer};

	iterate(take, &walk);
	finish(&walk);
	*ret = walk.mark;
	return walk.may_open;
}

uint32_t objects_put_since(struct writer *writer, iterate_fn *iterate,
			   const struct objects_mark *mark)
{
	struct walk walk = {.writer = writer, .since = mark};

	iterate(take, &walk);
	/* The last one of the begin has been closed meanwhile: then which ones are new isn't known,
	 * and all are told. */
	if (!walk.is_past && walk.mark.added != mark->added) {
		walk.count = 0;
		walk.is_past = true;
		iterate(take, &walk);
	}
	finish(&walk);
	return (uint32_t)(walk.mark.removed - mark->removed);
}
