/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A text of any bytes as a run, link or package of XALT's: refused with a reason, or made into a
 * record that the plan of its kind reads or refuses with a reason, and into sets that have members
 * and hashes.
 */
#include "ingest/arena.h"
#include "ingest/plan.h"
#include "ingest/xalt_record.h"
#include "common/config.h"

#include <errno.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct plan *plans[SHAPE_COUNT];
static struct scrub *scrub;

static void begin(void)
{
	static const enum mapping_shape shapes[] = {SHAPE_XALT_RUN, SHAPE_XALT_LINK,
						    SHAPE_XALT_PACKAGE};
	static const struct config_list none;

	if (scrub)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++)
		if (plan_new(shapes[i], &plans[shapes[i]]) < 0)
			abort();
	if (scrub_new(&none, &scrub) < 0)
		abort();
	arena_install();
}

static void check_set(const cJSON *set)
{
	const char *hash = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(set, "hash"));

	if (!hash || strlen(hash) != 32)
		abort();
	if (!cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(set, "objects")) &&
	    !cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(set, "env")))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct xalt_context context = {.host = {"n", size & 1}};
	static struct value values[PLAN_VALUES_MAX];
	_cleanup_free_ char *copy = malloc(size ?: 1);
	struct problem problem = {};
	struct xalt_record record;
	int r;

	begin();
	context.scrub = scrub;
	memcpy(copy, data, size);
	arena_reset();
	r = xalt_record_read((struct bytes){copy, size}, &context, &record, &problem);
	if (r == -EINVAL && !*problem.reason)
		abort();
	if (r < 0)
		return 0;
	for (size_t i = 0; i < record.set_count; i++)
		check_set(record.sets[i]);
	r = plan_read(plans[record.shape], record.record, values, &problem);
	if (r == -EINVAL && !*problem.reason)
		abort();
	if (r == -EINVAL)
		xalt_record_blame(&problem);
	if (!memchr(problem.field, '\0', sizeof(problem.field)))
		abort();
	return 0;
}
