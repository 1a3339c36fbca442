/* SPDX-License-Identifier: BSD-2-Clause */
/* The order of node records: boots and instances by when they began, within them by number. */
#include "cli/coverage.h"

#define COMPARE(a, b)                                                                              \
	if ((a) != (b))                                                                            \
	return (a) < (b) ? -1 : 1

static int compare_by_instance(const void *a, const void *b)
{
	const struct coverage_record *x = a, *y = b;

	COMPARE(x->boot, y->boot);
	COMPARE(x->instance, y->instance);
	COMPARE(x->seq, y->seq);
	return 0;
}

static int compare_by_order(const void *a, const void *b)
{
	const struct coverage_record *x = a, *y = b;

	COMPARE(x->boot_order, y->boot_order);
	COMPARE(x->boot, y->boot);
	COMPARE(x->instance_order, y->instance_order);
	COMPARE(x->instance, y->instance);
	COMPARE(x->seq, y->seq);
	return 0;
}

void coverage_order(struct coverage_record *records, size_t count)
{
	qsort(records, count, sizeof(*records), compare_by_instance);
	for (size_t boot = 0, end = 0; boot < count; boot = end) {
		int64_t began = records[boot].time_us;
		size_t instance = boot;

		for (end = boot; end < count && records[end].boot == records[boot].boot; end++) {
			if (records[end].instance != records[instance].instance)
				instance = end;
			records[end].instance_order = records[instance].time_us;
			began = MIN(began, records[end].time_us);
		}
		for (size_t i = boot; i < end; i++)
			records[i].boot_order = began;
	}
	qsort(records, count, sizeof(*records), compare_by_order);
}
