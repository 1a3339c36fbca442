/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a path is called in reports, and which module it belongs to: runmark-names(5). Asked for
 * each path when it is first put into the database, and for all by --names.
 *
 * Sources, the first that knows decides:
 *	software	the site's rules, the rules that come with Runmark, EasyBuild's or Spack's
 *layout module		the site's table, Lmod's map, EasyBuild's or Spack's layout
 */
#pragma once

#include "ingest/names_layout.h"
#include "ingest/names_modules.h"
#include "ingest/names_rules.h"
#include "common/config.h"
#include <sys/stat.h>

enum names_file {
	NAMES_FILE_SOFTWARE, /* the site's */
	NAMES_FILE_DEFAULTS, /* ours */
	NAMES_FILE_MODULES,
	NAMES_FILE_SPIDER,
	NAMES_FILES
};

struct names_source {
	const char *file;
	struct stat seen; /* all zero: it is not there */
};

struct site_names {
	struct config config; /* what is borrowed below lives there */
	struct names_source sources[NAMES_FILES];
	struct names_rules *rules[2];  /* of the first two; NULL: none, or it could not be read */
	struct names_tree *modules[2]; /* of the last two */
	uint64_t spider_skipped;       /* entries of Lmod's map that are no path and module */
	bool is_configured;
};

/*
 * By runmark.conf(5), whose default place need not be, and neither need the files' default places.
 * 0; -EINVAL: *ret_message, which the caller frees, has lines that say what could not be used; all
 * else serves, so *ret_names is always good to ask and must be freed with site_names_done().
 * -ENOMEM.
 */
int site_names_load(struct site_names *ret_names, char **ret_message);
void site_names_done(struct site_names *names);

/* True if a file has changed since it was read. */
bool site_names_have_changed(const struct site_names *names);

struct path_names {
	struct bytes software, module; /* data is NULL: none */
	/* how it was found: NAMES_FILES: by a layout or not at all */
	enum names_file software_from, module_from;
	enum names_layout layout; /* that was recognised and may be asked */
	struct names_rule rule;	  /* where a rule knew the software */
	size_t prefix_len;	  /* of the path, where a file knew the module */
	char text[NAMES_MODULE_MAX + 1];
};

/* What ret holds lives as long as names and ret do, and path. */
void site_names_of(const struct site_names *names, struct bytes path, struct path_names *ret);
