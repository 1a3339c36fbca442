/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Notes of a file that root may not open (FUSE of a user's, root_squash), from the memory of the
 * process that has it mapped. A process can write to its memory, so this says something of itself
 * alone: it is asked only where the file can't be, and never kept for others.
 */
#pragma once

#include "daemon/facts_lookup.h"

/* 0 or negative errno: the process is gone, does not map the file's beginning, or what is there is
 * no ELF. */
int memory_notes(const struct lookup *lookup, struct note_ids *ret);

/* Where a line of maps(5) has the beginning of the file (device as the kernel encodes it): true,
 * and the address. */
bool memory_is_start(const char *line, uint32_t device, uint64_t inode, uint64_t *ret_address);
