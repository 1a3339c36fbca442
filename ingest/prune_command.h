/* SPDX-License-Identifier: BSD-2-Clause */
/* The options --prune and --destroy-key, with what the configuration says of them. */
#pragma once

#include "ingest/backend.h"
#include "ingest/options.h"

/* 0 done, 1 there was nothing to do, negative errno (logged). */
int prune_command(struct backend *db, const struct options *options,
		  const volatile sig_atomic_t *stop);

/* Asks for a word on standard input before anything is opened. 0, or -ECANCELED, logged. */
int prune_confirm(void);
