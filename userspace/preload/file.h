/* SPDX-License-Identifier: BSD-2-Clause */
/* A message as a file of run_message.h: in the user's own folder (RUNMARK_SPOOL), or where the
 * daemon collects what its socket didn't take. */
#pragma once

#include "preload/item.h"

#define FILE_NAME_SIZE sizeof("/0123456789abcdef.run")

#define FILE_ANYBODYS UINT32_MAX

/*
 * The file's name is made of id. user: the folder must be this one's own, and nobody else's to
 * write; FILE_ANYBODYS: it may be anybody's. ret_end: NULL, or set to where the end is to be told,
 * which stays mapped (NULL where the file can't hold it). 0 or negative errno, then nothing is left
 * there.
 */
long file_write(const char *folder, uint32_t user, uint64_t id, const struct parts *parts,
		struct run_end_area **ret_end);

/* "/<name>", as file_write() calls it in the folder. */
void file_name(uint64_t id, char ret[static FILE_NAME_SIZE]);
