/* SPDX-License-Identifier: BSD-2-Clause */
/* The walk over notes as bytes. That it agrees with readelf on real files is test_elf_id_oracle's.
 */
#include "tests/unit/unit.h"

#include "common/note.h"

#include <endian.h>
#include <errno.h>

struct builder {
	char data[4096];
	size_t len;
	bool big_endian;
};

static void add_word(struct builder *b, uint32_t word)
{
	word = b->big_endian ? htobe32(word) : htole32(word);
	memcpy(b->data + b->len, &word, sizeof(word));
	b->len += sizeof(word);
}

static void add_padded(struct builder *b, struct bytes part, size_t align)
{
	memcpy(b->data + b->len, part.data, part.len);
	b->len += part.len;
	while (b->len % align)
		b->data[b->len++] = '\0';
}

static void add_note(struct builder *b, struct bytes owner, uint32_t type, struct bytes data,
		     size_t align)
{
	add_word(b, (uint32_t)owner.len);
	add_word(b, (uint32_t)data.len);
	add_word(b, type);
	add_padded(b, owner, align);
	add_padded(b, data, align);
}

#define UUID_A	 BYTES("0123456789abcdef")
#define UUID_B	 BYTES("ABCDEF0123456789")
#define ZEROS	 BYTES("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")
#define BUILD_ID BYTES("12345678901234567890")

static void add_ours(struct builder *b, struct bytes uuid)
{
	add_note(b, BYTES("RunmarkNote\0"), NOTE_TYPE, uuid, 4);
}

static void add_build_id(struct builder *b, struct bytes id)
{
	add_note(b, BYTES("GNU\0"), 3, id, 4);
}

/* NT_GNU_PROPERTY_TYPE_0 with one property, as every x86-64 program has it. */
static void add_property(struct builder *b)
{
	add_note(b, BYTES("GNU\0"), 5, BYTES("\x02\0\0\xc0\x04\0\0\0\x03\0\0\0\0\0\0\0"), 4);
}

/* A copy just as long as the notes, so that a sanitizer sees a read behind it. */
static struct note_ids scan(const struct builder *b)
{
	_cleanup_free_ char *copy = malloc(b->len + 1);
	struct note_ids ids = {};

	memcpy(copy, b->data, b->len);
	note_scan((struct bytes){copy, b->len}, b->big_endian, &ids);
	return ids;
}

static void both_ids_in_either_order(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		struct builder b = {.big_endian = i & 1};
		struct note_ids ids;
		unsigned int count = 0;

		add_property(&b);
		if (i & 2)
			add_ours(&b, UUID_A);
		add_build_id(&b, BUILD_ID);
		if (!(i & 2))
			add_ours(&b, UUID_A);
		ids = scan(&b);
		assert_true(ids.has_watermark && note_is_stamped(&ids));
		assert_memory_equal(ids.watermark, UUID_A.data, NOTE_UUID_LEN);
		assert_int_equal(ids.build_id_len, BUILD_ID.len);
		assert_memory_equal(ids.build_id, BUILD_ID.data, BUILD_ID.len);
		/* where it is stamped is where it is read */
		ssize_t at =
			note_find_watermark((struct bytes){b.data, b.len}, b.big_endian, &count);

		assert_int_equal(count, 1);
		assert_memory_equal(b.data + at, UUID_A.data, NOTE_UUID_LEN);
	}
}

static void zeros_are_a_mark_but_no_stamp(void **state)
{
	struct builder b = {};
	struct note_ids ids;

	(void)state;
	add_ours(&b, ZEROS);
	ids = scan(&b);
	assert_true(ids.has_watermark);
	assert_false(note_is_stamped(&ids));
}

static void first_note_wins(void **state)
{
	struct builder b = {}, c = {};
	struct note_ids ids;
	unsigned int count = 0;

	(void)state;
	add_ours(&b, UUID_A);
	add_ours(&b, UUID_B);
	add_build_id(&b, BYTES("a"));
	add_build_id(&b, BYTES("b"));
	ids = scan(&b);
	assert_memory_equal(ids.watermark, UUID_A.data, NOTE_UUID_LEN);
	assert_memory_equal(ids.build_id, "a", 1);
	assert_int_equal(note_find_watermark((struct bytes){b.data, b.len}, false, &count), 24);
	assert_int_equal(count, 2);
	/* nor does another segment's take its place */
	add_ours(&c, UUID_B);
	note_scan((struct bytes){c.data, c.len}, false, &ids);
	assert_memory_equal(ids.watermark, UUID_A.data, NOTE_UUID_LEN);
}

static void what_only_looks_like_ours(void **state)
{
	static const struct {
		struct bytes owner;
		uint32_t type;
		struct bytes data;
	} cases[] = {
		{BYTES_INIT("RunmarkNote\0"), 2, BYTES_INIT("0123456789abcdef")},
		{BYTES_INIT("RunmarkNote\0"), 1, BYTES_INIT("0123456789abcde")},
		{BYTES_INIT("RunmarkNote\0"), 1, BYTES_INIT("0123456789abcdef0")},
		{BYTES_INIT("RunmarkNote"), 1, BYTES_INIT("0123456789abcdef")},
		{BYTES_INIT("RunmarkNot\0\0"), 1, BYTES_INIT("0123456789abcdef")},
		{BYTES_INIT("GNU"), 3, BYTES_INIT("0123456789abcdef")},
		{BYTES_INIT("Go\0\0"), 4, BYTES_INIT("0123456789abcdef")},
		{BYTES_INIT("GNU\0"), 3, BYTES_INIT("")},
		{BYTES_INIT("GNU\0"), 3, /* longer than NOTE_BUILD_ID_MAX: cut would be wrong */
		 BYTES_INIT("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0")},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct builder b = {};
		struct note_ids ids;

		add_note(&b, cases[i].owner, cases[i].type, cases[i].data, 4);
		ids = scan(&b);
		assert_false(ids.has_watermark);
		assert_int_equal(ids.build_id_len, 0);
		assert_int_equal(note_find_watermark((struct bytes){b.data, b.len}, false, NULL),
				 -ENOENT);
	}
}

static void our_note_is_found_where_the_walk_is_lost(void **state)
{
	static const struct bytes before[] = {
		BYTES_INIT("\x04\0\0\0\xff\xff\xff\xff\x03\0\0\0GNU\0"), /* too long */
		BYTES_INIT("\xff\xff\xff\xff\x04\0\0\0\x03\0\0\0GNU\0"),
		BYTES_INIT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
		BYTES_INIT("junk"),
		BYTES_INIT("\x04\0\0\0\x18\0\0\0\x63\0\0\0odd\0"), /* reaches into ours, whose end
								      is lost */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(before); i++) {
		struct builder b = {};
		struct note_ids ids;
		unsigned int count = 0;

		add_padded(&b, before[i], 4);
		add_ours(&b, UUID_A);
		add_padded(&b, BYTES("\xff\xff\xff\xff"), 4);
		ids = scan(&b);
		assert_true(note_is_stamped(&ids));
		assert_memory_equal(ids.watermark, UUID_A.data, NOTE_UUID_LEN);
		assert_int_equal(note_find_watermark((struct bytes){b.data, b.len}, false, &count),
				 before[i].len + 24);
		assert_int_equal(count, 1);
	}
}

/* Notes padded to 8, as a property of an odd length would be: the walk by 4 gets lost behind it. */
static void notes_aligned_by_8(void **state)
{
	struct builder b = {};
	struct note_ids ids;

	(void)state;
	add_note(&b, BYTES("GNU\0"), 5, BYTES("\x02\0\0\xc0\x04\0\0\0\x03\0\0\0"), 8);
	add_ours(&b, UUID_A);
	ids = scan(&b);
	assert_true(note_is_stamped(&ids));
}

static void every_cut_is_read_within_its_bounds(void **state)
{
	struct builder whole = {};

	(void)state;
	add_property(&whole);
	add_build_id(&whole, BUILD_ID);
	add_ours(&whole, UUID_A);
	for (size_t len = 0; len <= whole.len; len++) {
		struct builder cut = whole;
		struct note_ids ids;

		cut.len = len;
		ids = scan(&cut);
		assert_int_equal(ids.has_watermark, len == whole.len);
		assert_int_equal(ids.build_id_len, len >= 32 + 36 ? BUILD_ID.len : 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ids_in_either_order),
		cmocka_unit_test(zeros_are_a_mark_but_no_stamp),
		cmocka_unit_test(first_note_wins),
		cmocka_unit_test(what_only_looks_like_ours),
		cmocka_unit_test(our_note_is_found_where_the_walk_is_lost),
		cmocka_unit_test(notes_aligned_by_8),
		cmocka_unit_test(every_cut_is_read_within_its_bounds),
	};

	return cmocka_run_group_tests_name("note", tests, NULL, NULL);
}
