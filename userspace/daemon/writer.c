// SPDX-License-Identifier: BSD-2-Clause
/* The writer as the daemon has it: two queues, to the thread and back. */
#include "daemon/writer_state.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <time.h>

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
		r = -pthread_create(&w->thread, NULL, writer_thread, w);
	if (r) {
		writer_free(w);
		return r;
	}
	*ret = w;
	return 0;
}

int writer_finish(struct writer *w)
{
	struct timespec until;
	void *result;

	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_signal(&w->put);
	pthread_mutex_unlock(&w->lock);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += WRITER_PATIENCE_S;
	if (pthread_timedjoin_np(w->thread, &result, &until)) {
		w->is_stuck = true;
		return -ETIMEDOUT;
	}
	return (intptr_t)result;
}

bool writer_is_stuck(const struct writer *w)
{
	return w && w->is_stuck;
}

void writer_free(struct writer *w)
{
	if (!w || w->is_stuck)
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
	}
	pthread_mutex_unlock(&w->lock);
}

void writer_put_image(struct writer *w, struct image *image)
{
	item_put(w, &(struct item){.kind = WRITER_RUN, .what = image});
}

void writer_put_start(struct writer *w, struct image *snapshot)
{
	item_put(w, &(struct item){.kind = WRITER_START, .what = snapshot});
}

void writer_put_group(struct writer *w, struct group *group)
{
	item_put(w, &(struct item){.kind = WRITER_GROUP, .what = group});
}

void writer_put_record(struct writer *w, const char *kind, cJSON *record, void *tag)
{
	struct item item = {.kind = WRITER_RECORD, .what = tag, .record = record};

	snprintf(item.record_kind, sizeof(item.record_kind), "%s", kind);
	item_put(w, &item);
}

void writer_put_close(struct writer *w)
{
	item_put(w, &(struct item){.kind = WRITER_CLOSE});
}

void writer_go(struct writer *w)
{
	pthread_mutex_lock(&w->lock);
	if (!TAILQ_EMPTY(&w->items))
		pthread_cond_signal(&w->put);
	pthread_mutex_unlock(&w->lock);
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
		done(arg, item->kind, item->what);
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
