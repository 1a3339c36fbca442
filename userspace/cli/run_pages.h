/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rows of a way (run_ways.h), in pages: however many runs there are, neither this program nor
 * the server holds more than a page of them, and a search that has enough has asked for little
 * more. Other statements may run between two rows.
 */
#pragma once

#include "cli/run_ways.h"

struct run_pages {
	struct query *query; /* the row, until the next one */
	const struct run_way *way;
	enum run_table table;
	bool is_newest_first;
	int64_t id, from_us, to_us;	/* what is left to read */
	uint64_t size, rows;		/* of the page: at most, and read */
	bool is_bound, is_done, is_new; /* is_new: the page had a row that is no repetition */
	struct run_key *latest;		/* those given out last that have one start */
	size_t latest_count, latest_size;
};

int run_pages_init(struct run_pages *pages, struct store *store, const struct run_way *way,
		   enum run_table table, bool is_newest_first);
void run_pages_done(struct run_pages *pages);

/* Starts from from_us on and before to_us. expected: rows that will do, most likely; 0: unknown. */
void run_pages_begin(struct run_pages *pages, int64_t id, int64_t from_us, int64_t to_us,
		     uint64_t expected);

/* 1: the next row, with its key, in the order of starts; 0: no more; or negative errno. */
int run_pages_next(struct run_pages *pages, struct run_key *ret_key);

int run_key_compare(const struct run_key *a, const struct run_key *b);
