/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/record_batch.h"
#include <errno.h>

int record_batch_end(struct record_batch *batch)
{
	size_t count = batch->count;
	int r = records_get_items(batch->records, batch->items, count, batch->form);

	batch->count = 0;
	if (r < 0)
		return r;
	for (size_t i = 0; i < count; i++) {
		if (r != 0)
			cJSON_Delete(batch->items[i].record);
		else if (batch->items[i].record || batch->items[i].error == -EBADMSG)
			r = batch->take(batch->arg, batch->items[i].record);
	}
	return r;
}

int record_batch_add(void *opaque, const struct run_key *key)
{
	struct record_batch *batch = opaque;

	batch->items[batch->count++].key = *key;
	return batch->count < RECORDS_AT_ONCE ? 0 : record_batch_end(batch);
}
