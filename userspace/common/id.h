/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Identifiers: UUIDs (RFC 9562) of runs, links and watermarks, hashes of sets.
 *
 * A run's id is computed, not drawn, so that whoever sees the run (kernel side, scan of /proc,
 * preload) comes to the same one, and a record that arrives twice is one.
 */
#pragma once

#include "util.h"
#include <uuid/uuid.h>

#define ID_TEXT_SIZE 37 /* a UUID as text, with NUL */
#define ID_HASH_SIZE 33 /* a set's hash as text, with NUL */

/*
 * Version 8: 48 bits start_ms (process start, Unix milliseconds), the rest from XXH3-128 of the
 * other arguments. boot_id: the kernel's, 16 bytes. start_ticks: process start since boot in clock
 * ticks (field 22 of /proc/PID/stat). exec_count: the task's self_exec_id, which grows by one with
 * each exec.
 */
void id_run(const uint8_t boot_id[16], uint32_t pid, uint64_t start_ticks, uint32_t exec_count,
	    uint64_t start_ms, uuid_t ret);

/* Version 8: of something that a run (or another id) makes, and of that alone; what: its kind. The
 * time is the run's. */
void id_derived(const uuid_t from, const char *what, uuid_t ret);

/*
 * For what another program named by a UUID of any version, and that happened at ms: the UUID itself
 * if it is of version 7 and of that time, give or take a day; else version 8, ms and a hash of it.
 * So ids lie in the order of time, and the same name makes the same one.
 */
void id_foreign(const uint8_t uuid[16], uint64_t ms, uuid_t ret);

/* Version 7: now, random. Uses getrandom(); never blocks (falls back to clock and pid). */
void id_new(uuid_t ret);

/* Version 8 from content: same bytes, same id (for reproducible builds). */
void id_from_content(struct bytes content, uuid_t ret);

/* XXH3-128 of data as 32 hex digits. */
void id_hash(struct bytes data, char ret[ID_HASH_SIZE]);
