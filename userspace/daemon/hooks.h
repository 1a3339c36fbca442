/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which hook tells which fact. Each fact has a ladder of rungs, best first; a rung works if its
 * program loads, attaches and sees a known child here, which is found by doing just that.
 */
#pragma once

#include "common/util.h"
#include "runmark.skel.h"

enum hook_fact { HOOK_EXEC, HOOK_FORK, HOOK_MAPPING, HOOK_EXIT, HOOK_FACTS };

struct hook {
	enum hook_fact fact;
	const char *rung;    /* "tracepoint", as --hook names it */
	const char *program; /* in bpf/runmark.bpf.c, and the pin's name */
	const char *lost;    /* what this rung does not see; NULL: nothing */
	bool maps_loader;    /* sees what exec itself maps */
	bool is_preemptible; /* called with preemption on */
};

const char *hook_fact_name(enum hook_fact fact);
/* HOOK_FACTS if there is no such fact. */
enum hook_fact hook_fact_from_name(const char *name);

/* The table, ended by a NULL rung. */
const struct hook *hooks_table(void);
const struct hook *hook_by_rung(enum hook_fact fact, const char *rung);

/* For each fact the forced rung, or the first that works; the last one untried. */
void hooks_choose(const struct hook *forced[HOOK_FACTS], const struct hook *ret[HOOK_FACTS]);

/* Before loading: only these programs, and the scan's; what this kernel has; room for so many CPUs.
 */
void hooks_prepare(struct runmark_bpf *bpf, const struct hook *chosen[HOOK_FACTS],
		   unsigned int cpus);
struct bpf_program *hook_program(struct runmark_bpf *bpf, const struct hook *hook);
