/* SPDX-License-Identifier: BSD-2-Clause */
/* Sets: shared objects, environments, inputs of links. See sets.c. */
#pragma once

#include "ingest/loader.h"
#include "ingest/reader.h"

#define SET_HASH_SIZE 16

/* How the members of a set are put in. */
struct set_kind {
	const char *field; /* of the record that holds them */
	enum table_number set;
	int (*check)(struct loader *loader, const cJSON *record, const cJSON *members,
		     struct problem *problem);
	int (*put)(struct loader *loader, const cJSON *record, const cJSON *members, int64_t id);
};

struct set {
	const struct set_kind *kind;
	uint8_t hash[SET_HASH_SIZE];
	const cJSON *members;
};

/* The set that a record holds, borrowed from it. -EINVAL with *problem. */
int sets_get(const cJSON *record, struct set *ret, struct problem *problem);

/* The inputs of a link: a set whose hash is made here. -ENOENT: it has none. -ENOMEM. */
int sets_get_inputs(const cJSON *record, struct set *ret);

/* Whether the set's members are in the database, as far as is known without asking it. */
bool sets_is_known(struct loader *loader, const struct set *set, int64_t *ret_id);
void sets_set_known(struct loader *loader, const struct set *set, int64_t id);

/* Puts the set in, within a transaction. It has been checked by its kind's check(). */
int sets_put(struct loader *loader, const cJSON *record, const struct set *set, int64_t *ret_id);

/* A set line, within a transaction: puts it in if it isn't. -EINVAL with *problem, -ENOMEM, or what
 * the database returns. */
int sets_load_line(struct loader *loader, const cJSON *record, struct problem *problem);

/* The id of a link's inputs, which are put in if need be; null if it has none. -EINVAL with
 * *problem, or what the database returns. */
int sets_inputs(struct loader *loader, const cJSON *record, struct value *ret,
		struct problem *problem);

/*
 * All sets of a file: loaded in transactions of their own, sorted by hash. What is wrong with lines
 * or the file is left for the second reading to say. 0, -EINTR, or what the database returns
 * (nothing is open then).
 */
int sets_load(struct loader *loader, struct reader *reader);
