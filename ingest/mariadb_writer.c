/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thread that writes one batch while the loader reads lines for the next: server and loader work
 * side by side. Whoever wants the first connection for something else waits for it; the second one
 * is never used by it.
 */
#include "ingest/mariadb.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

struct mariadb_writer {
	struct mariadb *self;
	struct batch *filling, *writing;
	bool has_thread;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* Under the lock: */
	bool is_busy, is_ending;
	int result; /* of writing */
	char message[BACKEND_MESSAGE_SIZE];
	/* The loader's: */
	bool is_untold; /* the outcomes of what was written */
	int failed;	/* what ended the transaction */
};

static void *write_batches(void *arg)
{
	struct mariadb_writer *writer = arg;

	mysql_thread_init();
	pthread_mutex_lock(&writer->lock);
	for (;;) {
		while (!writer->is_busy && !writer->is_ending)
			pthread_cond_wait(&writer->changed, &writer->lock);
		if (writer->is_ending)
			break;
		pthread_mutex_unlock(&writer->lock);
		*writer->message = '\0';
		writer->result = mariadb_write(writer->self, writer->writing, writer->message);
		pthread_mutex_lock(&writer->lock);
		writer->is_busy = false;
		pthread_cond_broadcast(&writer->changed);
	}
	pthread_mutex_unlock(&writer->lock);
	mysql_thread_end();
	return NULL;
}

/* Signals are the loader's: they end its waits. */
static int start_thread(struct mariadb_writer *writer)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&writer->thread, NULL, write_batches, writer);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	writer->has_thread = r == 0;
	return -r;
}

int mariadb_writer_new(struct mariadb *self, struct mariadb_writer **ret)
{
	struct mariadb_writer *writer = calloc(1, sizeof(*writer));
	int r;

	if (!writer)
		return -ENOMEM;
	writer->self = self;
	pthread_mutex_init(&writer->lock, NULL);
	pthread_cond_init(&writer->changed, NULL);
	r = batch_new(&writer->filling);
	if (r == 0)
		r = batch_new(&writer->writing);
	if (r == 0)
		r = start_thread(writer);
	if (r < 0) {
		mariadb_writer_free(writer);
		return r;
	}
	*ret = writer;
	return 0;
}

void mariadb_writer_free(struct mariadb_writer *writer)
{
	if (!writer)
		return;
	if (writer->has_thread) {
		(void)mariadb_writer_wait(writer);
		pthread_mutex_lock(&writer->lock);
		writer->is_ending = true;
		pthread_cond_broadcast(&writer->changed);
		pthread_mutex_unlock(&writer->lock);
		pthread_join(writer->thread, NULL);
	}
	batch_free(writer->filling);
	batch_free(writer->writing);
	pthread_cond_destroy(&writer->changed);
	pthread_mutex_destroy(&writer->lock);
	free(writer);
}

struct batch *mariadb_writer_batch(struct mariadb_writer *writer)
{
	return writer->filling;
}

/* One of many rows was refused: which one shows when they are put in one by one. */
static int refuse(struct mariadb_writer *writer)
{
	struct mariadb *self = writer->self;

	if (writer->result != -EINVAL || self->is_careful)
		return writer->result;
	self->is_careful = true;
	return -EAGAIN;
}

int mariadb_writer_wait(struct mariadb_writer *writer)
{
	int r;

	pthread_mutex_lock(&writer->lock);
	while (writer->is_busy)
		pthread_cond_wait(&writer->changed, &writer->lock);
	pthread_mutex_unlock(&writer->lock);
	if (!writer->is_untold)
		return writer->failed;
	writer->is_untold = false;
	r = refuse(writer);
	if (r == 0)
		batch_tell(writer->writing);
	else
		memcpy(writer->self->backend.message, writer->message, BACKEND_MESSAGE_SIZE);
	batch_clear(writer->writing);
	/* A row that was refused alone: the transaction lives on. */
	if (r != -EINVAL)
		writer->failed = r;
	return r;
}

int mariadb_writer_submit(struct mariadb_writer *writer)
{
	int r = mariadb_writer_wait(writer);
	struct batch *filled = writer->filling;

	if (r < 0 || !filled->row_count)
		return r;
	/* What its rows refer to is there before them. */
	r = mariadb_commit_names(writer->self);
	if (r < 0)
		return r;
	writer->filling = writer->writing;
	writer->writing = filled;
	writer->is_untold = true;
	pthread_mutex_lock(&writer->lock);
	writer->is_busy = true;
	pthread_cond_broadcast(&writer->changed);
	pthread_mutex_unlock(&writer->lock);
	return 0;
}

int mariadb_writer_settle(struct mariadb_writer *writer)
{
	int r = mariadb_writer_submit(writer);

	return r < 0 ? r : mariadb_writer_wait(writer);
}

void mariadb_writer_drop(struct mariadb_writer *writer)
{
	(void)mariadb_writer_wait(writer);
	batch_clear(writer->filling);
	writer->failed = 0;
}
