/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/busy.h"
#include "common/array.h"
#include <errno.h>

#define SWEEP_FIRST 4096

static int sweep(struct busy *busy, int64_t now_us)
{
	struct busy kept = {0};
	uint32_t number;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < busy->keys.size; i++) {
		int64_t until_us, added_us;

		if (!busy->keys.numbers[i])
			continue;
		number = busy->keys.numbers[i] - 1;
		until_us = busy->until_us[number];
		kept.sweep_at = UINT32_MAX;
		if (until_us > now_us)
			r = busy_add(&kept, busy->keys.keys[i], now_us, until_us, &added_us);
	}
	if (r < 0) {
		busy_done(&kept);
		return r;
	}
	busy_done(busy);
	*busy = kept;
	busy->sweep_at = MAX(SWEEP_FIRST, 2 * kept.keys.count);
	return 0;
}

int busy_add(struct busy *busy, uint64_t key, int64_t from_us, int64_t to_us, int64_t *ret_added_us)
{
	int64_t *until_us;
	uint32_t number;
	bool is_new;
	int r = 0;

	if (from_us >= to_us) {
		*ret_added_us = 0;
		return 0;
	}
	if (busy->keys.count >= (busy->sweep_at ? busy->sweep_at : SWEEP_FIRST))
		r = sweep(busy, from_us);
	if (r >= 0)
		r = map_add(&busy->keys, key, &number, &is_new);
	if (r < 0)
		return r;
	until_us = array_grow(busy->until_us, number, &busy->size, sizeof(*until_us));
	if (!until_us)
		return -ENOMEM;
	busy->until_us = until_us;
	if (is_new)
		until_us[number] = from_us;
	from_us = MAX(from_us, until_us[number]);
	until_us[number] = MAX(to_us, until_us[number]);
	*ret_added_us = MAX(to_us - from_us, 0);
	return 0;
}

void busy_done(struct busy *busy)
{
	map_done(&busy->keys);
	free(busy->until_us);
	*busy = (struct busy){0};
}
