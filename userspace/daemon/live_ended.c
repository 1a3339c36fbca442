// SPDX-License-Identifier: BSD-2-Clause
/* A ring of processes, and an index over it: open addressing at half load, so that a step or two
 * find what is there and what is not. */
#include "daemon/live_ended.h"

#define SLOTS (2 * ENDED_KEPT)

struct ended {
	struct ended_process ring[ENDED_KEPT];
	uint16_t slots[SLOTS]; /* place in the ring, + 1; 0: free */
	uint32_t count, next;
};
_Static_assert(ENDED_KEPT < UINT16_MAX, "a place in the ring fits a slot");
_Static_assert((SLOTS & (SLOTS - 1)) == 0, "slots are counted round by a mask");

struct ended *ended_new(void)
{
	return calloc(1, sizeof(struct ended));
}

void ended_free(struct ended *ended)
{
	free(ended);
}

static uint32_t slot_of(uint32_t pid, uint64_t start_ns)
{
	uint64_t h = (start_ns ^ (uint64_t)pid << 32) * 0x9e3779b97f4a7c15u;

	return (h >> 32) & (SLOTS - 1);
}

static uint32_t slot_after(uint32_t slot)
{
	return (slot + 1) & (SLOTS - 1);
}

/* Its slot, or the free one where it would be. */
static uint32_t slot_find(const struct ended *e, uint32_t pid, uint64_t start_ns)
{
	uint32_t slot = slot_of(pid, start_ns);

	while (e->slots[slot]) {
		const struct live_key *key = &e->ring[e->slots[slot] - 1].key;

		if (key->pid == pid && key->start_ns == start_ns)
			break;
		slot = slot_after(slot);
	}
	return slot;
}

/* Those behind it that would not be found past a hole move up. */
static void slot_free(struct ended *e, uint32_t hole)
{
	for (uint32_t slot = slot_after(hole); e->slots[slot]; slot = slot_after(slot)) {
		const struct live_key *key = &e->ring[e->slots[slot] - 1].key;
		uint32_t home = slot_of(key->pid, key->start_ns);

		if (((slot - home) & (SLOTS - 1)) < ((slot - hole) & (SLOTS - 1)))
			continue;
		e->slots[hole] = e->slots[slot];
		hole = slot;
	}
	e->slots[hole] = 0;
}

void ended_add(struct ended *e, const struct ended_process *process)
{
	uint32_t slot = slot_find(e, process->key.pid, process->key.start_ns);

	if (e->slots[slot]) {
		e->ring[e->slots[slot] - 1] = *process;
		return;
	}
	if (e->count == ENDED_KEPT) {
		const struct live_key *oldest = &e->ring[e->next].key;

		slot_free(e, slot_find(e, oldest->pid, oldest->start_ns));
		e->count--;
		slot = slot_find(e, process->key.pid, process->key.start_ns);
	}
	e->ring[e->next] = *process;
	e->slots[slot] = e->next + 1;
	e->next = (e->next + 1) % ENDED_KEPT;
	e->count++;
}

const struct ended_process *ended_find(const struct ended *e, uint32_t pid, uint64_t start_ns)
{
	uint16_t place = e->slots[slot_find(e, pid, start_ns)];

	return place ? &e->ring[place - 1] : NULL;
}

const struct ended_process *ended_at(const struct ended *e, uint32_t at)
{
	uint32_t first = (e->next + ENDED_KEPT - e->count) % ENDED_KEPT;

	return at < e->count ? &e->ring[(first + at) % ENDED_KEPT] : NULL;
}
