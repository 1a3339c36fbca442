/* SPDX-License-Identifier: BSD-2-Clause */
/* What runmark-ingest says about names. Results are exit statuses. */
#pragma once

#include "ingest/backend.h"
#include "ingest/names.h"

/* For loading: what cannot be used is a warning, and what it would name stays without a name. */
void names_command_load(struct site_names *names);
/* The same, if a file has changed since. */
void names_command_reload(struct site_names *names);

int names_command_refresh(struct backend *db, const volatile sig_atomic_t *stop);
int names_command_check(void);
int names_command_explain(const char *path);
