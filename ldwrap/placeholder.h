/* SPDX-License-Identifier: BSD-2-Clause */
/* The placeholder object that fits a link: one for each machine type, at a permanent path
 * (placeholder.S). */
#pragma once

#include "common/util.h"

#include <limits.h>

/*
 * Path of the object for emulation (of -m), or, without one, for the machine of first_input, an ELF
 * object. 0; -ENOTSUP for a machine that we have none for, -ENOENT if it isn't installed.
 */
int placeholder_find(const char *emulation, const char *first_input, char ret[PATH_MAX]);
