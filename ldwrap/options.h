/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The linkers' options, as far as it matters here: does one take a value, and may a link with it
 * carry one more object? One table for all linkers (options.c), drawn from the help of bfd 2.40,
 * gold, lld 14 and mold 1.10. What isn't in it is unknown, and an unknown option means the plain
 * link: so an abbreviation that getopt would accept, or an option of next year, can only cost a
 * watermark.
 */
#pragma once

#include "common/util.h"

enum option_kind {
	OPTION_UNKNOWN,
	OPTION_FLAG,  /* no value; one behind '=' is its own business */
	OPTION_VALUE, /* a value, behind '=' or in the next argument */
	OPTION_PLAIN, /* not with another object: the plain link */
};

enum option_role { /* what of it must be remembered */
		   ROLE_NONE,
		   ROLE_OUTPUT,
		   ROLE_EMULATION,
		   ROLE_FORMAT,
		   ROLE_DEPENDENCY_FILE,
		   ROLE_MAP,
		   ROLE_LIBRARY,
		   ROLE_SHARED,
		   ROLE_PIE,
		   ROLE_START_LIB,
		   ROLE_END_LIB,
};

struct option_match {
	enum option_kind kind;
	enum option_role role;
	const char *value; /* what stands in the same argument, NULL: nothing */
	const char *why;   /* of OPTION_PLAIN: a phrase */
};

/* What argument (which starts with '-') is. The answer points into argument and static memory. */
void option_find(const char *argument, struct option_match *ret);
