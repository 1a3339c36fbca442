// SPDX-License-Identifier: BSD-2-Clause
/* The writer's thread: a batch from the queue, as lines into the spool, and back. */
#include "daemon/group_record.h"
#include "daemon/descriptors.h"
#include "daemon/run_record.h"
#include "daemon/writer_state.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

#define BATCH_MAX	 256	    /* items written at once */
#define TAIL_MAX	 (4u << 20) /* bytes of lines kept for those who watch; more are not shown */
#define RETRY_S		 1
#define SWEEP_S		 30 /* how often the spool's size and age are looked at */
#define SWEEP_AT_QUOTA_S 1
#define FOLLOW_S	 1 /* how often it is asked whether the spool is the same folder */

/* Lines are only for those who watch: dropped, not waited for. */
static void tail_add(struct writer *w, const char *line)
{
	size_t len = strlen(line);
	char *bigger;

	pthread_mutex_lock(&w->lock);
	if (w->tail && w->lines_len + len < TAIL_MAX &&
	    (bigger = realloc(w->lines, w->lines_len + len + 1))) {
		memcpy(bigger + w->lines_len, line, len + 1);
		w->lines = bigger;
		w->lines_len += len;
	}
	pthread_mutex_unlock(&w->lock);
}

/* The sets of an image, whose hashes go to the caller; objects is empty where they are too many for
 * a line: the record says so. */
static int add_sets(struct writer *w, const struct image *image, char objects[ID_HASH_SIZE],
		    char env[ID_HASH_SIZE])
{
	int r;

	run_object_hash(image, objects);
	r = spool_add_set(w->spool, objects, run_object_set, image);
	if (r == -EMSGSIZE) {
		objects[0] = '\0';
		r = 0;
	}
	return r ? r : spool_add_set(w->spool, env, run_env_set, image);
}

static int add_record(struct writer *w, const char *kind, cJSON *record, char **ret_line)
{
	int r = record ? spool_add_record(w->spool, kind, record, ret_line) : -ENOMEM;

	cJSON_Delete(record);
	return r;
}

static int add_image(struct writer *w, enum writer_kind kind, const struct image *image,
		     char **ret_line)
{
	char objects[ID_HASH_SIZE], env[ID_HASH_SIZE];
	int r;

	run_env_hash(image, env);
	r = add_sets(w, image, objects, env);
	if (r)
		return r;
	if (kind == WRITER_START)
		return add_record(w, "start", start_record(w->node, image, objects, env), ret_line);
	return add_record(w, "run", run_record(w->node, image, objects, env), ret_line);
}

static int add_group(struct writer *w, const struct group *group, char **ret_line)
{
	char objects[ID_HASH_SIZE], env[ID_HASH_SIZE] = "";
	int r;

	if (group_has_env(group))
		run_env_hash(group->first, env);
	r = add_sets(w, group->first, objects, env);
	return r ? r : add_record(w, "group", group_record(w->node, group, objects, env), ret_line);
}

/* What is lost with it. */
static uint64_t runs_of(const struct item *item)
{
	if (item->kind == WRITER_START)
		return 0; /* its run record comes */
	return item->kind == WRITER_GROUP ? ((const struct group *)item->what)->s.count : 1;
}

static void count(struct writer_status *status, const struct item *item)
{
	if (item->kind == WRITER_RUN)
		status->runs++;
	else if (item->kind == WRITER_START)
		status->starts++;
	else if (item->kind == WRITER_GROUP)
		status->groups++;
	else if (!strcmp(item->record_kind, "link"))
		status->links++;
	else
		status->nodes++;
}

/* The spool's size as it is, and old files removed. */
static void sweep(struct writer *w)
{
	uint64_t bytes, files, expired, written = spool_written(w->spool);

	w->swept_boot_ns = node_boot_ns();
	if (spool_sweep(w->spool, &bytes, &files, &expired))
		return;
	w->swept_bytes = bytes;
	w->swept_written = written;
	pthread_mutex_lock(&w->lock);
	w->status.spool_bytes = bytes;
	w->status.spool_files = files;
	w->status.expired += expired;
	pthread_mutex_unlock(&w->lock);
}

/* With what has been added since it was looked at. */
static uint64_t spool_bytes(const struct writer *w)
{
	return w->swept_bytes + spool_added(w->spool) - w->swept_written;
}

/*
 * What is added is counted, what the loader takes away is not seen: at the quota the spool is
 * looked at again, but not more often than each second. Node records are written all the same: they
 * are few, and tell of what is dropped.
 */
static bool is_over_quota(struct writer *w, const struct item *item)
{
	uint64_t quota = (uint64_t)w->config->spool_quota_mib << 20;
	bool is_over;

	if (!quota || (item->kind == WRITER_RECORD && !strcmp(item->record_kind, "node")))
		return false;
	if (spool_bytes(w) >= quota &&
	    node_boot_ns() - w->swept_boot_ns >= SWEEP_AT_QUOTA_S * NS_PER_S)
		sweep(w);
	is_over = spool_bytes(w) >= quota;
	if (is_over != w->status.over_quota) {
		pthread_mutex_lock(&w->lock);
		w->status.over_quota = is_over;
		pthread_mutex_unlock(&w->lock);
	}
	return is_over;
}

/* One item to the spool's buffer. What can't become a record is counted and its number never seen.
 */
static int item_add(struct writer *w, struct item *item, struct writer_status *status)
{
	_cleanup_free_ char *line = NULL;
	char **ret_line = w->is_watched ? &line : NULL;
	int r;

	if (is_over_quota(w, item)) {
		spool_skip_record(w->spool);
		status->dropped += runs_of(item);
		return 0;
	}
	if (item->kind == WRITER_RUN || item->kind == WRITER_START)
		r = add_image(w, item->kind, item->what, ret_line);
	else if (item->kind == WRITER_GROUP)
		r = add_group(w, item->what, ret_line);
	else
		r = spool_add_record(w->spool, item->record_kind, item->record, ret_line);
	if (r == -EMSGSIZE || r == -ENOMEM) {
		spool_skip_record(w->spool);
		status->failed += runs_of(item);
		return 0;
	}
	if (r)
		return r;
	count(status, item);
	if (line)
		tail_add(w, line);
	return 0;
}

/* Waits under lock until there is something to do or a second has gone by. */
static void items_take(struct writer *w, struct item_list *batch)
{
	struct timespec until;
	struct item *item;

	pthread_mutex_lock(&w->lock);
	if (TAILQ_EMPTY(&w->items) && !w->stop) {
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += 1;
		pthread_cond_timedwait(&w->put, &w->lock, &until);
	}
	w->losses_at_work = w->losses;
	w->is_watched = w->tail;
	for (int i = 0; i < BATCH_MAX && (item = TAILQ_FIRST(&w->items)); i++) {
		TAILQ_REMOVE(&w->items, item, link);
		TAILQ_INSERT_TAIL(batch, item, link);
		if (item->kind == WRITER_CLOSE)
			break;
	}
	pthread_mutex_unlock(&w->lock);
}

/* Does it until it works, or until the daemon stops. */
static int insist(struct writer *w, int (*what)(struct spool *))
{
	for (;;) {
		int r = what(w->spool);

		pthread_mutex_lock(&w->lock);
		w->status.error = r;
		if (r && w->stop) {
			pthread_mutex_unlock(&w->lock);
			return r;
		}
		pthread_mutex_unlock(&w->lock);
		if (!r)
			return 0;
		sleep(RETRY_S);
	}
}

/* What is in the file goes back to the daemon. */
static void batch_return(struct writer *w, struct item_list *batch,
			 const struct writer_status *more, uint64_t closed)
{
	struct spool_status spool;
	struct item *item;
	uint64_t one = 1;

	spool_status(w->spool, &spool);
	pthread_mutex_lock(&w->lock);
	while ((item = TAILQ_FIRST(batch))) {
		TAILQ_REMOVE(batch, item, link);
		w->status.waiting--;
		if (item->what) {
			TAILQ_INSERT_TAIL(&w->written, item, link);
			w->returned++;
		} else {
			item_free(item);
		}
	}
	w->status.runs += more->runs;
	w->status.starts += more->starts;
	w->status.groups += more->groups;
	w->status.links += more->links;
	w->status.nodes += more->nodes;
	w->status.dropped += more->dropped;
	w->status.failed += more->failed;
	w->status.last_seq = spool.last_seq;
	memcpy(w->status.open, spool.open, sizeof(w->status.open));
	memcpy(w->status.last, spool.last, sizeof(w->status.last));
	w->closed += closed;
	pthread_mutex_unlock(&w->lock);
	if (write(w->event_fd, &one, sizeof(one)) < 0)
		return;
}

/*
 * A file is closed when the journal has forgotten what is in it. Killed before, the file is found
 * open and read; after, it need not be.
 */
static void wait_until_collected(struct writer *w)
{
	struct timespec until;

	pthread_mutex_lock(&w->lock);
	while (w->collected != w->returned && !w->stop) {
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += 1;
		pthread_cond_timedwait(&w->put, &w->lock, &until);
	}
	pthread_mutex_unlock(&w->lock);
}

/* One batch from the queue to the file. Negative errno: the daemon stops and the disk takes
 * nothing. */
static int batch_write(struct writer *w)
{
	struct item_list batch = TAILQ_HEAD_INITIALIZER(batch);
	struct writer_status more = {0};
	uint64_t closed = 0;
	struct item *item;
	int r = 0;

	items_take(w, &batch);
	if (node_boot_ns() - w->followed_boot_ns >= FOLLOW_S * NS_PER_S) {
		r = insist(w, spool_follow);
		if (r)
			return r;
		w->followed_boot_ns = node_boot_ns();
	}
	if (!w->swept_boot_ns || node_boot_ns() - w->swept_boot_ns >= SWEEP_S * NS_PER_S)
		sweep(w);
	TAILQ_FOREACH (item, &batch, link) {
		if (item->kind == WRITER_CLOSE) {
			closed++;
			continue;
		}
		while ((r = item_add(w, item, &more))) { /* no file can be opened */
			pthread_mutex_lock(&w->lock);
			w->status.error = r;
			bool stop = w->stop;
			pthread_mutex_unlock(&w->lock);
			if (stop)
				return r;
			sleep(RETRY_S);
		}
	}
	r = insist(w, spool_write);
	if (!r && !TAILQ_EMPTY(&batch))
		batch_return(w, &batch, &more, 0);
	if (!r && (closed || spool_is_due(w->spool))) {
		wait_until_collected(w);
		r = insist(w, spool_close);
		if (!r)
			batch_return(w, &batch, &(struct writer_status){0}, closed);
	}
	return r;
}

void *writer_thread(void *arg)
{
	struct writer *w = arg;
	sigset_t all;
	bool done = false;
	int r = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	descriptors_own((int[]){w->event_fd, spool_folder_fd(w->spool)}, 2);
	while (!done && !r) {
		r = batch_write(w);
		pthread_mutex_lock(&w->lock);
		done = w->stop && TAILQ_EMPTY(&w->items);
		pthread_mutex_unlock(&w->lock);
	}
	if (!r)
		r = insist(w, spool_close);
	spool_let_go(w->spool);
	return (void *)(intptr_t)r;
}
