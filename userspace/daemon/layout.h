/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading what another version of runmarkd stored. Events and journal entries are plain structs
 * without a version; each ring and each journal has a description of its structs beside it (BTF,
 * made by the compiler), so that after an upgrade they are converted member by member, by name. A
 * member that the other version did not have is zero; one that this version has no more is dropped;
 * numbers may change their width.
 *
 * What a name means must not change, an event's head comes first, and the numbers of kinds, flags
 * and traits are never used again; where that can't be kept, LAYOUT_MEANING is raised, and what is
 * stored is given up, counted.
 */
#pragma once

#include "common/util.h"

#define LAYOUT_MEANING	 1
#define LAYOUT_BYTES_MAX 65536 /* of a description */

struct layout;

/* This version's description. NULL if it can't be had. */
const void *layout_own(size_t *ret_len);
/* Its hash, and LAYOUT_MEANING's. Never 0. */
uint64_t layout_hash(void);

/* Of a description that was stored. -EINVAL if it makes no sense. */
int layout_new(struct bytes btf, struct layout **ret);
void layout_free(struct layout *layout);

/* Bytes of struct "name" in that version (NULL: this one); 0 if it had none. */
size_t layout_size(const struct layout *layout, const char *name);
/* True if that version's struct is this version's, member by member. */
bool layout_is_same(const struct layout *layout, const char *name);

/* struct "name" at the head of data, in this version's layout, to the size bytes at out. 0, -ENOENT
 * if one of the versions has no such struct, -EINVAL if data is too short or out of another size.
 */
int layout_struct(const struct layout *layout, const char *name, struct bytes data, void *out,
		  size_t size);

/* An event, spans included, to out, which has room for EVENT_MAX_BYTES. 0, or -EINVAL. The result
 * passes event_check(). */
int layout_event(const struct layout *layout, struct bytes data, void *out);
