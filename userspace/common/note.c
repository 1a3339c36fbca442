/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The walk by 4 (see note.h for why) is one function; reading the ids and finding the place to
 * stamp both ask it, so that what is stamped is what will be read.
 *
 * A walk has lost its way when a note doesn't fit into what is left. Our note is then looked for
 * from the start: what led the walk astray may have swallowed it.
 */
#include "common/note.h"

#include <elf.h>
#include <endian.h>
#include <errno.h>

#define HEADER_LEN (3 * sizeof(uint32_t)) /* namesz, descsz, type */
#define OWNER_LEN  sizeof(NOTE_OWNER)
#define ALIGN_4(n) (((n) + 3) & ~(size_t)3)

struct found {
	size_t watermark; /* offset of the first one's descriptor */
	unsigned int watermarks;
	struct bytes build_id;
};

static uint32_t word_at(struct bytes data, size_t pos, bool big_endian)
{
	uint32_t word;

	memcpy(&word, data.data + pos, sizeof(word));
	return big_endian ? be32toh(word) : le32toh(word);
}

static bool is_ours(struct bytes data, size_t pos, bool big_endian)
{
	return data.len - pos >= HEADER_LEN + OWNER_LEN + NOTE_UUID_LEN &&
	       word_at(data, pos, big_endian) == OWNER_LEN &&
	       word_at(data, pos + 4, big_endian) == NOTE_UUID_LEN &&
	       word_at(data, pos + 8, big_endian) == NOTE_TYPE &&
	       !memcmp(data.data + pos + HEADER_LEN, NOTE_OWNER, OWNER_LEN);
}

static void take_watermark(size_t pos, struct found *found)
{
	if (!found->watermarks++)
		found->watermark = pos + HEADER_LEN + OWNER_LEN;
}

static void walk(struct bytes data, bool big_endian, struct found *found)
{
	size_t pos = 0;

	while (pos < data.len && data.len - pos >= HEADER_LEN) {
		size_t name_len = word_at(data, pos, big_endian);
		size_t len = word_at(data, pos + 4, big_endian);
		uint32_t type = word_at(data, pos + 8, big_endian);
		size_t name = pos + HEADER_LEN, left = data.len - name;
		size_t start;

		if (name_len > left || len > left || ALIGN_4(name_len) + len > left)
			break;
		start = name + ALIGN_4(name_len);
		if (is_ours(data, pos, big_endian))
			take_watermark(pos, found);
		else if (!found->build_id.len && type == NT_GNU_BUILD_ID &&
			 name_len == sizeof(ELF_NOTE_GNU) &&
			 !memcmp(data.data + name, ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU)) &&
			 len <= NOTE_BUILD_ID_MAX)
			found->build_id = (struct bytes){data.data + start, len};
		pos = start + ALIGN_4(len);
	}
	if (found->watermarks || pos >= data.len)
		return;
	for (pos = 0; pos < data.len; pos += 4)
		if (is_ours(data, pos, big_endian))
			take_watermark(pos, found);
}

bool note_is_stamped(const struct note_ids *ids)
{
	static const uint8_t zeros[NOTE_UUID_LEN];

	return ids->has_watermark && memcmp(ids->watermark, zeros, sizeof(zeros));
}

void note_scan(struct bytes data, bool big_endian, struct note_ids *ids)
{
	struct found found = {};

	walk(data, big_endian, &found);
	if (found.watermarks && !ids->has_watermark) {
		ids->has_watermark = true;
		memcpy(ids->watermark, data.data + found.watermark, NOTE_UUID_LEN);
	}
	if (found.build_id.len && !ids->build_id_len) {
		ids->build_id_len = (uint8_t)found.build_id.len;
		memcpy(ids->build_id, found.build_id.data, found.build_id.len);
	}
}

ssize_t note_find_watermark(struct bytes data, bool big_endian, unsigned int *ret_count)
{
	struct found found = {};

	walk(data, big_endian, &found);
	if (!found.watermarks)
		return -ENOENT;
	if (ret_count)
		*ret_count = found.watermarks;
	return (ssize_t)found.watermark;
}
