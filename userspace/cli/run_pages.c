/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A page begins where the one before ended: at the last row's start. Rows of that start come again,
 * in any order (an index has starts in order, but not ids), and those that were given out are left
 * out. Pages grow, so that many rows take few of them.
 */
#include "cli/run_pages.h"
#include "common/array.h"
#include <errno.h>

#define PAGE_FIRST 256
/* 6 MiB of a server's answer. Fewer pages are better: MariaDB may read for each what newer ones
 * have told. */
#define PAGE_MAX (uint64_t)32768

int run_key_compare(const struct run_key *a, const struct run_key *b)
{
	if (a->start_us != b->start_us)
		return a->start_us < b->start_us ? -1 : 1;
	return memcmp(a->id, b->id, sizeof(a->id));
}

int run_pages_init(struct run_pages *pages, struct store *store, const struct run_way *way,
		   enum run_table table, bool is_newest_first)
{
	*pages = (struct run_pages){.way = way, .table = table, .is_newest_first = is_newest_first};
	return query_new(store,
			 is_newest_first ? way->newest_first[table] : way->oldest_first[table],
			 &pages->query);
}

void run_pages_done(struct run_pages *pages)
{
	query_free(pages->query);
	free(pages->latest);
	*pages = (struct run_pages){0};
}

void run_pages_begin(struct run_pages *pages, int64_t id, int64_t from_us, int64_t to_us,
		     uint64_t expected)
{
	query_reset(pages->query);
	pages->id = id;
	pages->from_us = from_us;
	pages->to_us = to_us;
	pages->size = MIN(expected ? expected : PAGE_FIRST, PAGE_MAX);
	pages->is_bound = pages->is_done = false;
	pages->latest_count = 0;
}

static int begin_page(struct run_pages *pages)
{
	struct query *query = pages->query;
	int index = 1, r = 0;

	query_reset(query);
	if (pages->way->has_id)
		r = query_bind_int(query, index++, pages->id);
	if (r >= 0)
		r = query_bind_int(query, index++, pages->from_us);
	if (r >= 0)
		r = query_bind_int(query, index++, pages->to_us);
	if (r >= 0)
		r = query_bind_int(query, index, (int64_t)pages->size);
	pages->rows = 0;
	pages->is_new = false;
	pages->is_bound = r >= 0;
	return r;
}

/* Where the next page goes on, of one that was full. If it told nothing new, as its rows all have
 * one start, it was too small. */
static void end_page(struct run_pages *pages)
{
	if (pages->is_newest_first)
		pages->to_us = pages->latest[0].start_us + 1;
	else
		pages->from_us = pages->latest[0].start_us;
	pages->size *= 2;
	if (pages->is_new)
		pages->size = MIN(pages->size, PAGE_MAX);
	pages->is_bound = false;
}

static bool was_given(const struct run_pages *pages, const struct run_key *key)
{
	for (size_t i = 0; i < pages->latest_count; i++)
		if (!run_key_compare(&pages->latest[i], key))
			return true;
	return false;
}

static int remember(struct run_pages *pages, const struct run_key *key)
{
	struct run_key *latest;

	if (pages->latest_count && pages->latest[0].start_us != key->start_us)
		pages->latest_count = 0;
	latest = array_grow(pages->latest, pages->latest_count, &pages->latest_size,
			    sizeof(*latest));
	if (!latest)
		return -ENOMEM;
	pages->latest = latest;
	pages->latest[pages->latest_count++] = *key;
	return 0;
}

int run_pages_next(struct run_pages *pages, struct run_key *ret_key)
{
	struct run_key key = {.is_group = pages->table == TABLE_GROUPS};
	struct bytes id;
	int r;

	while (!pages->is_done) {
		r = pages->is_bound ? 0 : begin_page(pages);
		if (r >= 0)
			r = query_step(pages->query);
		if (r < 0)
			return r;
		if (r == 0) {
			pages->is_done = pages->rows < pages->size;
			if (!pages->is_done)
				end_page(pages);
			continue;
		}
		pages->rows++;
		id = query_bytes(pages->query, KEY_ID);
		if (id.len != sizeof(key.id))
			return -EBADMSG;
		memcpy(key.id, id.data, sizeof(key.id));
		key.start_us = query_int(pages->query, KEY_START);
		if (was_given(pages, &key))
			continue;
		pages->is_new = true;
		r = remember(pages, &key);
		if (r < 0)
			return r;
		*ret_key = key;
		return 1;
	}
	return 0;
}
