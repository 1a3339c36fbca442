/* SPDX-License-Identifier: BSD-2-Clause */
/* runmark-ingest --xalt: imports, and says what it did. */
#pragma once

#include "ingest/backend.h"

/* 1: imported; 0: nothing was there; negative: it failed, which has been said. */
int xalt_command(struct backend *db, char *const *paths, size_t count,
		 const volatile sig_atomic_t *stop);
