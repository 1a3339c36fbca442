/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the other parts of Runmark are. Those that belong together stand together: in the build
 * tree (bin, lib), or installed (bin, sbin, lib/runmark), wherever that was moved to. Only what is
 * not there is looked for in the prefix.
 */
#pragma once

#include "common/util.h"

enum beside { BESIDE_DAEMON, BESIDE_INGEST, BESIDE_LIBRARY };

/* The canonical path, freed by the caller; of the library, as the loaders of all classes of
 * programs understand it, with $LIB. -ENOENT if it is nowhere, or other negative errno. */
int beside_find(enum beside what, char **ret);

/* What it is called: "runmarkd", ... */
const char *beside_name(enum beside what);
