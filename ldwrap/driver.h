/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who called the linker: the compiler driver (gcc, clang, gfortran, ...), found by walking up the
 * process tree past collect2 and whatever else stands between. Its name says which of the compilers
 * that the output names in .comment is the one that was used, since every program also has those of
 * its start files.
 */
#pragma once

#include "common/util.h"

#include <limits.h>
#include <sys/types.h>

#define DRIVER_LEVELS_MAX 16	/* processes upwards */
#define DRIVER_ARGV_MAX	  65536 /* bytes of its command line */
#define COMPILER_TEXT_MAX 256

struct driver {
	char path[PATH_MAX]; /* of the program that runs; "" if it couldn't be read */
	char *arguments;     /* NUL behind each; freed by driver_done() */
	size_t arguments_len;
	bool is_cut;		   /* the command line was longer */
	const char *language;	   /* that its name stands for; a static string */
	const char *comment_start; /* how its compiler's text in .comment starts; a static string */
};

/* From our parent upwards. 0, or -ENOENT. */
int driver_find(pid_t start, struct driver *ret);
void driver_done(struct driver *driver);

/* How a compiler's name in .comment starts, by the driver's name (with prefix and version:
 * "x86_64-linux-gnu-gcc-12"); NULL if it isn't a driver. */
const char *driver_comment_start(const char *name);

struct compiler {
	char name[32];	  /* "GCC", "clang" */
	char version[64]; /* "12.2.0" */
	char text[COMPILER_TEXT_MAX];
};

/*
 * The compiler among the texts of .comment (NUL between them): the one that start (of a driver)
 * fits, or, with start NULL, the only compiler there is. False if it can't be told.
 */
bool compiler_from_comment(struct bytes comment, const char *start, struct compiler *ret);
