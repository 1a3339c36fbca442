/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Times as people say them, and as a table shows them. Records hold UTC; people think in the time
 * zone of where they sit (TZ), so what has no zone is local, and tables show local time. JSON and
 * CSV stay UTC.
 */
#pragma once

#include "common/util.h"

#define WHEN_SIZE    24 /* "2026-11-21 09:52:21" and room */
#define ELAPSED_SIZE 24

/*
 * A point in time:
 *	2026-11-21T09:52:21.358Z, ...+01:00	RFC 3339
 *	2026-11-21[ T]09:52[:21[.358]]		local time
 *	2026-11-21				its first moment, local time
 *	now, today, yesterday			the latter two: their first moment, local time
 *	@1795254741				seconds since 1970
 *	90s 5min 2h 3d 1w 1y, "2 hours", with or without "ago"
 * -EINVAL if it isn't any of these, or before 1970 or after 2261.
 */
int when_parse(const char *text, uint64_t now_ns, uint64_t *ret_ns);

/* Local time to the second. */
char *when_format(uint64_t ns, char out[WHEN_SIZE]);

/* "0.012s", "59.9s", "3m12s", "2h05m", "3d04h": four or five places whatever the length. */
char *when_format_elapsed(double seconds, char out[ELAPSED_SIZE]);
