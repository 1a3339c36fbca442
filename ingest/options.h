/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line of runmark-ingest, from one table. */
#pragma once

#include "common/util.h"

struct options {
	const char *db;		  /* URL */
	const char *archive;	  /* directory, or NULL */
	const char *sacct;	  /* file of what sacct printed, "-": standard input; or NULL */
	const char *explain_name; /* path, or NULL */
	const char *export_to;	  /* file, "-": standard output; or NULL. With quarantine set */
	bool follow, remove, migrate, quarantine, names, check_names, xalt, prune, destroy_key;
	const char *pseudonymise_after, *delete_after; /* ages; NULL: as configured */
	uint32_t pseudonymise_days, delete_days;       /* the same; 0: as configured */
	char **spool; /* the rest: files and directories; borrowed */
	size_t spool_count;
};

enum options_next { OPTIONS_RUN, OPTIONS_DONE, OPTIONS_WRONG };

/* OPTIONS_DONE: --help or --version has been printed. OPTIONS_WRONG: what is wrong has been said.
 */
enum options_next options_parse(int argc, char **argv, struct options *ret);
