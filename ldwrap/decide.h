/* SPDX-License-Identifier: BSD-2-Clause */
/* May a link be augmented? All that is known before anything is run. */
#pragma once

#include "inspect.h"
#include "ldargs.h"
#include "link.h"
#include "response.h"

#include <limits.h>

struct decision {
	struct response line; /* the arguments, response files filled in */
	struct ldargs args;
	struct file_state output_before;
	char placeholder[PATH_MAX]; /* our object for it */
};

/* NULL, or a phrase that says why the real linker shall run alone; *ret is then filled in as far as
 * it was looked at. decision_done() in both cases. */
const char *decide(const struct link *link, struct decision *ret);
void decision_done(struct decision *decision);

/* What would be done with the line and why, on standard output; config_message: what is wrong with
 * the configuration, or NULL. Exit status: 0 stamped, 1 plain. */
int explain(const struct link *link, const char *config_message);
