/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a program carries of itself: its watermark (ours) and its build-id (the linker's), both ELF
 * notes. This walker reads notes as they stand in memory or in a PT_NOTE segment; it is ours
 * because the kernel side and the preload library need the same rule where libelf can't go.
 *
 * The rule: step by 4 whatever p_align says. mold packs 4-aligned notes into a segment of alignment
 * 8, where a strict walk finds nothing behind the build-id; stepping by 4 was right for every ELF64
 * file of a Debian system. Our own note stands at the same offsets under either rule (owner of 12
 * bytes, descriptor of 16). If the walk loses its way, our whole header is looked for every 4
 * bytes.
 */
#pragma once

#include "util.h"

#define NOTE_SECTION	  ".note.runmark"
#define NOTE_OWNER	  "RunmarkNote" /* 12 bytes with its NUL */
#define NOTE_TYPE	  1
#define NOTE_UUID_LEN	  16
#define NOTE_BUILD_ID_MAX 64	/* sha1 is 20, the linkers' longest 32; a user may give any */
#define NOTE_SEGMENT_MAX  65536 /* bytes of one PT_NOTE that are looked at */

struct note_ids {
	bool has_watermark;		  /* a note of ours was there ... */
	uint8_t watermark[NOTE_UUID_LEN]; /* ... all zero: never stamped */
	uint8_t build_id_len;		  /* 0: no build-id */
	uint8_t build_id[NOTE_BUILD_ID_MAX];
};

/* True if a watermark is there and isn't all zero. */
bool note_is_stamped(const struct note_ids *ids);

/*
 * Adds what the notes in data tell; what is in *ids already stays (the first note wins).
 * big_endian: of the file. Never fails: bytes that make no sense end the walk.
 */
void note_scan(struct bytes data, bool big_endian, struct note_ids *ids);

/*
 * Where the descriptor of our note stands in data, or -ENOENT. More than one: the first, and
 * *ret_count (may be NULL) says how many.
 */
ssize_t note_find_watermark(struct bytes data, bool big_endian, unsigned int *ret_count);
