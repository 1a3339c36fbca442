/* SPDX-License-Identifier: BSD-2-Clause */
/* Arguments and environment as items. */
#pragma once

#include "preload/item.h"
#include "preload/start.h"

/*
 * The kernel lays the strings of each one behind the other, in order: then the message refers to
 * them where they are (*parts, with which it ends). Strings that somebody has laid otherwise are
 * copied by strings_copy() before; it takes those alone.
 */
void strings_copy(struct writer *writer, const struct start *start);
void strings_refer(struct parts *parts, const struct start *start);
