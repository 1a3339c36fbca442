/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/own.h"

#include <stdio.h>
#include <unistd.h>

void own_note(const struct store *store, enum output_format format)
{
	if (!store_is_own(store) || (format != OUTPUT_TABLE && !isatty(STDERR_FILENO)))
		return;
	output_flush();
	fputs("of your own runs and links only\n", stderr);
}
