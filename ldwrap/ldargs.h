/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a linker's command line asks for: may the link carry one more object, and what is known of
 * it from the line alone. Pure: no file is looked at. Whatever isn't understood beyond doubt is a
 * plain link, and why_plain says so.
 *
 * The last argument matters most: behind it comes our object, and were it an option that waits for
 * its value
 * ("ld a.o -o"), our object would be the value. So it must be an input, or an option of the table
 * with its value.
 */
#pragma once

#include "common/util.h"

#define LDARGS_TOKENS_MAX 200000 /* arguments, those from response files too */

struct ldargs {
	const char *why_plain;	     /* a phrase; NULL: the link can be augmented */
	const char *output;	     /* as given; "a.out" */
	const char *emulation;	     /* of -m; NULL: the linker's own */
	const char *dependency_file; /* the user's; NULL: none */
	const char *first_input;     /* path of the first input that isn't -l */
	size_t input_count;	     /* -l counted too */
	bool is_shared, is_pie;
};

/*
 * tokens: the arguments behind the program's name, response files filled in (response.h). What *ret
 * points to stands in tokens. Never fails.
 */
void ldargs_parse(const char *const *tokens, size_t count, struct ldargs *ret);

/*
 * Calls fn for each input of the line as far as it is known: path of a file, or name of a library
 * ("-l"). Stops when fn returns false.
 */
typedef bool ldargs_input_fn(void *arg, const char *name, bool is_library);
void ldargs_each_input(const char *const *tokens, size_t count, ldargs_input_fn *fn, void *arg);
