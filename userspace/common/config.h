/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * runmark.conf(5), the configuration of all programs: INI, read with inih. One table
 * (config_table.c) names each key with its section, type, default, range and meaning; the same
 * table checks the file and prints --check-config.
 */
#pragma once

#include "util.h"

#define CONFIG_DEFAULT_FILE RUNMARK_SYSCONFDIR "/runmark/runmark.conf"
/* of [names]: these two need not be there */
#define CONFIG_DEFAULT_SOFTWARE RUNMARK_SYSCONFDIR "/runmark/software.rules"
#define CONFIG_DEFAULT_RULES	RUNMARK_PREFIX "/share/runmark/software.rules"
#define CONFIG_LINE_MAX		4096 /* bytes of one line */
#define CONFIG_LIST_MAX		256  /* members of one list */

enum config_source { CONFIG_SOURCE_AUTO, CONFIG_SOURCE_BPF, CONFIG_SOURCE_PRELOAD };
enum config_argv { CONFIG_ARGV_FULL, CONFIG_ARGV_SCRUB, CONFIG_ARGV_NAME };
enum config_symbols { CONFIG_SYMBOLS_NO, CONFIG_SYMBOLS_COUNT, CONFIG_SYMBOLS_NAMES };
enum config_scope { CONFIG_SCOPE_ALL, CONFIG_SCOPE_JOBS };

struct config_list { /* of globs */
	char **items;
	size_t count;
};

struct config_rules { /* in order; each has been read by rule_parse() without an error */
	struct config_rule {
		char *text;
		unsigned int line; /* of the file; 0: a default */
	} * items;
	size_t count;
};

struct config {
	/* [daemon] */
	char *spool, *drop, *socket, *control, *pin;
	char *state;	 /* /run/runmark: journal and lock */
	char *run_spool; /* "": none */
	char *host;	 /* the node's name up to the first dot, unless given */
	char *cluster;	 /* default "" */
	enum config_source source;
	uint32_t ring_mib;    /* a power of two, 1..1024 */
	uint32_t journal_mib; /* 1..4096, default 64 */
	uint32_t workers;     /* 1..64, default 2 */
	/* [track] */
	enum config_scope scope;
	bool scan_running;		/* what runs already is looked up, default yes */
	uint32_t rotate_seconds;	/* default 60 */
	uint32_t rotate_mib;		/* default 64 */
	uint32_t keep_days;		/* default 30; 0: for ever */
	uint32_t spool_quota_mib;	/* default 4096; 0: none */
	bool compress;			/* zstd for closed files, default yes */
	struct config_list environment; /* allow-list of variables, globs */
	uint32_t start_seconds;		/* default 60; 0: never */
	uint32_t node_seconds;		/* a node record so often, default 300 */
	/* [rules] */
	struct config_rules rules;    /* first match wins */
	uint32_t group_seconds;	      /* default 300 */
	uint32_t group_short_seconds; /* default 10 */
	/* [privacy] */
	enum config_argv argv;
	struct config_list scrub; /* more names of secrets, globs */
	bool opt_out;		  /* users may, default yes */
	/* [link] */
	bool link_stamp;		  /* default yes */
	char *link_ld;			  /* real linker, "" : found by search */
	struct config_list link_skip;	  /* outputs that aren't stamped, globs on whole paths */
	enum config_symbols link_symbols; /* dynamic ones, in link records; default count */
	/* [names] */
	char *names_software;		  /* the site's rules; "": none, as for the three others */
	char *names_defaults;		  /* rules behind them */
	char *names_modules;		  /* paths' modules */
	char *names_spider;		  /* Lmod's map of them */
	struct config_list names_layouts; /* globs, with ! in front: not */
	/* [retention] */
	uint32_t pseudonymise_days, delete_days; /* 0: never */
	char *pseudonym_key;			 /* file */
	struct config_list homes;		 /* below which paths are personal, globs */
	struct config_list not_persons;		 /* accounts, globs */
	/* what is allowed but hardly meant, by file and line, one a line; NULL: nothing */
	char *warnings;
};

/*
 * Defaults, then the file. path NULL: RUNMARK_CONF (unless AT_SECURE), else CONFIG_DEFAULT_FILE,
 * whose absence is no error (a named file's is). 0 or negative errno; *ret_message (freed by the
 * caller; NULL when out of memory; ret_message itself may be NULL) is then one sentence with file,
 * line, key and the accepted values. All errors of a file are found in one go (the first 50 are
 * shown), one a line of the message, which a program prints with log_err_lines(). A line over
 * CONFIG_LINE_MAX, a NUL byte or a file over 1 MiB end the reading.
 */
int config_load(const char *path, struct config *ret, char **ret_message);
void config_done(struct config *config);

/* Every key with its value in force and what it means, as a valid configuration file. */
void config_print(const struct config *config, FILE *out);

/* True if text matches one of the globs (fnmatch, no flags). */
bool config_list_matches(const struct config_list *list, const char *text);
