/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * runmark-ingest --prune: what is old loses its persons, then goes. The parts, and what they share.
 *
 * Nothing is marked as done, and nothing has to be: what is still to do is found by indexes. A run
 * that is to be pseudonymised is an old one of a user_name that is no pseudonym; once done, it is
 * none of that user's. So a file that comes late is met by the next pruning, and one that is
 * killed goes on where it was. Work is done in steps, each a short transaction of its own, with a
 * pause behind it that lets loaders in.
 */
#pragma once

#include "ingest/backend.h"
#include "ingest/cache.h"
#include "ingest/pseudonym.h"

#define PRUNE_ROWS 997 /* records of one step */

/*
 * When a job of accounting was: its end, else its start, its submission. What XALT tells of a job
 * has no times: it is as old as the last run of it that is known, else as its import.
 */
#define PRUNE_JOB_TIME                                                                             \
	"coalesce(end_us, start_us, CASE WHEN submit_us >= 0 THEN submit_us END, "                 \
	"(SELECT max(r.start_us) FROM job j JOIN run r ON r.job = j.id "                           \
	"WHERE j.job_id = accounting.job_id AND j.cluster = accounting.cluster "                   \
	"AND j.manager = accounting.manager), imported_us)"
#define PRUNE_LIST  97 /* members of an IN list */
#define PRUNE_PARTS 64 /* actions × tables that are counted */

/* PRUNE_LIST parameters. */
#define PRUNE_TEN "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
#define PRUNE_IN                                                                                   \
	"(" PRUNE_TEN PRUNE_TEN PRUNE_TEN PRUNE_TEN PRUNE_TEN PRUNE_TEN PRUNE_TEN PRUNE_TEN        \
		PRUNE_TEN "?, ?, ?, ?, ?, ?, ?)"

struct prune_part {
	const char *action, *name; /* as in prune_log */
	uint64_t done, pending;	   /* rows; pending: of the step at hand */
};

struct prune {
	struct backend *db;
	const volatile sig_atomic_t *stop;
	int64_t began_us;
	int64_t pseudonymise_us, delete_us; /* what is older; 0: nothing */
	struct pseudonym_key key;
	struct pseudonym_rules rules;
	struct cache *twins; /* table, id -> id of what takes its place */
	void *accounts;	     /* tree of names */
	int64_t account_id;  /* the last that is in it */
	uint64_t steps;	     /* that are done */
	struct prune_part parts[PRUNE_PARTS];
	size_t part_count;
	bool is_shown; /* progress, on a terminal */
	uint64_t shown_ms;
};

struct prune_options {
	uint32_t pseudonymise_days, delete_days; /* 0: not */
	const char *key;			 /* its file */
	const struct config_list *homes, *not_persons;
};

/*
 * All of it; tells on standard output what was done, and logs what failed. 0, 1 if there was
 * nothing to do, -EINTR, or negative errno.
 */
int prune_run(struct backend *db, const struct prune_options *options,
	      const volatile sig_atomic_t *stop);

/* Destroys the key and empties table pseudonym. 0, 1 if there was none, or negative errno, logged.
 */
int prune_destroy_key(struct backend *db, const char *path);

/* ---- prune_step.c */

/* Repeats work(), each time in a transaction, until it sets *ret_more to false. */
int prune_steps(struct prune *prune, int (*work)(struct prune *prune, void *arg, bool *ret_more),
		void *arg);
/* Counts rows of the step at hand; they are logged with it. */
void prune_count(struct prune *prune, const char *action, const char *name, uint64_t rows);
/* Removes the progress that is shown. */
void prune_hide(struct prune *prune);
int64_t prune_now_us(void);

/* ---- prune_sql.c: without a result; one number, -ENOENT if there is no row or it is null */

int prune_sql(struct prune *prune, const char *sql, const struct value *params, size_t count);
int prune_number(struct prune *prune, const char *sql, const struct value *params, size_t count,
		 int64_t *ret);

/* Rows of a result, copied. */
struct prune_rows {
	struct value *values;
	size_t columns, count, size;
};

int prune_rows_get(struct prune *prune, const char *sql, const struct value *params, size_t count,
		   struct prune_rows *ret);
void prune_rows_done(struct prune_rows *rows);
static inline const struct value *prune_row(const struct prune_rows *rows, size_t i)
{
	return rows->values + i * rows->columns;
}

/* A statement that ends in PRUNE_IN, for all of these values, PRUNE_LIST at a time; first are the
 * parameters in front of the list. ret_changed may be NULL. */
int prune_each_list(struct prune *prune, const char *sql, const struct value *first,
		    size_t first_count, const struct value *list, size_t count,
		    uint64_t *ret_changed);

int prune_state_get(struct prune *prune, const char *name, int64_t *ret); /* -ENOENT */
int prune_state_set(struct prune *prune, const char *name, int64_t value);

/* ---- prune_twin.c: what takes the place of a row; *ret is id if that tells of nobody */

int prune_twin_path(struct prune *prune, int64_t id, int64_t *ret);
int prune_twin_program(struct prune *prune, int64_t id, int64_t *ret);
int prune_twin_object(struct prune *prune, int64_t id, int64_t *ret);

/* ---- prune_twin_set.c; *ret is 0 where the set has never come */

int prune_twin_object_set(struct prune *prune, int64_t id, int64_t *ret);
int prune_twin_input_set(struct prune *prune, int64_t id, int64_t *ret);

/* ---- prune_accounts.c */

/* Reads the names that have come since. */
int prune_accounts_read(struct prune *prune);
void prune_accounts_done(struct prune *prune);
bool prune_is_account(void *arg, struct bytes name);
/* The user_name of a person's pseudonym, made if need be, with its row in table pseudonym. user:
 * the person's own, 0 if there is none. Within a step. */
int prune_alias(struct prune *prune, struct bytes name, int64_t user, int64_t *ret);

/* ---- the work */

int prune_persons(struct prune *prune);	   /* prune_persons.c: runs, groups, links */
int prune_accounting(struct prune *prune); /* prune_accounting.c */
int prune_quarantine(struct prune *prune); /* prune_other.c */
int prune_files(struct prune *prune);	   /* prune_other.c: names of spool files */
int prune_packages(struct prune *prune);   /* prune_other.c: those that came late */
/* The package's path is nobody's. Within a step. */
int prune_package(struct prune *prune, int64_t id, int64_t path);
int prune_delete(struct prune *prune);	/* prune_delete.c */
int prune_orphans(struct prune *prune); /* prune_orphans.c */
/* That row may be referred to by nobody from now on. Within a step. */
int prune_orphan(struct prune *prune, const char *kind, int64_t id);
