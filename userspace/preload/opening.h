/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether objects may still be opened after the begin. */
#pragma once

#include <link.h>
#include <stdbool.h>

/* False if the object asks for no function that opens objects. info: as dl_iterate_phdr(3) gives
 * it. */
bool opening_is_asked(const struct dl_phdr_info *info);
