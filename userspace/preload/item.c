/* SPDX-License-Identifier: BSD-2-Clause */
#include "preload/item.h"

#include <string.h>

#define PAD_8(n) (((n) + 7) & ~(size_t)7)

void item_begin(struct writer *writer, enum run_phase phase, uint32_t pid, const uint64_t random[2])
{
	struct run_message *head = (struct run_message *)writer->data;

	*head = (struct run_message){.magic = RUN_MESSAGE_MAGIC,
				     .phase = phase,
				     .pid = pid,
				     .random = {random[0], random[1]}};
	writer->used = sizeof(*head);
	writer->last = NULL;
}

void *item_open(struct writer *writer, enum run_item_kind kind, size_t max, size_t *ret_size)
{
	size_t left = writer->size - writer->used;

	if (left < sizeof(struct run_item) + 8)
		return NULL;
	left = (left - sizeof(struct run_item)) & ~(size_t)7;
	writer->last = (struct run_item *)(writer->data + writer->used);
	*writer->last = (struct run_item){.kind = (uint16_t)kind};
	*ret_size = max < left ? max : left;
	return writer->last + 1;
}

void item_close(struct writer *writer, size_t len, uint16_t flags)
{
	uint8_t *data = (uint8_t *)(writer->last + 1);

	writer->last->len = (uint32_t)len;
	writer->last->flags = flags;
	for (size_t i = len; i < PAD_8(len); i++)
		data[i] = 0;
	writer->used += sizeof(*writer->last) + PAD_8(len);
}

bool item_put_two(struct writer *writer, enum run_item_kind kind, const void *a, size_t a_len,
		  const void *b, size_t b_len)
{
	size_t size;
	uint8_t *data = item_open(writer, kind, a_len + b_len, &size);

	if (!data || size < a_len + b_len)
		return false;
	memcpy(data, a, a_len);
	memcpy(data + a_len, b, b_len);
	item_close(writer, a_len + b_len, 0);
	return true;
}

bool item_put(struct writer *writer, enum run_item_kind kind, const void *data, size_t len)
{
	return item_put_two(writer, kind, data, len, "", 0);
}

size_t item_finish(struct writer *writer)
{
	((struct run_message *)writer->data)->size = (uint32_t)writer->used;
	return writer->used;
}
