/* SPDX-License-Identifier: BSD-2-Clause */
#include "ingest/mariadb_batch.h"

#include <errno.h>

int batch_new(struct batch **ret)
{
	struct batch *batch = calloc(1, sizeof(*batch));

	if (!batch)
		return -ENOMEM;
	*ret = batch;
	return 0;
}

void batch_free(struct batch *batch)
{
	if (batch) {
		free(batch->values);
		free(batch->bytes);
	}
	free(batch);
}

void batch_clear(struct batch *batch)
{
	batch->row_count = batch->record_count = 0;
	batch->value_count = batch->byte_count = 0;
	memset(batch->pending, 0, sizeof(batch->pending));
	/* What one huge line needed is not kept. */
	if (batch->byte_size > 2 * BATCH_SIZE) {
		free(TAKE_PTR(batch->bytes));
		batch->byte_size = 0;
	}
}

bool batch_is_full(const struct batch *batch)
{
	return batch->record_count == BATCH_RECORDS ||
	       batch->row_count + BACKEND_RECORD_ROWS > BATCH_ROWS ||
	       batch->byte_count >= BATCH_SIZE;
}

static int make_room(struct batch *batch, size_t values, size_t bytes)
{
	if (batch->value_size - batch->value_count < values) {
		size_t size = 2 * batch->value_size + MAX(values, (size_t)4096);
		struct value *grown = realloc(batch->values, size * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		batch->values = grown;
		batch->value_size = size;
	}
	if (batch->byte_size - batch->byte_count < bytes) {
		size_t size = batch->byte_size + MAX(bytes, (size_t)BATCH_SIZE / 2);
		char *grown = realloc(batch->bytes, size);

		if (!grown)
			return -ENOMEM;
		batch->bytes = grown;
		batch->byte_size = size;
	}
	return 0;
}

static bool has_bytes(const struct value *value)
{
	return value->type == VALUE_TEXT || value->type == VALUE_BYTES;
}

static int add(struct batch *batch, const struct table *table, enum batch_mode mode,
	       const struct value *row)
{
	struct batch_row *added = &batch->rows[batch->row_count];
	size_t bytes = 0;
	int r;

	for (size_t i = 0; i < table->count; i++)
		bytes += has_bytes(&row[i]) ? row[i].bytes.len : 0;
	r = make_room(batch, table->count, bytes);
	if (r < 0)
		return r;
	*added = (struct batch_row){.table = table,
				    .mode = mode,
				    .first = batch->value_count,
				    .record = batch->record_count,
				    .is_put = mode == BATCH_KEEP};
	for (size_t i = 0; i < table->count; i++) {
		struct value *value = &batch->values[batch->value_count++];

		*value = row[i];
		if (!has_bytes(value))
			continue;
		if (value->bytes.len)
			memcpy(batch->bytes + batch->byte_count, value->bytes.data,
			       value->bytes.len);
		value->bytes.data = (const char *)batch->byte_count;
		batch->byte_count += value->bytes.len;
	}
	batch->row_count++;
	batch->pending[table->number]++;
	return 0;
}

int batch_add_row(struct batch *batch, const struct table *table, const struct value *row)
{
	return add(batch, table, BATCH_KEEP, row);
}

int batch_add_record(struct batch *batch, const struct backend_record *record)
{
	for (size_t i = 0; i < BACKEND_RECORD_ROWS && record->tables[i]; i++) {
		int r = add(batch, record->tables[i], i ? BATCH_PART : BATCH_RECORD,
			    record->rows[i]);

		if (r < 0)
			return r; /* the transaction ends with it */
	}
	batch->records[batch->record_count++] = (struct batch_entry){.mode = record->mode,
								     .outcome = record->outcome,
								     .arg = record->arg,
								     .tag = record->tag};
	return 0;
}

void batch_fix(struct batch *batch)
{
	for (size_t i = 0; i < batch->value_count; i++)
		if (has_bytes(&batch->values[i]))
			batch->values[i].bytes.data =
				batch->bytes ? batch->bytes + (size_t)batch->values[i].bytes.data
					     : "";
}

void batch_tell(const struct batch *batch)
{
	for (size_t i = 0; i < batch->record_count; i++) {
		const struct batch_entry *record = &batch->records[i];

		if (record->outcome)
			record->outcome(record->arg, record->tag, record->is_changed);
	}
}
