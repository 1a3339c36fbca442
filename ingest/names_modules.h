/* SPDX-License-Identifier: BSD-2-Clause */
/* Files that say which module a path belongs to: the site's own table, and Lmod's spider. */
#pragma once

#include "ingest/names_complaints.h"
#include "ingest/names_tree.h"

#define NAMES_MODULE_MAX      255		  /* bytes of a module's name and version */
#define NAMES_TABLE_FILE_MAX  (16 * 1024 * 1024)  /* bytes */
#define NAMES_TABLE_LINE_MAX  8192		  /* bytes */
#define NAMES_SPIDER_FILE_MAX (256 * 1024 * 1024) /* bytes */

/* In a tree of the table: this path has no module. */
#define NAMES_NO_MODULE "-"

/* True if it may stand in the database: UTF-8 without control characters, not too long. */
bool names_module_is_good(struct bytes module);

/*
 * Lines of PREFIX MODULE. text: the file's, of that name for messages. 0; -EINVAL: there are
 * complaints; -ENOMEM.
 */
int names_table_read(const char *file, struct bytes text, struct names_complaints *complaints,
		     struct names_tree **ret);

/*
 * Output of Lmod's spider, -o xalt_rmapT or -o jsonReverseMapT, with the same modules from both.
 * *ret_skipped: entries that are none (no path, no module, too long). As above.
 */
int names_spider_read(const char *file, FILE *in, struct names_complaints *complaints,
		      struct names_tree **ret, uint64_t *ret_skipped);
