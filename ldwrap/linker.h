/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which real linker this program stands for. It is installed under the linkers' names, and runs the
 * linker of the same name: never another one in its place.
 *
 * Looked for where the compiler driver would have looked, had we not been there: COMPILER_PATH
 * (which gcc hands down with all its folders), then PATH, then the system's place. Candidates that
 * are Runmark's wrapper themselves are passed over (a mark in the file tells, so copies and other
 * versions are known too).
 *
 * A wrapper may have been put into a linker's place (runmark-ld-setup(8)); the linker is then
 * beside it, with LINKER_DISPLACED behind its name, or beside one of the links that lead there.
 *
 * What is neither our wrapper nor surely a linker, such as a site's own script around ld, may call
 * us again. It gets LINKER_ROUND_VARIABLE in its environment, the number of such programs started
 * so far; who finds that number passes over as many. So each round comes closer to the end, and no
 * loop is possible. Only such a program, and what it runs without us, ever sees the variable.
 */
#pragma once

#include "common/util.h"

#define LINKER_CANDIDATES_MAX 256 /* folders looked into */
#define LINKER_ROUND_VARIABLE "RUNMARK_LD_ROUND"
#define LINKER_SCAN_MAX	      (64 * 1024 * 1024) /* bytes of a linker looked through for its words */
#define LINKER_VERSION_MAX    128
#define LINKER_DISPLACED      ".distrib" /* as dpkg-divert(1) has it */
#define LINKER_MARK	      "Runmark watermark linker"

struct linker {
	const char *name;	    /* it is called by */
	bool can_augment;	    /* tested with the placeholder object */
	bool is_configurable;	    /* the configuration may name it */
	const char *without_target; /* "ld" of "aarch64-linux-gnu-ld"; NULL: it has none */
	const char *fallbacks[3];   /* where it is if neither path has it */
};

/*
 * The linker that argv0 stands for. By its own name (runmark-ld) it is ld; with a target in front
 * or a version behind, it is still the linker of that name. Any other name is a linker that isn't
 * known, and is looked for under that name. The name points into argv0.
 */
struct linker linker_by_name(const char *argv0);

struct linker_found {
	char *path;	     /* of the file; freed by the caller */
	char *shown;	     /* the name it has for others: path, or that in whose place we are */
	unsigned int rounds; /* 0: surely a linker; else the value for LINKER_ROUND_VARIABLE */
	bool has_colours;    /* its messages differ on a terminal */
	const char *version_start; /* how its version starts in the file; NULL: it isn't there */
	const char *version_prefix;
};

/*
 * The real one. configured: from the configuration, "" or NULL: search. called: the path
 * we were called by, so a compiler driver may have searched; NULL: by a name alone. targets: of
 * linker_targets(). 0, or -ENOENT.
 */
int linker_find(const struct linker *linker, const char *configured, const char *called,
		const char *targets, struct linker_found *ret);

/* The targets a line may be for, if it names another machine than linkers are native on; else NULL.
 * Blanks between them; a static string (target.c). */
const char *linker_targets(int argc, char *const *argv);

/*
 * Its version as --version's first line would say, out of the file itself, since a run of it would
 * cost more than our share of a link. False if it isn't found.
 */
bool linker_version(const struct linker_found *found, char out[LINKER_VERSION_MAX]);

/* The same from what a linker leaves in its output's .comment: strings with NUL between them. */
bool linker_version_from_comment(struct bytes comment, char out[LINKER_VERSION_MAX]);
