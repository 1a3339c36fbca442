/* SPDX-License-Identifier: BSD-2-Clause */
/* The kinds of records of persons, as pruning sees them: one table, from which its SQL is made. */
#pragma once

#include "ingest/prune.h"

#define PRUNE_COLUMNS_MAX 8 /* that tell of a person, of one kind */
#define PRUNE_REFERS_MAX  12

/*
 * A column that tells of a person, or leads to what does. map: what it holds afterwards, NULL:
 * nothing. A text or bytes that it makes is malloc()ed and replaces the old one in *value.
 */
struct prune_column {
	const char *name;
	int (*map)(struct prune *prune, struct value *value);
	const char *dictionary; /* whose row it refers to; NULL: none */
};

struct prune_kind {
	const char *table, *id, *time;
	const char *text[3]; /* tables of the same key whose rows belong to persons */
	const char *more[2]; /* and others of that key */
	bool has_packages;   /* package and run_xalt refer to it */
	const char *uids;    /* SET clause that empties all of them */
	struct prune_column columns[PRUNE_COLUMNS_MAX];
	const char *refers[PRUNE_REFERS_MAX]; /* column, dictionary, …: besides columns */
};

enum { PRUNE_RUN, PRUNE_GROUP, PRUNE_LINK, PRUNE_KINDS };
extern const struct prune_kind prune_kinds[PRUNE_KINDS];

/* "a, b": the columns, each behind a comma and a blank. */
void prune_put_columns(FILE *out, const struct prune_kind *kind);
size_t prune_column_count(const struct prune_kind *kind);
