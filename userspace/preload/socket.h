/* SPDX-License-Identifier: BSD-2-Clause */
/* The daemon's socket, which nobody ever waits for. */
#pragma once

#include "preload/item.h"

/* A descriptor; negative errno: no daemon there. The caller closes it. */
long socket_connect(const char *path);

/* All pieces. 0 or negative errno: then some may have gone out. */
long socket_send(long fd, uint64_t id, const struct parts *parts);
