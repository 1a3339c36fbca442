/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/fold.h"
#include "cli/fold_line.h"
#include "common/record.h"
#include <errno.h>
#include <sys/queue.h>

struct item {
	cJSON *record;		/* NULL: a line */
	struct fold_line *line; /* open while it is in the list of these */
	bool is_open;
	uint64_t start_ns;
	TAILQ_ENTRY(item) all, open;
};
TAILQ_HEAD(items, item);

struct fold {
	int (*emit)(void *arg, const cJSON *record);
	void *arg;
	struct items all, open; /* oldest first */
	size_t held, open_count;
};

int fold_new(int (*emit)(void *arg, const cJSON *record), void *arg, struct fold **ret)
{
	struct fold *fold = calloc(1, sizeof(*fold));

	if (!fold)
		return -ENOMEM;
	fold->emit = emit;
	fold->arg = arg;
	TAILQ_INIT(&fold->all);
	TAILQ_INIT(&fold->open);
	*ret = fold;
	return 0;
}

static void close_line(struct fold *fold, struct item *item)
{
	if (!item->is_open)
		return;
	TAILQ_REMOVE(&fold->open, item, open);
	item->is_open = false;
	fold->open_count--;
}

static void drop(struct fold *fold, struct item *item)
{
	close_line(fold, item);
	TAILQ_REMOVE(&fold->all, item, all);
	fold->held--;
	cJSON_Delete(item->record);
	fold_line_free(item->line);
	free(item);
}

void fold_free(struct fold *fold)
{
	struct item *item;

	if (!fold)
		return;
	while ((item = TAILQ_FIRST(&fold->all)))
		drop(fold, item);
	free(fold);
}

static int emit_first(struct fold *fold)
{
	struct item *item = TAILQ_FIRST(&fold->all);
	const cJSON *record = item->line ? fold_line_record(item->line) : item->record;
	int r = record ? fold->emit(fold->arg, record) : -ENOMEM;

	drop(fold, item);
	return r;
}

/* What needn't wait any more, at the start of the newest run. */
static int emit_ready(struct fold *fold, uint64_t now_ns)
{
	struct item *item;
	int r = 0;

	while ((item = TAILQ_FIRST(&fold->open)) &&
	       (now_ns > item->start_ns + FOLD_WINDOW_S * NS_PER_S ||
		fold->open_count > FOLD_OPEN_MAX))
		close_line(fold, item);
	while (r == 0 && (item = TAILQ_FIRST(&fold->all)) &&
	       (!item->is_open || fold->held > FOLD_HELD_MAX))
		r = emit_first(fold);
	return r;
}

/* The line that the rank is of, or NULL: one with its own step before all. */
static struct item *find_line(struct fold *fold, const cJSON *record, long rank)
{
	struct item *item, *best = NULL;

	TAILQ_FOREACH (item, &fold->open, open) {
		int fit = fold_line_fits(item->line, record, rank);

		if (fit == 2)
			return item;
		if (fit == 1 && !best)
			best = item;
	}
	return best;
}

static int hold(struct fold *fold, cJSON *record, long rank, uint64_t start_ns)
{
	struct item *item = calloc(1, sizeof(*item));
	int r = 0;

	if (!item) {
		cJSON_Delete(record);
		return -ENOMEM;
	}
	item->start_ns = start_ns;
	if (rank < 0)
		item->record = record;
	else
		r = fold_line_new(record, rank, &item->line);
	if (r < 0) {
		free(item);
		return r;
	}
	TAILQ_INSERT_TAIL(&fold->all, item, all);
	fold->held++;
	if (rank >= 0) {
		TAILQ_INSERT_TAIL(&fold->open, item, open);
		item->is_open = true;
		fold->open_count++;
	}
	return 0;
}

int fold_add(struct fold *fold, cJSON *record)
{
	long rank = fold_rank_of(record);
	uint64_t start_ns = 0;
	struct item *item;
	int r;

	record_get_time(record, "start", &start_ns);
	r = emit_ready(fold, start_ns);
	if (r < 0) {
		cJSON_Delete(record);
		return r;
	}
	item = rank < 0 ? NULL : find_line(fold, record, rank);
	if (!item) {
		r = hold(fold, record, rank, start_ns);
	} else {
		r = fold_line_add(item->line, record, rank);
		cJSON_Delete(record);
		if (fold_line_is_whole(item->line))
			close_line(fold, item);
	}
	return r < 0 ? r : emit_ready(fold, start_ns);
}

int fold_end(struct fold *fold)
{
	int r = 0;

	while (r == 0 && TAILQ_FIRST(&fold->all))
		r = emit_first(fold);
	return r;
}
