/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * JSON piece by piece, for files of any size in little memory: a tree of cJSON's takes several
 * times the file, and spider's map of a large site has tens of megabytes.
 */
#pragma once

#include "common/util.h"

#define NAMES_JSON_DEPTH_MAX 32
#define NAMES_JSON_TEXT_MAX  8192 /* bytes of a string that is kept; of a longer one nothing is */

enum names_json_token {
	JSON_END,    /* of the file, behind the one value that it holds */
	JSON_SCALAR, /* number, true, false, null: not looked at any closer */
	JSON_STRING,
	JSON_KEY,
	JSON_OBJECT,
	JSON_OBJECT_END,
	JSON_ARRAY,
	JSON_ARRAY_END,
};

struct names_json {
	FILE *in;	 /* borrowed */
	uint64_t left;	 /* bytes that may still be read into the buffer */
	bool is_cut_off; /* there were more */
	unsigned int line;
	const char *fault; /* why names_json_next() failed */
	size_t depth;
	uint32_t objects; /* by depth: bit set for an object, not for an array */
	size_t at, end;	  /* of the buffer: the next byte, behind the last */
	bool is_value_done, is_first, is_key_done;
	bool is_cut; /* the string was longer than NAMES_JSON_TEXT_MAX, or held \u0000 */
	size_t len;
	char text[NAMES_JSON_TEXT_MAX]; /* of the string or key, exact bytes */
	unsigned char buffer[65536];	/* its first byte is the last one of before */
};

/* max: bytes of the file that are read at most. */
void names_json_init(struct names_json *json, FILE *in, uint64_t max);

/* A names_json_token; -EINVAL if this is no JSON, -EFBIG if it is too long, -EIO. */
int names_json_next(struct names_json *json);

/* To the end of the value that token (which may be a scalar) began. 0 or as above. */
int names_json_skip(struct names_json *json, int token);

static inline struct bytes names_json_text(const struct names_json *json)
{
	return (struct bytes){json->text, json->len};
}
