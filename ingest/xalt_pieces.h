/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records from pieces of a log: they come interleaved, in any order, twice, or not all. Pure, in
 * bounded memory.
 *
 * A record is known by host, key, checksum and number of pieces: ranks of one program may send
 * different records under one key. What has been put together is remembered for a while, so that a
 * piece that comes again begins nothing.
 */
#pragma once

#include "ingest/xalt_line.h"
#include "ingest/xalt_text.h"

#define XALT_PIECES_MEMORY (16 * 1024 * 1024) /* bytes of records in the making */
#define XALT_DONE_MAX	   100000	      /* at least so many records are remembered */

struct xalt_pieces;

/* A record of which pieces are missing; borrowed. */
struct xalt_partial {
	struct bytes key;
	unsigned int count, have;
	const bool *is_there; /* count of them */
	uint64_t line;	      /* where its first piece stood */
	bool is_pushed_out;   /* there was no room to wait longer for the others */
};

typedef void (*xalt_partial_fn)(void *arg, const struct xalt_partial *partial);

/* Each record that ends without all its pieces is told to partial. 0 or -ENOMEM. */
int xalt_pieces_new(xalt_partial_fn partial, void *arg, struct xalt_pieces **ret);
void xalt_pieces_free(struct xalt_pieces *pieces);

enum xalt_added {
	XALT_WAITS,    /* for more pieces */
	XALT_REPEATED, /* it was there already */
	XALT_WHOLE,    /* *ret is the record */
};

struct xalt_whole {
	struct bytes text; /* until the next call */
	enum xalt_crc crc; /* of it */
	bool is_cut; /* pieces are shorter than others, and no checksum tells that blanks alone are
			gone */
};

/* Negative: -ENOMEM. */
int xalt_pieces_add(struct xalt_pieces *pieces, const struct xalt_piece *piece, uint64_t line,
		    struct xalt_whole *ret);

/* There will be no more: tells what is left. */
void xalt_pieces_end(struct xalt_pieces *pieces);

static inline void cleanup_xalt_pieces(struct xalt_pieces **pieces)
{
	xalt_pieces_free(*pieces);
}
