// SPDX-License-Identifier: BSD-2-Clause
/* Execs that nobody told of. */
#include "daemon/untold.h"

uint64_t untold_count(struct untold *untold, uint64_t execs, uint64_t told, uint64_t now_ns,
		      bool is_last)
{
	if (is_last)
		untold->execs = execs;
	if (untold->execs + untold->unfounded > told + untold->count)
		untold->count = untold->execs + untold->unfounded - told;
	if (untold->told + untold->count > execs + untold->unfounded)
		untold->unfounded = untold->told + untold->count - execs;
	if (now_ns >= untold->due_ns) {
		untold->execs = untold->execs_next;
		untold->told = untold->told_next;
		untold->execs_next = execs;
		untold->told_next = told;
		untold->due_ns = now_ns + UNTOLD_NS;
	}
	return untold->count;
}
