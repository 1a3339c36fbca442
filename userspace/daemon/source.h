/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What sees the runs of this node: the kernel side, or where that can't be had, or isn't wanted,
 * the preload module in the programs themselves (runmarkd(8), SOURCES).
 */
#pragma once

#include "common/config.h"
#include "daemon/capture.h"

struct source {
	bool is_preload;		   /* there is no kernel side */
	char *reason;			   /* why not, where it was to be; NULL: it wasn't */
	bool has_pins;			   /* one of an earlier daemon goes on all the same */
	const char *exit_rung, *exit_lost; /* how ends are known without it */
	const char *exec_counter; /* who tells of execs that no program tells of; NULL: nobody */
	const char *fork_lost;	  /* of what the same tells of forks; NULL: nothing is told */
	struct capture *capture;  /* NULL: none */
};

/* Of a fact as it is told here. lost: what this rung does not see; NULL: nothing. */
struct source_rung {
	const char *rung, *lost;
};

/*
 * By the configuration: the kernel side (failing without it), none, or the first that works. Where
 * a hook is forced, it must work. On failure *ret_message as of capture_new().
 */
int source_begin(struct source *source, const struct config *config,
		 const struct capture_options *options, char **ret_message);
void source_done(struct source *source);

const char *source_name(const struct source *source);
struct source_rung source_rung(const struct source *source, enum hook_fact fact);
