/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A message of run_message.h while it is made. Most of it is written into memory of fixed size;
 * what finds no room is left out, and flagged. Arguments and environment are long and lie together
 * on the stack: the message refers to them there (struct parts), and only the kernel copies them.
 */
#pragma once

#include "common/run_message.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

struct writer {
	uint8_t *data;
	size_t size, used;
	size_t grown;	       /* bytes of a mapping that has taken data's place; 0: none */
	bool may_grow;	       /* by a system call */
	struct run_item *last; /* that was written */
};

/* The head, at the writer's start. */
void item_begin(struct writer *writer, enum run_phase phase, uint32_t pid,
		const uint64_t random[2]);
/* Room for an item of at most max bytes; NULL if there is less left. */
void *item_open(struct writer *writer, enum run_item_kind kind, size_t max);
/* The same, with less room than max if need be: *ret_size. */
void *item_open_some(struct writer *writer, enum run_item_kind kind, size_t max, size_t *ret_size);
/* Makes room for a message of any size; false if that was done before, or can't be. */
bool item_grow(struct writer *writer);
/* len of it were used. */
void item_close(struct writer *writer, size_t len, uint16_t flags);
/* All in one; false if it found no room, which the caller flags. */
bool item_put(struct writer *writer, enum run_item_kind kind, const void *data, size_t len);
/* Two parts in one item. */
bool item_put_two(struct writer *writer, enum run_item_kind kind, const void *a, size_t a_len,
		  const void *b, size_t b_len);
/* Gives back what it grew by. */
void item_done(struct writer *writer);

#define PARTS_MAX 14

struct parts {
	struct iovec part[PARTS_MAX];
	unsigned int count;
	size_t size;
	struct {
		uint8_t pad[8]; /* of the item before */
		struct run_item head;
	} joint[4];
	unsigned int joints;
};

void parts_add(struct parts *parts, const void *data, size_t len);
/* An item whose bytes stay where they are, in two places. */
void parts_add_item(struct parts *parts, struct run_item head, const void *a, size_t a_len,
		    const void *b, size_t b_len);
/* The parts of [offset, offset + len), no more than PARTS_MAX; returns how many. */
unsigned int parts_slice(const struct parts *parts, size_t offset, size_t len, struct iovec *ret);
