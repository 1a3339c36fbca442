/* SPDX-License-Identifier: BSD-2-Clause */
/* A message of run_message.h while it is made, in memory of fixed size: what finds no room is cut
 * or left out, and flagged. */
#pragma once

#include "common/run_message.h"

#include <stdbool.h>
#include <stddef.h>

struct writer {
	uint8_t *data;
	size_t size, used;
	struct run_item *last; /* of the kind that was written last */
};

/* The head, at the writer's start. */
void item_begin(struct writer *writer, enum run_phase phase, uint32_t pid,
		const uint64_t random[2]);
/* Room for an item of at most max bytes, or what is left; NULL if nothing is. *ret_size: how much.
 */
void *item_open(struct writer *writer, enum run_item_kind kind, size_t max, size_t *ret_size);
/* len of it were used. */
void item_close(struct writer *writer, size_t len, uint16_t flags);
/* All in one; false if it found no room, which the caller flags. */
bool item_put(struct writer *writer, enum run_item_kind kind, const void *data, size_t len);
/* Two parts in one item. */
bool item_put_two(struct writer *writer, enum run_item_kind kind, const void *a, size_t a_len,
		  const void *b, size_t b_len);
/* Writes the whole size into the head, and returns it. */
size_t item_finish(struct writer *writer);
