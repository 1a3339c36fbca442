/* SPDX-License-Identifier: BSD-2-Clause */
/* The text of a record that XALT wrote: one JSON object, to be parsed whoever wrote it. */
#pragma once

#include "ingest/problem.h"
#include <cjson/cJSON.h>

enum xalt_crc { XALT_CRC_NONE, XALT_CRC_RIGHT, XALT_CRC_WRONG };

/*
 * Memory is the arena's. Strings are exact bytes: XALT, and other writers, don't keep to UTF-8.
 * What XALT writes for a byte that it can't express (\u0000, half a surrogate pair) is U+FFFD.
 * -EINVAL with *problem.
 */
int xalt_text_parse(struct bytes text, cJSON **ret, struct problem *problem);

/*
 * A record begins with {"crc":"0xNNNN", a CRC-16/CCITT-FALSE of its text, in which those four
 * digits are FFFF. What follows the last } doesn't count.
 */
enum xalt_crc xalt_text_crc(struct bytes text);
