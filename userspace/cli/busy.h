/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For how long something was going on, however often at once: the length of the union of stretches
 * of time, for each of many keys, in one pass. The stretches come by their start, whichever key
 * they are of. So all that has to be known of a key is until when it has been busy; and once that
 * has passed, nothing: memory goes by what is going on at one time, not by how much there is.
 */
#pragma once

#include "cli/map.h"

struct busy {
	struct map keys;
	int64_t *until_us; /* by number */
	size_t size;
	uint32_t sweep_at; /* keys; then the idle ones are forgotten */
};

/* [from, to) of the key; from is not before any that came earlier. *ret_added_us: what of it is
 * new. 0 or negative errno. */
int busy_add(struct busy *busy, uint64_t key, int64_t from_us, int64_t to_us,
	     int64_t *ret_added_us);
void busy_done(struct busy *busy);
