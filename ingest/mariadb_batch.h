/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows that wait to be put in together. A row is kept with copies of its texts; what it means is
 * said by its mode.
 */
#pragma once

#include "ingest/backend.h"

#define BATCH_RECORDS 512
#define BATCH_ROWS    4096		/* those of records included */
#define BATCH_SIZE    (2 * 1024 * 1024) /* bytes of texts; one more record may be above it */

enum batch_mode {
	BATCH_RECORD, /* whether it is put in is decided when the batch is written */
	BATCH_PART,   /* of the record before it: with it, or not; takes the place of another */
	BATCH_KEEP,   /* on its own; one that is there stays */
};

struct batch_row {
	const struct table *table;
	enum batch_mode mode;
	size_t first;  /* of its values */
	size_t record; /* number of the record that it is, or is part of */
	bool is_put;   /* set when it is written */
};

/* A record, and what became of it. */
struct batch_entry {
	enum insert_mode mode;
	backend_outcome *outcome;
	void *arg;
	unsigned int tag;
	bool is_changed;
};

struct batch {
	struct batch_row rows[BATCH_ROWS];
	size_t row_count;
	struct batch_entry records[BATCH_RECORDS];
	size_t record_count;
	struct value *values; /* their texts lie in bytes, by offset until batch_fix() */
	size_t value_count, value_size;
	char *bytes;
	size_t byte_count, byte_size;
	size_t pending[TABLE_COUNT]; /* rows by table */
};

int batch_new(struct batch **ret);
void batch_free(struct batch *batch);
void batch_clear(struct batch *batch);
bool batch_is_full(const struct batch *batch);

/* 0 or -ENOMEM. A batch that is not full takes one more record or row. */
int batch_add_record(struct batch *batch, const struct backend_record *record);
int batch_add_row(struct batch *batch, const struct table *table, const struct value *row);

/* Before the values are used: their texts are where they say. */
void batch_fix(struct batch *batch);
static inline const struct value *batch_values(const struct batch *batch,
					       const struct batch_row *row)
{
	return &batch->values[row->first];
}

/* Tells each record's outcome to who gave it. */
void batch_tell(const struct batch *batch);
