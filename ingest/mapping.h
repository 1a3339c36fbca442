/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which field of a record goes into which column: the one table (mapping.c) that every database
 * back end is driven by. Statements are made from it, values are bound by it, and what a line must
 * hold to be loaded is checked by it. The columns themselves are described in schema/.
 */
#pragma once

#include "ingest/value.h"

#define MAPPING_COLUMNS_MAX 56 /* of one table */

enum column_kind {
	COLUMN_TEXT,	   /* string, as shown */
	COLUMN_BYTES,	   /* string, its exact bytes (from <field>_b64 where that is there) */
	COLUMN_NAME,	   /* exact bytes after the last slash */
	COLUMN_NUMBER,	   /* whole number, or a string of digits; 64 bits, unsigned */
	COLUMN_BOOL,	   /* 0 or 1 */
	COLUMN_TIME,	   /* microseconds since 1970 */
	COLUMN_ZONE,	   /* a time: what local time is ahead of UTC then, in minutes */
	COLUMN_SECONDS,	   /* duration in seconds, to microseconds */
	COLUMN_REAL,	   /* number */
	COLUMN_UUID,	   /* 16 bytes */
	COLUMN_HEX,	   /* bytes of hex digits */
	COLUMN_JSON,	   /* the field as JSON; an empty array or object becomes null */
	COLUMN_JSON_EXACT, /* the same, but empty stays empty */
	COLUMN_ENTITY,	   /* id of a row of another table, found by its key or made */
	COLUMN_CONTEXT,	   /* told by the loader, not by the record */
};

/* What the loader tells. */
enum mapping_context {
	CONTEXT_SPOOL_FILE, /* the file's id */
	CONTEXT_STATE,	    /* run.state */
	CONTEXT_SET,	    /* id of the set that a member belongs to */
	CONTEXT_POSITION,   /* of the member */
	CONTEXT_INPUT_SET,  /* id of a link's inputs */
	CONTEXT_COUNT,
	CONTEXT_NONE = CONTEXT_COUNT /* the loader makes the whole row */
};

/* REQUIRED: a record without it cannot be loaded. OWN: nor can one of our own, an imported one may
 * not tell. FILL: absent is '', x'' or the number in fill. */
enum column_flags { COLUMN_REQUIRED = 1, COLUMN_FILL = 2, COLUMN_OWN = 4 };

struct table;

/*
 * field: path from the record's root ("exe.path"). In an entity's columns it is relative to the
 * field of the column that refers to the entity: "" is that field itself, "/cluster" starts at the
 * root.
 */
struct column {
	const char *field;
	const char *name;
	enum column_kind kind;
	int flags;
	uint32_t max; /* bytes (elements' sum); numbers: greatest; 0: as its kind allows */
	int64_t fill; /* with COLUMN_FILL, of a number or a time */
	const struct table *entity; /* with COLUMN_ENTITY */
	enum mapping_context context;
};

enum table_number {
	TABLE_HOST,
	TABLE_BOOT,
	TABLE_INSTANCE,
	TABLE_USER_NAME,
	TABLE_PATH,
	TABLE_CGROUP,
	TABLE_CONTAINER,
	TABLE_JOB,
	TABLE_OBJECT,
	TABLE_PROGRAM,
	TABLE_OBJECT_SET,
	TABLE_OBJECT_SET_MEMBER,
	TABLE_ENV_NAME,
	TABLE_ENV_SET,
	TABLE_ENV_SET_MEMBER,
	TABLE_INPUT_SET,
	TABLE_INPUT_SET_MEMBER,
	TABLE_RUN,
	TABLE_RUN_TEXT,
	TABLE_RUN_GROUP,
	TABLE_RUN_GROUP_TEXT,
	TABLE_LINK,
	TABLE_LINK_TEXT,
	TABLE_NODE_RECORD,
	TABLE_NODE_COUNT,
	TABLE_SPOOL_FILE,
	TABLE_SPOOL_COUNT,
	TABLE_SPOOL_PROBLEM,
	TABLE_QUARANTINE,
	TABLE_ACCOUNTING,
	TABLE_RUN_XALT,
	TABLE_LINK_XALT,
	TABLE_PACKAGE,
	TABLE_PSEUDONYM,
	TABLE_PRUNE_STATE,
	TABLE_PRUNE_ORPHAN,
	TABLE_COUNT
};

struct table {
	const char *name;
	const struct column *columns;
	size_t count;	  /* of columns; an id that the database gives is not among them */
	size_t key_count; /* the first so many columns are the primary key; 0 for entities and logs
			   */
	enum table_number number;
	bool has_id; /* an integer primary key "id" that the database gives */
};

/* Columns of the tables that the loader fills, in their order. */
enum path_column { PATH_PATH, PATH_NAME, PATH_SOFTWARE, PATH_MODULE, PATH_COLUMNS };
enum node_count_column {
	NODE_COUNT_INSTANCE,
	NODE_COUNT_SEQ,
	NODE_COUNT_KIND,
	NODE_COUNT_NAME,
	NODE_COUNT_VALUE,
	NODE_COUNT_COLUMNS
};
enum spool_file_column {
	SPOOL_FILE_NAME,
	SPOOL_FILE_HOST,
	SPOOL_FILE_BOOT,
	SPOOL_FILE_INSTANCE,
	SPOOL_FILE_NUMBER,
	SPOOL_FILE_FIRST_SEQ,
	SPOOL_FILE_LAST_SEQ,
	SPOOL_FILE_PREVIOUS,
	SPOOL_FILE_VERSION,
	SPOOL_FILE_OPENED,
	SPOOL_FILE_CLOSED,
	SPOOL_FILE_MENDED,
	SPOOL_FILE_WHOLE,
	SPOOL_FILE_COVERED,
	SPOOL_FILE_LINES,
	SPOOL_FILE_RECORDS,
	SPOOL_FILE_QUARANTINED,
	SPOOL_FILE_BYTES,
	SPOOL_FILE_LOADED,
	SPOOL_FILE_COLUMNS
};
enum spool_count_column {
	SPOOL_COUNT_SPOOL_FILE,
	SPOOL_COUNT_KIND,
	SPOOL_COUNT_NAME,
	SPOOL_COUNT_STATED,
	SPOOL_COUNT_FOUND,
	SPOOL_COUNT_COLUMNS
};
enum spool_problem_column {
	SPOOL_PROBLEM_SPOOL_FILE,
	SPOOL_PROBLEM_POSITION,
	SPOOL_PROBLEM_FACT,
	SPOOL_PROBLEM_FIRST_SEQ,
	SPOOL_PROBLEM_LAST_SEQ,
	SPOOL_PROBLEM_MISSING,
	SPOOL_PROBLEM_REASON,
	SPOOL_PROBLEM_COLUMNS
};
enum quarantine_column {
	QUARANTINE_SPOOL_FILE,
	QUARANTINE_FILE,
	QUARANTINE_LINE,
	QUARANTINE_FIELD,
	QUARANTINE_REASON,
	QUARANTINE_SIZE,
	QUARANTINE_TEXT,
	QUARANTINE_TIME,
	QUARANTINE_COLUMNS
};
enum accounting_column { /* the key first, then what a later state changes */
			 ACCOUNTING_JOB_ID,
			 ACCOUNTING_CLUSTER,
			 ACCOUNTING_MANAGER,
			 ACCOUNTING_SUBMIT,
			 ACCOUNTING_STAGE,
			 ACCOUNTING_STATE,
			 ACCOUNTING_ARRAY_ID,
			 ACCOUNTING_ARRAY_TASK,
			 ACCOUNTING_HET_ID,
			 ACCOUNTING_HET_OFFSET,
			 ACCOUNTING_SLUID,
			 ACCOUNTING_USER,
			 ACCOUNTING_UID,
			 ACCOUNTING_ACCOUNT,
			 ACCOUNTING_QUEUE,
			 ACCOUNTING_QOS,
			 ACCOUNTING_NODES,
			 ACCOUNTING_NODE_LIST,
			 ACCOUNTING_REQUESTED_CPUS,
			 ACCOUNTING_REQUESTED_MEMORY,
			 ACCOUNTING_REQUESTED_TIME,
			 ACCOUNTING_CPUS,
			 ACCOUNTING_START,
			 ACCOUNTING_END,
			 ACCOUNTING_ELAPSED,
			 ACCOUNTING_CPU,
			 ACCOUNTING_MAX_RSS,
			 ACCOUNTING_EXIT_CODE,
			 ACCOUNTING_EXIT_SIGNAL,
			 ACCOUNTING_IMPORTED,
			 ACCOUNTING_COLUMNS
};

/* Those that no record has as such: the loader makes their rows (mapping_spool.c,
 * mapping_accounting.c). */
extern const struct table mapping_node_count, mapping_spool_file, mapping_spool_count,
	mapping_spool_problem, mapping_quarantine, mapping_accounting;

/* Of imports (mapping_xalt.c). */
extern const struct table mapping_path, mapping_run_xalt, mapping_link_xalt, mapping_package;

/* What --prune writes (mapping_prune.c). */
extern const struct table mapping_pseudonym, mapping_prune_state, mapping_prune_orphan;

/* By table_number. */
extern const struct table *const mapping_tables[TABLE_COUNT];

/* A kind of record, and members of sets, which are read in the same way. */
enum mapping_shape {
	SHAPE_RUN,
	SHAPE_START,
	SHAPE_GROUP,
	SHAPE_LINK,
	SHAPE_NODE,
	SHAPE_OBJECT,	/* member of an object set */
	SHAPE_INPUT,	/* member of a link's inputs */
	SHAPE_XALT_RUN, /* these three are made from what XALT wrote (xalt_record.h) */
	SHAPE_XALT_LINK,
	SHAPE_XALT_PACKAGE,
	SHAPE_COUNT
};

struct shape {
	const char *kind;		  /* of the record; NULL for members and what is imported */
	const struct table *table, *text; /* text: the table of its free text, or NULL */
	int state;			  /* run.state */
	const struct table *more;	  /* of what an import tells besides, or NULL */
	bool is_imported;		  /* COLUMN_OWN is not asked for */
};

extern const struct shape mapping_shapes[SHAPE_COUNT];

/* The shape of a kind of record, or SHAPE_COUNT. */
enum mapping_shape mapping_shape_of(const char *kind);
