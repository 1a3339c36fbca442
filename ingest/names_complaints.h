/* SPDX-License-Identifier: BSD-2-Clause */
/* What is wrong in the files of names, all of it at once: "file:line: what", one a line. */
#pragma once

#include "common/util.h"

#define NAMES_COMPLAINTS_MAX 50 /* that are told; others are counted */

struct names_complaints {
	FILE *out;
	unsigned int count;
};

/* line 0: the file as a whole. */
void names_complain(struct names_complaints *complaints, const char *file, unsigned int line,
		    const char *format, ...) PRINTF_LIKE(4, 5);

/* As much of a user's or administrator's text as a message repeats: "%.*s%s". */
#define NAMES_SHOWN_MAX 80
#define NAMES_SHOWN(bytes_)                                                                        \
	(int)MIN((bytes_).len, (size_t)NAMES_SHOWN_MAX), (bytes_).data,                            \
		(bytes_).len > NAMES_SHOWN_MAX ? "..." : ""
