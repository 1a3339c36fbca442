/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packages may come before their run, or without it. Which runs were missing is asked at the end,
 * and in between when there is no room for more names.
 */
#include "ingest/xalt_import.h"

#include <errno.h>

static int take_existence(void *arg, const struct value *row, size_t columns)
{
	(void)row;
	(void)columns;
	*(bool *)arg = true;
	return 0;
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(((const struct xalt_reference *)a)->uuid));
}

/* Each run once. */
static void merge(struct xalt_import *import)
{
	struct xalt_reference *all = import->references;
	size_t count = 0;

	if (import->reference_count)
		qsort(all, import->reference_count, sizeof(*all), compare);
	for (size_t i = 0; i < import->reference_count; i++) {
		if (count && !compare(&all[count - 1], &all[i]))
			all[count - 1].packages += all[i].packages;
		else
			all[count++] = all[i];
	}
	import->reference_count = count;
}

/* Leaves those whose run is not in the database. */
static int leave_missing(struct xalt_import *import)
{
	struct backend *db = import->loader->db;
	size_t count = 0;

	merge(import);
	for (size_t i = 0; i < import->reference_count; i++) {
		struct value key = value_bytes(import->references[i].uuid, 16);
		bool is_there = false;
		int r = db->ops->statement(db, "SELECT 1 FROM run_xalt WHERE run_uuid = ?", &key, 1,
					   take_existence, &is_there, NULL);

		if (r < 0)
			return r;
		if (!is_there)
			import->references[count++] = import->references[i];
	}
	import->reference_count = count;
	return 0;
}

void xalt_packages_note(struct xalt_import *import, const uint8_t uuid[16])
{
	struct xalt_reference *last = NULL;

	if (import->reference_count)
		last = &import->references[import->reference_count - 1];
	if (last && !memcmp(last->uuid, uuid, sizeof(last->uuid))) {
		last->packages++;
		return;
	}
	if (import->reference_count == XALT_REFERENCES_MAX)
		merge(import);
	if (import->reference_count == XALT_REFERENCES_MAX && leave_missing(import) < 0)
		import->reference_count = 0;
	if (import->reference_count == XALT_REFERENCES_MAX) {
		import->totals->unasked++;
		return;
	}
	last = &import->references[import->reference_count++];
	memcpy(last->uuid, uuid, sizeof(last->uuid));
	last->packages = 1;
}

int xalt_packages_count(struct xalt_import *import)
{
	int r = leave_missing(import);

	if (r < 0)
		return r;
	for (size_t i = 0; i < import->reference_count; i++)
		import->totals->orphans += import->references[i].packages;
	return 0;
}
