/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes from users, made fit to show. Argument vectors, paths and environments may hold anything
 * but NUL: newlines, terminal escapes, half characters. They are stored as they are and escaped
 * only where they are shown, once for each kind of output.
 */
#pragma once

#include "util.h"

/*
 * Length of the first character of data (not empty), whose code point goes to *ret_code; or of the
 * maximal ill-formed part there, which is TEXT_ILL_FORMED.
 */
#define TEXT_ILL_FORMED UINT32_MAX
size_t text_next(struct bytes data, uint32_t *ret_code);

/* Code points that are never sent to a terminal: C0, DEL, C1, controls of direction and of lines.
 */
bool text_is_control(uint32_t code);

/* True if data is well-formed UTF-8 (Unicode 15, table 3-7: no overlong forms, no surrogates). */
bool text_is_utf8(struct bytes data);

/*
 * A NUL-terminated copy in which each maximal ill-formed part is U+FFFD (Unicode 15, 3.9, D93b) and
 * NUL too. The caller frees. NULL if memory ran out.
 */
char *text_to_utf8(struct bytes data);

/*
 * For a terminal: control characters (C0, C1, DEL), bidirectional controls (U+061C,
 * U+200E..F, U+202A..E, U+2066..9), line and paragraph separator and ill-formed bytes as \n, \t, \e
 * or \xNN; a backslash as \\. The caller frees; NULL if out of memory.
 */
char *text_for_terminal(struct bytes data);

/*
 * For CSV (RFC 4180): quoted when it holds a comma, a quote or a line break; and a leading =, +, -,
 * @, tab, CR or LF gets an apostrophe in front, since spreadsheets would run it. What is not UTF-8
 * is U+FFFD. Numbers are not text: do not pass them. The caller frees; NULL if out of memory.
 */
char *text_for_csv(struct bytes data);

/* Columns that the UTF-8 text takes on a terminal (wcwidth by character; escapes already applied).
 */
size_t text_width(const char *utf8);

/* Base64 (RFC 4648, with padding). The caller frees; NULL if out of memory. */
char *text_to_base64(struct bytes data);
/* 0, -EINVAL if it isn't base64, -ENOMEM. *ret is freed by the caller and has a NUL after *ret_len.
 */
int text_from_base64(const char *base64, char **ret, size_t *ret_len);

/* Lower-case hex of data into out (2 * len + 1 bytes). Returns out. */
char *text_to_hex(const void *data, size_t len, char *out);
/* Reverse: hex digits of either case. The number of bytes, or -EINVAL (odd, not hex, over size). */
int text_from_hex(const char *hex, void *out, size_t size);
