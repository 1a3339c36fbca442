/* SPDX-License-Identifier: BSD-2-Clause */
/* Walking runs and groups along an index, within a stretch of starts: for run_search.c. */
#pragma once

#include "cli/run_fits.h"

struct run_walk {
	struct store *store;
	const struct run_filter *filter;
	struct run_conditions conditions;
	struct run_fits fits;
	int64_t from_us, to_us; /* starts that are walked */
	int64_t floor_us;	/* rises as the limit fills: nothing older is wanted */
	/* Found so far; with a limit at most twice as many. */
	struct run_key *keys;
	size_t count, size;
};

/* Along a condition's ids, or (condition NULL) a way that needs none. */
struct run_route {
	const struct run_condition *condition;
	const struct run_way *all;
};

/*
 * Binds ids to so many marks of "[column = ? AND] start_us >= ? AND start_us < ?" (the last one
 * again where there are more marks), and the walk's times. Returns the next index, or negative
 * errno.
 */
int run_walk_bind(const struct run_walk *walk, struct query *query, const int64_t *ids,
		  size_t count, size_t marks);

/* Keeps the keys of what fits, of a way and its ids (NULL: it needs none), or of a route. 0 or
 * negative errno. */
int run_walk_gather_way(struct run_walk *walk, const struct run_way *way, const struct ids *ids);
int run_walk_gather(struct run_walk *walk, const struct run_route *route);

/* Sorts what was kept, oldest first, each once (two ids of a condition may lead to the same run);
 * with a limit, keeps the newest. */
void run_walk_compact(struct run_walk *walk);

/* Runs and groups of one way, oldest first, without keeping them. 0, what found returned, or
 * negative errno. */
int run_walk_stream(struct run_walk *walk, const struct run_way *way, int64_t id,
		    int (*found)(void *arg, const struct run_key *key), void *arg);
