/* SPDX-License-Identifier: BSD-2-Clause */
/* Notes of a segment, in either byte order: what is stamped is what is read. */
#include "common/note.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *copy = malloc(size ?: 1);
	struct bytes notes = {copy, size};

	memcpy(copy, data, size);
	for (int big_endian = 0; big_endian < 2; big_endian++) {
		struct note_ids ids = {};
		unsigned int count = 0;
		ssize_t at;

		note_scan(notes, big_endian, &ids);
		at = note_find_watermark(notes, big_endian, &count);
		if (ids.has_watermark != (at >= 0) || (at >= 0) != (count > 0))
			abort();
		if (at >= 0 && ((size_t)at + NOTE_UUID_LEN > size ||
				memcmp(copy + at, ids.watermark, NOTE_UUID_LEN)))
			abort();
		if (ids.build_id_len > NOTE_BUILD_ID_MAX)
			abort();
	}
	return 0;
}
