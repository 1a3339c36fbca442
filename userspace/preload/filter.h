/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A seccomp filter that a program was born under may kill it for any call that it doesn't foresee,
 * even for asking whether there is one (prctl(2)). What the loader has just done to load this
 * library is allowed: to open, read and close a file.
 */
#pragma once

#include <stdbool.h>

/* True if something has that path: a socket, which only opening it as a path shows. */
bool filter_path_exists(const char *path);
/* True if the process is under no filter, as /proc/self/status says. */
bool filter_is_absent(void);
