/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fields that somebody wants of a record, as a tree, so that one walk over the record finds
 * them all: looking each up by its path costs more than the rest of reading a line.
 */
#pragma once

#include "common/util.h"
#include <cjson/cJSON.h>

#define FIELDS_MAX	 128 /* wanted, of one record */
#define FIELDS_DEPTH_MAX 8   /* members of a path */

struct fields;

/* 0 or -ENOMEM. The root, path "", is field 0. */
int fields_new(struct fields **ret);
void fields_free(struct fields *fields);

/* The number of the field at path ("exe.path"), for good; added if it is new. Or -ENOMEM, -E2BIG.
 */
int fields_add(struct fields *fields, const char *path);

/*
 * found[number] = the item, or NULL. Of members with the same name the first counts, unknown ones
 * are skipped. 0, or -EINVAL if what has wanted members is neither an object nor null; *ret_path
 * (borrowed) is then its path.
 */
int fields_find(const struct fields *fields, const cJSON *record, const cJSON *found[FIELDS_MAX],
		const char **ret_path);
