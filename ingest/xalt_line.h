/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A line of a system log that may be XALT's: a piece of a record, or (syslogv1) a whole one. Pure.
 *
 *	... XALT_LOGGING_<syshost>: V:4 kind:run syshost:... key:... crcStr:0x... nb:04 idx:00
 *value:<piece>
 *	... XALT_LOGGING_<syshost>: run:<record>
 *
 * The fields between V and value come in any order, crcStr is called crc by some versions and
 *missing in V:3, the colon behind the tag may be missing, the tag may end in a process id, and
 *anything may stand before it.
 */
#pragma once

#include "common/util.h"

#define XALT_PIECES_MAX	 8192 /* of a record: 4 MiB of 512 bytes */
#define XALT_KEY_MAX	 255
#define XALT_REASON_SIZE 96

/* Borrowed from the line. */
struct xalt_piece {
	unsigned int version;		/* 1, 3, 4 */
	struct bytes host;		/* that the log names; no data if it doesn't */
	struct bytes syshost, key, crc; /* no data if there is none */
	unsigned int count, index;
	struct bytes value;
};

/* 0: a piece; -ENOENT: not XALT's; -EINVAL: XALT's, and reason says what is wrong. */
int xalt_line_parse(struct bytes line, struct xalt_piece *ret, char reason[XALT_REASON_SIZE]);
