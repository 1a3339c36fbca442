/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The link record (runmark-records(5)), as far as the linker's place in the build can know it;
 * runmarkd adds host, user, job and number, and takes uid, gid and pid from the kernel. What
 * doesn't depend on the result is put together while the linker runs.
 */
#pragma once

#include "driver.h"
#include "json.h"
#include "ldargs.h"
#include "linker.h"
#include "stamp.h"

#include "common/config.h"

#define REPORT_LINE_MAX	      (256 * 1024)	/* bytes of the link line */
#define REPORT_INPUTS_MAX     20000		/* files that a link read */
#define REPORT_IDS_MAX	      1000		/* shared libraries among them whose ids are read */
#define REPORT_IDS_NS	      (100 * NS_PER_MS) /* time for that */
#define REPORT_COMMENT_MAX    16384		/* bytes of .comment */
#define REPORT_NAMES_MAX      10000		/* names of symbols, on either side */
#define REPORT_NAMES_BYTES    (64 * 1024)	/* of either */
#define REPORT_ROOM	      (768 * 1024)	/* for all behind the inputs */
#define REPORT_INCOMPLETE_MAX 16		/* facts that aren't whole */

struct report {
	struct json record;			       /* open: the result is missing */
	const char *incomplete[REPORT_INCOMPLETE_MAX]; /* static texts, "FACT: reason" */
	size_t incomplete_count;
	struct driver driver;
	bool has_driver;
	const struct linker_found *linker;
	const char *language;			 /* a static string; NULL: not known */
	char linker_version[LINKER_VERSION_MAX]; /* "": not told by its file */
};

/* argv: the link line as it came. report_done() later. Memory running out shows at the end. */
void report_begin(const struct linker_found *linker, int argc, char *const *argv,
		  struct report *report);
void report_done(struct report *report);
/* text: static, "FACT: reason". */
void report_incomplete(struct report *report, const char *text);

struct report_result {
	const char *output; /* as the command line names it */
	int fd;		    /* the output, open for reading */
	const struct stamp *stamp;
	const struct ldargs *args;
	struct bytes dependencies; /* what the linker wrote to --dependency-file; len 0: nothing */
	const char *const *tokens; /* the line, should it have written nothing */
	size_t token_count;
	const char *placeholder; /* no input of the user's */
	enum config_symbols symbols;
	uint64_t began_ns, linker_ns; /* CLOCK_MONOTONIC at our start; time that the linker took */
};

/* Adds the result. 0; then report->record is one line. -ENOMEM, -E2BIG (over MESSAGE_MAX). */
int report_finish(struct report *report, const struct report_result *result);

/* The files that the link read, as an array that stops behind max_bytes (report_inputs.c). What
 * they tell of the language, too. */
void report_inputs(struct report *report, const struct report_result *result, size_t max_bytes,
		   struct json *ret);

/* Dynamic symbols of the output, as wanted (report_symbols.c). */
void report_symbols(struct report *report, int fd, enum config_symbols wanted);

/*
 * To runmarkd's socket, or, where that doesn't take it, to the drop directory: under a temporary
 * name first, so that the collector sees whole files. 0 or negative errno.
 */
int report_deliver(const struct config *config, struct bytes record);
