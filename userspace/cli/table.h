/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text tables. Widths come from the first rows (TABLE_SAMPLE_ROWS), which are held back until they
 * are known; the rest streams, so that a table of any length needs bounded memory.
 *
 * On a terminal (width > 0) what is too long is cut with an ellipsis and columns that don't fit at
 * all are left out, those of highest drop first. Elsewhere (width 0) nothing is ever cut or left
 * out: a long cell just pushes its row to the right.
 */
#pragma once

#include "common/util.h"

#define TABLE_SAMPLE_ROWS 997
#define TABLE_COLUMNS_MAX 64
#define TABLE_PAD_MAX	  64 /* cells are padded up to this; one long cell doesn't stretch all rows */

struct table_column {
	const char *heading;
	bool is_right;	  /* numbers */
	bool is_cut_left; /* of a path the end tells more */
	uint8_t drop;	  /* 0: never left out */
	uint16_t min;	  /* columns that it keeps when others need room; 0: never cut */
	uint16_t nominal; /* width where no row was seen yet (sample 0) */
};

struct table;

/* columns: borrowed. sample: rows held back (0: print at once with nominal widths). NULL if out of
 * memory. */
struct table *table_new(const struct table_column *columns, size_t count, size_t width,
			size_t sample, FILE *out);
void table_free(struct table *table); /* prints nothing */

/* Takes the cells (UTF-8 fit for a terminal, each allocated; NULL shows "-"), also when it fails.
 */
int table_add(struct table *table, char **cells);

/* Prints what was held back. Call before table_free. */
int table_flush(struct table *table);

/* Columns that were left out for want of room (known after the first row was printed). */
size_t table_dropped(const struct table *table);

/* The terminal's width if file is one (at least 40), else 0. COLUMNS is honoured on a terminal. */
size_t table_terminal_width(FILE *file);

static inline void cleanup_table(struct table **table)
{
	table_free(*table);
}
#define _cleanup_table_ _cleanup_(cleanup_table)
