/* SPDX-License-Identifier: BSD-2-Clause */
/* One link: decided, run, stamped, reported. */
#pragma once

#include "child.h"
#include "ldargs.h"
#include "linker.h"

#include "common/config.h"

struct link {
	int argc;
	char **argv; /* as it came, but argv[0] as the real linker shall have it */
	struct config config;
	bool is_config_bad; /* config is the default then */
	struct linker linker;
	struct linker_found found;
	uint64_t began_ns;
	struct child child;
	bool is_linked; /* the output is there: from now on all is extra */
};

enum link_outcome {
	LINK_PLAIN, /* nothing that counts has happened: the real linker's turn, alone */
	LINK_DONE,  /* all is said and done: leave with status */
};

/* Tries the augmented link. */
enum link_outcome link_augmented(struct link *link, int *ret_status);

/* Becomes the real linker. Returns negative errno if that fails. */
int link_plainly(const struct link *link);

/* SOURCE_DATE_EPOCH is set: equal links shall be equal byte for byte. */
bool link_is_reproducible(void);

/* One line on standard error for whoever set RUNMARK_LD_DEBUG=1; nobody else ever sees a word. */
void link_explain(const char *format, ...) PRINTF_LIKE(1, 2);

/*
 * From now on no fault of ours reaches the user: should this process crash before the output is
 * there, it becomes the real linker; after that, it leaves with 0, which is what the real linker
 * said.
 */
void rescue_init(struct link *link);
/* With the output there: no limit on time or sizes that our extras meet counts any more. */
void rescue_extras(void);
/* The same end if what is left to do takes longer than seconds. */
void rescue_within(unsigned int seconds);
