/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many execs nobody told of, from two counts that only grow: execs that the process connector
 * told of, and messages of programs. An exec's message comes a moment after it, so what execs were
 * a second or two ago is held against the messages until now. The other way round, messages of a
 * second ago of which no exec is known by now (they waited in the drop directory from before, or
 * somebody made them up) must not stand for later execs.
 */
#pragma once

#include "common/util.h"

#define UNTOLD_NS NS_PER_S /* an exec's message comes within it */

struct untold {
	uint64_t count;	      /* execs that nobody told of */
	uint64_t unfounded;   /* messages without an exec */
	uint64_t execs, told; /* a second or two ago */
	uint64_t execs_next, told_next, due_ns;
};

/* Call it now and then. is_last: nothing that is told later will be heard. */
uint64_t untold_count(struct untold *untold, uint64_t execs, uint64_t told, uint64_t now_ns,
		      bool is_last);
