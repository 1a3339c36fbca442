/* SPDX-License-Identifier: BSD-2-Clause */
/* Steps: a transaction each, tried again when loaders are in the way, logged in itself. */
#include "ingest/prune.h"

#include <errno.h>
#include <time.h>

#define ATTEMPTS      7
#define RETRY_STEP_MS 50
#define PAUSE_SHARE   4	   /* a pause is this part of the step before it: who waits gets in */
#define PAUSE_MIN_US  2000 /* … but at least so long */
#define SHOW_MS	      200

int64_t prune_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static uint64_t elapsed_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void wait_us(uint64_t us)
{
	const struct timespec time = {.tv_sec = (time_t)(us / 1000000),
				      .tv_nsec = (long)(us % 1000000) * 1000};

	nanosleep(&time, NULL);
}

void prune_count(struct prune *prune, const char *action, const char *name, uint64_t rows)
{
	size_t i = 0;

	while (i < prune->part_count &&
	       (strcmp(prune->parts[i].action, action) || strcmp(prune->parts[i].name, name)))
		i++;
	if (i == PRUNE_PARTS)
		return;
	if (i == prune->part_count)
		prune->parts[prune->part_count++] =
			(struct prune_part){.action = action, .name = name};
	prune->parts[i].pending += rows;
}

static int64_t before_us(const struct prune *prune, const char *action)
{
	return !strcmp(action, "pseudonymise") ? prune->pseudonymise_us
	       : !strcmp(action, "delete")     ? prune->delete_us
					       : 0;
}

static int log_part(struct prune *prune, const struct prune_part *part)
{
	int64_t before = before_us(prune, part->action);
	const struct value key[] = {
		value_integer((int64_t)part->pending), value_integer(prune->began_us),
		value_text(bytes_of(part->action)), value_text(bytes_of(part->name))};
	const struct value row[] = {key[1], key[2], key[3],
				    before ? value_integer(before) : value_null(), key[0]};
	uint64_t changed = 0;
	int r = prune->db->ops->statement(prune->db,
					  "UPDATE prune_log SET changed = changed + ? "
					  "WHERE began_us = ? AND action = ? AND name = ?",
					  key, ARRAY_SIZE(key), NULL, NULL, &changed);

	if (r < 0 || changed)
		return r;
	return prune_sql(prune,
			 "INSERT INTO prune_log (began_us, action, name, before_us, changed) "
			 "VALUES (?, ?, ?, ?, ?)",
			 row, ARRAY_SIZE(row));
}

static int log_parts(struct prune *prune)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < prune->part_count; i++)
		if (prune->parts[i].pending)
			r = log_part(prune, &prune->parts[i]);
	return r;
}

/* What was counted in a step holds, or not. */
static void settle(struct prune *prune, bool is_done)
{
	for (size_t i = 0; i < prune->part_count; i++) {
		if (is_done)
			prune->parts[i].done += prune->parts[i].pending;
		prune->parts[i].pending = 0;
	}
}

static void show(struct prune *prune)
{
	uint64_t now_ms = elapsed_us() / 1000, done = 0;
	const struct prune_part *last;

	if (!prune->is_shown || !prune->part_count || now_ms - prune->shown_ms < SHOW_MS)
		return;
	prune->shown_ms = now_ms;
	last = &prune->parts[prune->part_count - 1];
	for (size_t i = 0; i < prune->part_count; i++)
		done += prune->parts[i].done;
	fprintf(stderr, "\r%s %s: %llu rows; %llu in all\033[K", last->action, last->name,
		(unsigned long long)last->done, (unsigned long long)done);
	fflush(stderr);
}

void prune_hide(struct prune *prune)
{
	if (prune->is_shown && prune->shown_ms)
		fputs("\r\033[K", stderr);
}

static int step(struct prune *prune, int (*work)(struct prune *prune, void *arg, bool *ret_more),
		void *arg, bool *ret_more)
{
	struct backend *db = prune->db;
	bool more = false;
	int r = db->ops->begin(db);

	if (r < 0)
		return r;
	r = work(prune, arg, &more);
	if (r == 0)
		r = log_parts(prune);
	if (r == 0)
		r = db->ops->commit(db);
	if (r < 0) {
		db->ops->rollback(db);
		/* ids that it gave out are gone with it */
		cache_clear(prune->twins);
	}
	settle(prune, r == 0);
	if (r < 0)
		return r;
	prune->steps++;
	*ret_more = more;
	return 0;
}

int prune_steps(struct prune *prune, int (*work)(struct prune *prune, void *arg, bool *ret_more),
		void *arg)
{
	bool more = true;

	while (more) {
		uint64_t since = elapsed_us();
		int r = 0;

		for (int attempt = 0; attempt <= ATTEMPTS; attempt++) {
			if (*prune->stop)
				return -EINTR;
			r = step(prune, work, arg, &more);
			if (r != -EAGAIN)
				break;
			wait_us(RETRY_STEP_MS * 1000ULL * (uint64_t)(attempt + 1));
		}
		if (r < 0)
			return r;
		show(prune);
		if (more)
			wait_us(MAX((elapsed_us() - since) / PAUSE_SHARE, PAUSE_MIN_US));
	}
	return 0;
}
