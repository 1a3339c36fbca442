/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Adding up: a cell for each line of a report, called by up to two keys (dimensions:
 * report_dims.c), and what is measured in it. Sums are exact. How many different users, jobs, nodes
 * and programs a cell has is exact, too: every pair of cell and user is kept once, some 20 bytes
 * each.
 */
#pragma once

#include "cli/busy.h"
#include "cli/report_names.h"

#define TALLY_KEYS 2

/* What is counted once for each cell. */
enum tally_distinct { DISTINCT_USERS, DISTINCT_JOBS, DISTINCT_HOSTS, DISTINCT_PROGRAMS, DISTINCTS };

/* Microseconds, of any number of runs, times their processors: more than 64 bits hold. */
typedef __int128 tally_us;

struct tally_cell {
	uint32_t keys[TALLY_KEYS];
	uint64_t runs, failed, links;
	uint64_t endless; /* runs of which it isn't known how long they took */
	tally_us cpu_us, core_us, node_us;
	bool has_cpu; /* of one run at least it is known */
	uint32_t distinct[DISTINCTS];
	uint32_t newest[DISTINCTS]; /* that was counted last, + 1: most rows repeat it */
	int64_t first_us, last_us;  /* starts */
};

struct tally {
	struct report_names *names; /* borrowed */
	bool is_measured[DISTINCTS], has_node_hours;
	struct map map; /* of keys */
	struct tally_cell *cells;
	size_t size;
	struct map pairs[DISTINCTS]; /* cell, thing */
	struct map places;	     /* node, job */
	struct busy busy;	     /* cell, place */
};

void tally_init(struct tally *tally, struct report_names *names);
void tally_done(struct tally *tally);

/* The cell of two keys, made if there is none. The pointer is good until the next is made. */
int tally_cell(struct tally *tally, uint32_t first, uint32_t second, struct tally_cell **ret);

/* Adds a row to a cell: all of it, or those of a group's runs that ended so (end not NULL). */
int tally_add(struct tally *tally, const struct tally_cell *cell, const struct report_row *row,
	      const struct report_end *end);

static inline uint32_t tally_index(const struct tally *tally, const struct tally_cell *cell)
{
	return (uint32_t)(cell - tally->cells);
}
