/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a line of a report can be of (dimensions) and what it can tell (columns). A dimension turns
 * a row into a key: a number of struct report_names, so that nothing is compared as text while a
 * million rows go by. A column turns a cell's keys and sums back into what is printed.
 */
#pragma once

#include "cli/columns.h"
#include "cli/tally.h"

enum report_dim {
	DIM_NONE,
	DIM_SOFTWARE, /* label */
	DIM_PATH,     /* report_names.paths */
	DIM_MODULE,   /* label */
	DIM_BUILD_ID, /* label, of a library */
	DIM_USER,     /* report_names.users */
	DIM_JOB,      /* report_names.jobs */
	DIM_HOST,     /* report_names.hosts */
	DIM_ACCOUNT,  /* label */
	DIM_COMPILER, /* label, as the next three */
	DIM_COMPILER_VERSION,
	DIM_COMPILED, /* both in one */
	DIM_LINKER,
	DIM_LINKER_VERSION,
	DIM_BUILT,    /* enum report_built */
	DIM_EVIDENCE, /* enum report_evidence */
	DIM_RUN_TIME, /* report_bins */
	DIM_END,    /* report_end_make; the line of REPORT_END_NONE isn't shown, it has all runs */
	DIM_FAILED, /* 1, and 0 in the same way */
	DIMS
};

enum report_built { BUILT_SELF, BUILT_OTHER, BUILT_SITE, BUILT_UNKNOWN, BUILTS };
enum report_evidence {
	EVIDENCE_LINK,
	EVIDENCE_MODULE,
	EVIDENCE_OWNER,
	EVIDENCE_PATH,
	EVIDENCE_NONE,
	EVIDENCES
};

/* For programs that no link is known of: as a key of the four that come from links. */
#define DIM_NO_LINK UINT32_MAX

uint32_t report_dim_key(enum report_dim dim, const struct report_names *names,
			const struct report_row *row);

/* report_built.c */
void report_built_of(const struct report_names *names, const struct report_row *row,
		     enum report_built *ret_built, enum report_evidence *ret_evidence);
extern const char *const report_built_words[BUILTS];
extern const char *const report_evidence_words[EVIDENCES];

struct report_bin {
	const char *name;
	int64_t below_s;
};

extern const struct report_bin report_bins[];
extern const size_t report_bins_count;

enum report_column_id {
	RC_END, /* of a list */
	RC_SOFTWARE,
	RC_PROGRAM,
	RC_LIBRARY,
	RC_BUILD_ID,
	RC_MODULE,
	RC_USER,
	RC_JOB,
	RC_CLUSTER,
	RC_JOB_USER,
	RC_JOB_ACCOUNT,
	RC_QUEUE,
	RC_ACCOUNT,
	RC_HOST,
	RC_COMPILER,
	RC_COMPILER_VERSION,
	RC_COMPILED,
	RC_LINKER,
	RC_LINKER_VERSION,
	RC_BUILT,
	RC_EVIDENCE,
	RC_RUN_TIME,
	RC_ENDED,
	RC_RUNS,
	RC_FAILED,
	RC_FAILED_PERCENT,
	RC_FAILED_HERE, /* of the line's own end */
	RC_OF_RUNS,
	RC_END_PERCENT,
	RC_LINKS,
	RC_PROGRAMS,
	RC_USERS,
	RC_JOBS,
	RC_HOSTS,
	RC_CPU,
	RC_CORE,
	RC_NODE,
	RC_SHARE,
	RC_FIRST,
	RC_LAST,
	REPORT_COLUMNS
};

/* A value, as it is sorted and printed. */
enum report_value_kind { VALUE_NONE, VALUE_TEXT, VALUE_RANK, VALUE_NUMBER, VALUE_TIME };

struct report_value {
	enum report_value_kind kind;
	double number; /* of VALUE_RANK, a text that has its place in a row of others: which */
	int64_t us;
	struct bytes text;
	char room[2 * 64 + 1];
};

/* The lines of a report, made up. */
struct report_lines {
	struct tally tally;
	const enum report_dim *dims;
	tally_us core_us; /* of all runs, to share out */
	bool has_links;	  /* they were counted */
};

/* *ret is VALUE_NONE before. */
typedef void report_getter(const struct report_lines *lines, const struct tally_cell *cell,
			   struct report_value *ret);

struct report_column {
	struct column column;
	report_getter *get;
};

extern const struct report_column report_columns[REPORT_COLUMNS];

void report_column_get(enum report_column_id id, const struct report_lines *lines,
		       const struct tally_cell *cell, struct report_value *ret);
