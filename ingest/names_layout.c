/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * EasyBuild: a folder "software", a name, a version with its toolchain and suffix as one folder. A
 * version begins with a digit, or v and a digit, or has a digit and then a toolchain behind a
 * hyphen (stable_29Aug2024-foss-2023b): ".../software/linux/x86_64/..." has none and is none.
 *
 * Spack: a folder NAME-VERSION-HASH. The hash is 32 characters of base32, which nothing else has by
 * chance. Names and versions may have hyphens too: a version begins behind the last hyphen before a
 * digit (font-bh-100dpi-1.0.3), or, of numbers alone, before that (2016-11-17).
 */
#include "ingest/names_layout.h"

#define SPACK_HASH_LEN 32
#define NAME_MAX_LEN   64 /* of software and of a version: longer is none */
#define VERSION_LEN    128

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* What names and versions are made of; printable ASCII, so that they are text. */
static bool is_word(struct bytes text, size_t max)
{
	if (!text.len || text.len > max || !(is_letter(*text.data) || is_digit(*text.data)))
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (!is_letter(text.data[i]) && !is_digit(text.data[i]) &&
		    !memchr("._+-=", text.data[i], 5))
			return false;
	return true;
}

static bool is_version(struct bytes text)
{
	bool has_digit = false;

	if (!is_word(text, VERSION_LEN))
		return false;
	if (is_digit(*text.data) || (*text.data == 'v' && text.len > 1 && is_digit(text.data[1])))
		return true;
	for (size_t i = 0; i + 1 < text.len; i++) {
		has_digit |= is_digit(text.data[i]);
		if (has_digit && text.data[i] == '-' && is_letter(text.data[i + 1]))
			return true;
	}
	return false;
}

static bool is_hash(const char *text)
{
	for (size_t i = 0; i < SPACK_HASH_LEN; i++)
		if (!(text[i] >= 'a' && text[i] <= 'z') && !(text[i] >= '2' && text[i] <= '7'))
			return false;
	return true;
}

/* Begin of the part of text that ends before end: behind the hyphen before it, or 0. */
static size_t part_before(struct bytes text, size_t end)
{
	while (end && text.data[end - 1] != '-')
		end--;
	return end;
}

/* Where the version of NAME-VERSION begins, or 0. */
static size_t version_of(struct bytes text)
{
	size_t last = part_before(text, text.len), begin = last;

	/* The last part that begins with a digit ... */
	while (begin && !is_digit(text.data[begin]))
		begin = part_before(text, begin - 1);
	if (!begin)
		return last;
	/* ... and parts before it that are numbers. */
	for (;;) {
		size_t before = part_before(text, begin - 1);
		bool is_number = before != 0;

		for (size_t i = before; i < begin - 1; i++)
			is_number &= is_digit(text.data[i]);
		if (!is_number)
			return begin;
		begin = before;
	}
}

static bool split_spack(struct bytes folder, struct bytes *ret_name, struct bytes *ret_version)
{
	struct bytes name, version;
	size_t begin;

	if (folder.len < SPACK_HASH_LEN + 4 ||
	    folder.data[folder.len - SPACK_HASH_LEN - 1] != '-' ||
	    !is_hash(folder.data + folder.len - SPACK_HASH_LEN))
		return false;
	folder.len -= SPACK_HASH_LEN + 1;
	begin = version_of(folder);
	if (!begin)
		return false;
	name = (struct bytes){folder.data, begin - 1};
	version = (struct bytes){folder.data + begin, folder.len - begin};
	if (!is_word(name, NAME_MAX_LEN) || !is_word(version, VERSION_LEN))
		return false;
	*ret_name = name;
	*ret_version = version;
	return true;
}

enum names_layout names_layout_of(struct bytes path, struct bytes *ret_name,
				  struct bytes *ret_version)
{
	struct bytes before[2] = {}; /* the two folders before */
	size_t at = 0;

	if (!path.len || *path.data != '/')
		return NAMES_LAYOUT_NONE;
	for (;;) {
		const char *begin = path.data + at + 1;
		const char *end = memchr(begin, '/', path.len - at - 1);
		struct bytes folder = {begin, end ? (size_t)(end - begin) : 0};

		if (!end) /* the last part is the file */
			return NAMES_LAYOUT_NONE;
		if (split_spack(folder, ret_name, ret_version))
			return NAMES_LAYOUT_SPACK;
		if (before[0].len == strlen("software") && !memcmp(before[0].data, "software", 8) &&
		    is_word(before[1], NAME_MAX_LEN) && is_version(folder)) {
			*ret_name = before[1];
			*ret_version = folder;
			return NAMES_LAYOUT_EASYBUILD;
		}
		before[0] = before[1];
		before[1] = folder;
		at = (size_t)(end - path.data);
	}
}
