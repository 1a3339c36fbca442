/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes the watermark over the zeros of the placeholder's note in a linker's output: sixteen bytes
 * at their place, in one write; the file keeps its mode, its owner and its links.
 *
 * Which note: the first in the order of the program headers, which is the one every reader takes.
 * Also if an input brought it along, with the watermark of its own link: the program is made by
 * this one.
 */
#pragma once

#include "inspect.h"

#include "common/elf_id.h"

#define STAMP_HEADERS_MAX 1024 /* program headers that are looked at */

enum stamp_state {
	STAMP_DONE,
	STAMP_NO_NOTE,	 /* the linker dropped it */
	STAMP_READ_ONLY, /* the output may not be written any more */
	STAMP_FAILED,
};

/* For the record's list of what is incomplete, "FACT: reason"; NULL for STAMP_DONE. */
extern const char *const stamp_state_texts[];

struct stamp {
	enum stamp_state state;
	uint8_t watermark[NOTE_UUID_LEN]; /* of STAMP_DONE */
	struct elf_id id;		  /* of the output; zeros if it can't be read */
	uint64_t size;
};

/*
 * Opens the output (following links, as the linker did) and stamps it. before: as it was before the
 * link, which must have changed it (-ECANCELED if it hasn't). from_content: the watermark is made
 * from the output's bytes before the stamp, for reproducible builds; else it is new. Returns the
 * open file, for reading, or negative errno if there is no such regular file; *ret is filled in in
 * the first case.
 */
int stamp_output(const char *path, const struct file_state *before, bool from_content,
		 struct stamp *ret);

/* Notes in the output, stamped or not; 0 if it can't be read. */
unsigned int stamp_count_notes(const char *path);
