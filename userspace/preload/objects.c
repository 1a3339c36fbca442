/* SPDX-License-Identifier: BSD-2-Clause */
#include "preload/objects.h"
#include "preload/mapped.h"
#include "preload/opening.h"
#include "common/note.h"

#include <string.h>

#define NOTE_BYTES_MAX 4096 /* of one segment */
#define OBJECTS_MAX    4096
#define OBJECTS_FEW    6 /* with more, a program is no short one */

struct walk {
	struct writer *writer;
	const struct objects_mark *since; /* NULL: all */
	const ElfW(Addr) * apart;
	struct objects_mark mark;
	unsigned int count, told;
	bool is_past; /* the mark: what comes is new */
	bool no_room, may_open;
};

static void read_notes(const struct dl_phdr_info *info, struct run_object *ret)
{
	bool big_endian = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
	struct mapped mapped = {.info = info};
	struct note_ids ids = {};

	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *note = &info->dlpi_phdr[i];
		size_t len = MIN(note->p_filesz, (size_t)NOTE_BYTES_MAX);

		if (note->p_type != PT_NOTE || !mapped_is_readable(&mapped, note->p_vaddr, len))
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

static bool is_apart(const struct walk *walk, ElfW(Addr) base)
{
	for (size_t i = 0; i < OBJECTS_APART; i++)
		if (walk->apart[i] == base)
			return true;
	return false;
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
		walk->may_open = walk->told > OBJECTS_FEW ||
				 (!is_apart(walk, info->dlpi_addr) && opening_is_asked(info));
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

bool objects_put(struct writer *writer, iterate_fn *iterate,
		 const ElfW(Addr) apart[static OBJECTS_APART], struct objects_mark *ret)
{
	struct walk walk = {.writer = writer, .apart = apart};

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
