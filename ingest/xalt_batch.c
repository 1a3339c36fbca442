/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records are loaded by the thousand, each batch in a transaction: a commit for each of a million
 * small files would cost more than all the rest. There is no mark of what has been imported, since
 * each record is known by its own id: after whatever end, the next import of the same files finds
 * what is there.
 *
 * Sets go in before, in a transaction of their own, in the order of their hashes (see sets.c).
 */
#include "ingest/xalt_import.h"
#include "ingest/arena.h"
#include "ingest/sets.h"

#include <errno.h>

struct wanted {
	uint8_t hash[SET_HASH_SIZE];
	enum table_number table;
	size_t item, set; /* set: number of the item's, or INPUTS */
};

#define INPUTS	   XALT_SETS_MAX
#define WANTED_MAX (XALT_BATCH_RECORDS * XALT_SETS_MAX)

void xalt_item_done(struct xalt_item *item)
{
	free(item->path);
	free(item->text);
	free(item->host);
	*item = (struct xalt_item){};
}

static int get_set(const struct xalt_record *record, size_t number, struct set *ret)
{
	struct problem problem;

	if (number == INPUTS)
		return sets_get_inputs(record->record, ret);
	return sets_get(record->sets[number], ret, &problem);
}

static int compare(const void *a, const void *b)
{
	const struct wanted *x = a, *y = b;

	return memcmp(x->hash, y->hash, sizeof(x->hash)) ?: (int)x->table - (int)y->table;
}

static void want(struct xalt_import *import, const struct xalt_record *record, size_t item,
		 size_t number, struct wanted *wanted, size_t *count)
{
	struct set set;
	int64_t id;

	if (get_set(record, number, &set) < 0 || sets_is_known(import->loader, &set, &id))
		return;
	wanted[*count] = (struct wanted){.table = set.kind->set, .item = item, .set = number};
	memcpy(wanted[*count].hash, set.hash, sizeof(set.hash));
	++*count;
}

/* The sets of the batch that are not known to be there. */
static size_t find_wanted(struct xalt_import *import, struct wanted *wanted)
{
	size_t count = 0;

	for (size_t i = 0; i < import->count; i++) {
		struct xalt_record record;
		struct problem problem;

		if (*import->items[i].problem.reason ||
		    xalt_rows_read(import, &import->items[i], &record, &problem) < 0)
			continue;
		for (size_t n = 0; n < record.set_count; n++)
			want(import, &record, i, n, wanted, &count);
		if (record.shape == SHAPE_XALT_LINK)
			want(import, &record, i, INPUTS, wanted, &count);
	}
	return count;
}

static int put_set(struct xalt_import *import, const struct wanted *wanted)
{
	struct loader *loader = import->loader;
	struct xalt_record record;
	struct problem problem;
	const cJSON *holder;
	struct set set;
	int64_t id;
	int r = xalt_rows_read(import, &import->items[wanted->item], &record, &problem);

	if (r == 0)
		r = get_set(&record, wanted->set, &set);
	if (r < 0 || sets_is_known(loader, &set, &id))
		return r;
	holder = wanted->set == INPUTS ? record.record : record.sets[wanted->set];
	r = set.kind->check(loader, holder, set.members, &problem);
	return r < 0 ? r : sets_put(loader, holder, &set, &id);
}

static int put_sets(struct xalt_import *import, const struct wanted *wanted, size_t count)
{
	struct loader *loader = import->loader;
	int r = loader_begin(loader);

	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < count; i++) {
		r = *loader->stop ? -EINTR : put_set(import, &wanted[i]);
		/* What is wrong with a record is said when its rows are put in. */
		if (r == -EINVAL || (r == -ENOMEM && arena_is_exhausted()))
			r = 0;
	}
	return loader_end(loader, r);
}

static int put_rows(struct xalt_import *import)
{
	struct loader *loader = import->loader;
	int r = loader_begin(loader);

	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < import->count; i++)
		r = *loader->stop ? -EINTR : xalt_rows_put(import, &import->items[i]);
	return loader_end(loader, r);
}

static int load(struct xalt_import *import)
{
	_cleanup_free_ struct wanted *wanted = malloc(WANTED_MAX * sizeof(*wanted));
	size_t count;
	int r = 0;

	if (!wanted)
		return -ENOMEM;
	*import->loader->db->message = '\0';
	count = find_wanted(import, wanted);
	if (count) {
		qsort(wanted, count, sizeof(*wanted), compare);
		r = put_sets(import, wanted, count);
	}
	return r < 0 ? r : put_rows(import);
}

static void add_totals(struct xalt_totals *to, const struct xalt_totals *from)
{
	uint64_t *sum = (uint64_t *)to;
	const uint64_t *part = (const uint64_t *)from;

	_Static_assert(sizeof(*to) % sizeof(*sum) == 0, "totals are all uint64_t");
	for (size_t i = 0; i < sizeof(*to) / sizeof(*sum); i++)
		sum[i] += part[i];
}

int xalt_batch_flush(struct xalt_import *import)
{
	size_t rows = import->quarantine_rows, bytes = import->quarantine_bytes;
	int r = 0;

	for (int attempt = 0; import->count; attempt++) {
		import->batch = (struct xalt_totals){};
		import->run_ref_count = 0;
		import->quarantine_rows = rows;
		import->quarantine_bytes = bytes;
		r = load(import);
		if (r != -EAGAIN || attempt == LOADER_ATTEMPTS || *import->loader->stop)
			break;
		loader_pause(attempt);
	}
	arena_reset();
	if (r == 0)
		add_totals(import->totals, &import->batch);
	for (size_t i = 0; r == 0 && i < import->run_ref_count; i++)
		xalt_packages_note(import, import->run_refs[i]);
	import->run_ref_count = 0;
	for (size_t i = 0; i < import->count; i++)
		xalt_item_done(&import->items[i]);
	import->count = import->bytes = 0;
	progress_records(import->progress,
			 import->totals->runs + import->totals->completed + import->totals->links +
				 import->totals->packages + import->totals->known);
	return r;
}

int xalt_batch_add(struct xalt_import *import, struct xalt_item *item)
{
	import->bytes += item->len;
	import->items[import->count++] = *item;
	*item = (struct xalt_item){};
	if (import->count < XALT_BATCH_RECORDS && import->bytes < XALT_BATCH_BYTES)
		return 0;
	return xalt_batch_flush(import);
}
