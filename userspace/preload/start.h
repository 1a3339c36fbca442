/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel laid on the stack for the program: arguments, environment, auxiliary vector. It
 * is read where it lies; libc's ways to it are the program's to replace.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define START_TYPES 34 /* AT_SYSINFO_EHDR is the last one that is asked for */

struct start {
	char *const *argv, *const *envp;
	const char *socket, *spool, *drop; /* RUNMARK_*; NULL: unset, or without a say here */
	bool is_opted_out;
	unsigned long auxiliary[START_TYPES]; /* by type; 0: not there */
};

/* From a constructor's arguments. False if they aren't what the kernel laid there: then nothing can
 * be told. */
bool start_find(int argc, char **argv, char **envp, struct start *ret);

/* AT_RANDOM is the seed of the program's own secrets: only a digest of it leaves the process. */
void start_random(const struct start *start, uint64_t ret[2]);
