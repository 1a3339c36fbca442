/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records out of the database, as they went in: runs with their sets, links with their inputs. The
 * statements are prepared once and used for every record.
 */
#pragma once

#include "cli/record_sets.h"
#include "cli/run_filter.h"
#include <cjson/cJSON.h>

struct records;

/* store is borrowed. 0 or negative errno. */
int records_new(struct store *store, struct records **ret);
void records_free(struct records *records);

/*
 * The run (or start) record, with its sets in that form. A start record says besides what became of
 * the run ("state", and what is known of its end: boots.h). -ENOENT if there is none; -EBADMSG if
 * what is stored makes no sense. The caller frees *ret.
 */
int records_get_run(struct records *records, const uint8_t run_id[16], enum record_sets_form form,
		    cJSON **ret);

/* The same for a group. */
int records_get_group(struct records *records, const uint8_t group_id[16],
		      enum record_sets_form form, cJSON **ret);

#define RECORDS_AT_ONCE QUERY_MANY

struct records_item {
	struct run_key key; /* given */
	cJSON *record;	    /* to be freed; NULL: see error */
	int error;	    /* -ENOENT, -EBADMSG */
};

/* At most RECORDS_AT_ONCE of them, for little more than the time of one. */
int records_get_items(struct records *records, struct records_item *items, size_t count,
		      enum record_sets_form form);

/* The links of a watermark (16 bytes) and of an output's build-id, oldest first, with their inputs,
 * appended to the array list; at most limit, *ret_total says how many there are. */
int records_get_links(struct records *records, struct bytes watermark, struct bytes build_id,
		      uint64_t limit, cJSON *list, uint64_t *ret_total);

/* The same for links whose output had this path. */
int records_get_links_of_path(struct records *records, const char *path, uint64_t limit,
			      cJSON *list, uint64_t *ret_total);

static inline void cleanup_records(struct records **records)
{
	records_free(*records);
}
#define _cleanup_records_ _cleanup_(cleanup_records)
