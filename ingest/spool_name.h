/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of spool files: <host>.<boot id>.<instance>.<number>.jsonl, with .zst behind it when
 * compressed. */
#pragma once

#include "common/util.h"

#define SPOOL_NAME_MAX 512

struct spool_name {
	char host[254];
	char boot_id[37];
	char instance[17];
	uint64_t number;
};

/* Whether a file of a directory is one to load: whole (no dot in front, no .tmp behind),
 * *.jsonl[.zst]. */
bool spool_name_is_whole(const char *name);

/* Without directory and .zst: what a file is known by. False if it is over SPOOL_NAME_MAX. */
bool spool_name_base(const char *path, char ret[SPOOL_NAME_MAX]);

/* What a base name tells; -EINVAL if it is no spool file's. */
int spool_name_parse(const char *base, struct spool_name *ret);
