/* SPDX-License-Identifier: BSD-2-Clause */
/* stat(2) in the kernel's own form, which libc's headers hide. */
#pragma once

#include "common/run_message.h"

/* Of the path from the folder dir; "": of dir itself. 0 or negative errno. ret_mode may be NULL. */
long status_get(long dir, const char *path, struct run_file *ret, uint32_t *ret_mode);
