/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A chain of blocks. The first is kept for ever and is enough for usual lines, those that a big
 * line needed besides are freed with it.
 */
#include "ingest/arena.h"

#include <cjson/cJSON.h>
#include <stdalign.h>

#define BLOCK_SIZE (256 * 1024)

struct block {
	struct block *previous;
	size_t used, size;
	alignas(max_align_t) char data[];
};

static struct block *top;
static size_t total; /* of all blocks */
static bool exhausted;

static void free_nothing(void *p)
{
	(void)p; /* goes with arena_reset() */
}

void arena_install(void)
{
	cJSON_Hooks hooks = {.malloc_fn = arena_alloc, .free_fn = free_nothing};

	cJSON_InitHooks(&hooks);
}

static bool add_block(size_t size)
{
	struct block *block;

	size = MAX(size, (size_t)BLOCK_SIZE);
	if (total + size > ARENA_MAX)
		return false;
	block = malloc(sizeof(*block) + size);
	if (!block)
		return false;
	block->previous = top;
	block->used = 0;
	block->size = size;
	total += size;
	top = block;
	return true;
}

void *arena_alloc(size_t size)
{
	void *p;

	if (size > ARENA_MAX) {
		exhausted = true;
		return NULL;
	}
	size = (size + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
	if ((!top || top->size - top->used < size) && !add_block(size)) {
		exhausted = true;
		return NULL;
	}
	p = top->data + top->used;
	top->used += size;
	return p;
}

bool arena_is_exhausted(void)
{
	return exhausted;
}

static void free_top(void)
{
	struct block *block = top;

	top = block->previous;
	total -= block->size;
	free(block);
}

void arena_reset(void)
{
	while (top && top->previous)
		free_top();
	if (top)
		top->used = 0;
	exhausted = false;
}

void arena_done(void)
{
	while (top)
		free_top();
}
