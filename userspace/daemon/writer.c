// SPDX-License-Identifier: BSD-2-Clause
/* The writer's thread and its two queues. */
#include "daemon/writer.h"
#include "daemon/run_record.h"
#include "daemon/spool.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>

#define BATCH_MAX 256	     /* items written at once */
#define TAIL_MAX  (4u << 20) /* bytes of lines kept for those who watch; more are not shown */
#define RETRY_S	  1
#define SWEEP_S	  30 /* how often the spool's size and age are looked at */

struct item {
	TAILQ_ENTRY(item) link;
	struct image *image; /* or */
	cJSON *record;	     /* of this kind; or neither: close the file */
	char kind[16];
	void *tag; /* a record's, for its owner */
};
TAILQ_HEAD(item_list, item);

struct writer {
	const struct config *config;
	const struct node *node;
	struct spool *spool; /* the thread's own */
	uint64_t swept_boot_ns;
	bool over_quota;
	bool is_watched; /* tail, as it was when the batch was taken */
	struct losses losses_at_work;
	pthread_t thread;
	int event_fd;
	/* under lock */
	pthread_mutex_t lock;
	pthread_cond_t put;
	struct item_list items;
	struct item_list written;
	struct losses losses;
	struct writer_status status;
	uint64_t closed;
	uint64_t returned, collected; /* items, ever */
	bool tail, stop;
	char *lines;
	size_t lines_len;
};

static void item_free(struct item *item)
{
	cJSON_Delete(item->record);
	free(item);
}

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

static int add_image(struct writer *w, const struct image *image, char **ret_line)
{
	char objects[ID_HASH_SIZE], env[ID_HASH_SIZE];
	cJSON *record;
	int r;

	run_object_hash(image, objects);
	run_env_hash(image, env);
	r = spool_add_set(w->spool, objects, run_object_set, image);
	if (r == -EMSGSIZE) { /* the record says so */
		objects[0] = '\0';
		r = 0;
	}
	if (!r)
		r = spool_add_set(w->spool, env, run_env_set, image);
	if (r)
		return r;
	record = run_record(w->node, image, objects, env);
	if (!record)
		return -ENOMEM;
	r = spool_add_record(w->spool, "run", record, ret_line);
	cJSON_Delete(record);
	return r;
}

/* One item to the spool's buffer. What can't become a record is counted and its number never seen.
 */
static int item_add(struct writer *w, struct item *item, struct writer_status *status)
{
	_cleanup_free_ char *line = NULL;
	int r;

	if (w->over_quota) {
		spool_skip_record(w->spool);
		status->dropped++;
		return 0;
	}
	r = item->image ? add_image(w, item->image, w->is_watched ? &line : NULL)
			: spool_add_record(w->spool, item->kind, item->record,
					   w->is_watched ? &line : NULL);
	if (r == -EMSGSIZE || r == -ENOMEM) {
		spool_skip_record(w->spool);
		status->failed++;
		return 0;
	}
	if (r)
		return r;
	if (item->image)
		status->runs++;
	else if (!strcmp(item->kind, "link"))
		status->links++;
	else
		status->nodes++;
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
		if (!item->image && !item->record)
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

static void sweep(struct writer *w)
{
	uint64_t bytes, files, expired;

	if (w->swept_boot_ns && node_boot_ns() - w->swept_boot_ns < SWEEP_S * NS_PER_S)
		return;
	w->swept_boot_ns = node_boot_ns();
	if (spool_sweep(w->spool, &bytes, &files, &expired))
		return;
	w->over_quota = w->config->spool_quota_mib && bytes > (uint64_t)w->config->spool_quota_mib
								      << 20;
	pthread_mutex_lock(&w->lock);
	w->status.spool_bytes = bytes;
	w->status.spool_files = files;
	w->status.expired += expired;
	pthread_mutex_unlock(&w->lock);
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
		if (item->image || item->tag) {
			TAILQ_INSERT_TAIL(&w->written, item, link);
			w->returned++;
		} else {
			item_free(item);
		}
	}
	w->status.runs += more->runs;
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
	sweep(w);
	TAILQ_FOREACH (item, &batch, link) {
		if (!item->image && !item->record) {
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

static void *writer_main(void *arg)
{
	struct writer *w = arg;
	sigset_t all;
	bool done = false;
	int r = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	while (!done && !r) {
		r = batch_write(w);
		pthread_mutex_lock(&w->lock);
		done = w->stop && TAILQ_EMPTY(&w->items);
		pthread_mutex_unlock(&w->lock);
	}
	if (!r)
		r = insist(w, spool_close);
	return (void *)(intptr_t)r;
}

int writer_new(const struct config *config, const struct node *node, struct writer **ret)
{
	struct writer *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->config = config;
	w->node = node;
	TAILQ_INIT(&w->items);
	TAILQ_INIT(&w->written);
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->put, NULL);
	w->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = w->event_fd < 0 ? -errno : spool_new(config, node, &w->losses_at_work, &w->spool);
	if (!r)
		r = -pthread_create(&w->thread, NULL, writer_main, w);
	if (r) {
		writer_free(w);
		return r;
	}
	*ret = w;
	return 0;
}

int writer_finish(struct writer *w)
{
	void *result;

	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_signal(&w->put);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, &result);
	return (intptr_t)result;
}

void writer_free(struct writer *w)
{
	if (!w)
		return;
	spool_free(w->spool);
	cleanup_close(&w->event_fd);
	free(w->lines);
	free(w);
}

void writer_set_losses(struct writer *w, const struct losses *losses)
{
	pthread_mutex_lock(&w->lock);
	w->losses = *losses;
	pthread_mutex_unlock(&w->lock);
}

static void item_put(struct writer *w, const struct item *what)
{
	struct item *item = malloc(sizeof(*item));

	pthread_mutex_lock(&w->lock);
	if (!item) { /* an image's entry in the journal stays, so it isn't lost for good */
		w->status.failed++;
	} else {
		*item = *what;
		TAILQ_INSERT_TAIL(&w->items, item, link);
		w->status.waiting++;
		pthread_cond_signal(&w->put);
	}
	pthread_mutex_unlock(&w->lock);
}

void writer_put_image(struct writer *w, struct image *image)
{
	item_put(w, &(struct item){.image = image});
}

void writer_put_record(struct writer *w, const char *kind, cJSON *record, void *tag)
{
	struct item item = {.record = record, .tag = tag};

	snprintf(item.kind, sizeof(item.kind), "%s", kind);
	item_put(w, &item);
}

void writer_put_close(struct writer *w)
{
	item_put(w, &(struct item){0});
}

uint64_t writer_closed(struct writer *w)
{
	uint64_t closed;

	pthread_mutex_lock(&w->lock);
	closed = w->closed;
	pthread_mutex_unlock(&w->lock);
	return closed;
}

int writer_fd(const struct writer *w)
{
	return w->event_fd;
}

void writer_collect(struct writer *w, writer_done done, void *arg, char **ret_lines)
{
	struct item_list written = TAILQ_HEAD_INITIALIZER(written);
	struct item *item;
	uint64_t count, collected = 0;

	while (read(w->event_fd, &count, sizeof(count)) > 0)
		;
	pthread_mutex_lock(&w->lock);
	TAILQ_CONCAT(&written, &w->written, link);
	*ret_lines = TAKE_PTR(w->lines);
	w->lines_len = 0;
	pthread_mutex_unlock(&w->lock);
	while ((item = TAILQ_FIRST(&written))) {
		TAILQ_REMOVE(&written, item, link);
		done(arg, item->image, item->tag);
		item_free(item);
		collected++;
	}
	if (!collected)
		return;
	pthread_mutex_lock(&w->lock);
	w->collected += collected;
	pthread_cond_signal(&w->put);
	pthread_mutex_unlock(&w->lock);
}

void writer_set_tail(struct writer *w, bool on)
{
	pthread_mutex_lock(&w->lock);
	w->tail = on;
	pthread_mutex_unlock(&w->lock);
}

void writer_status(struct writer *w, struct writer_status *ret)
{
	pthread_mutex_lock(&w->lock);
	*ret = w->status;
	pthread_mutex_unlock(&w->lock);
}
