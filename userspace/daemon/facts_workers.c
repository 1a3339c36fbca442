// SPDX-License-Identifier: BSD-2-Clause
/* Threads, their queues, and the watch over them; all under one lock that is never held while
 * looking. */
#include "daemon/facts_workers.h"
#include "daemon/descriptors.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>

#define WATCH_EVERY_NS (100 * NS_PER_MS)
#define STACK_BYTES    (512 * 1024)
#define PROVEN_MAX     64 /* places that are known to answer */

struct queue {
	struct question *first, **last;
};

enum { POOL_FILES, POOL_NAMES, POOLS };

struct worker { /* a thread's place in the table; pool's threads look for it */
	struct workers *workers;
	struct pool *pool;
	struct question *question; /* NULL: idle */
	place_t place;		   /* where it is at */
	uint64_t since_ns;	   /* when it came there */
	bool is_running, is_stuck;
};

struct pool {
	struct queue asked, unproven; /* the latter: of places that have not answered yet */
	pthread_cond_t put;
	unsigned int wanted, running, working, stuck; /* threads */
};

struct workers {
	int event_fd;
	int passed[2]; /* the sockets by which what a thread has opened comes to us */
	uint64_t watched_ns;
	/* under lock */
	pthread_mutex_t lock;
	struct pool pools[POOLS];
	struct queue aside, answers;
	place_t proven[PROVEN_MAX];
	unsigned int proven_next;
	struct worker workers[WORKERS_MAX + WORKERS_SPARE_MAX + 1];
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static void queue_init(struct queue *q)
{
	*q = (struct queue){NULL, &q->first};
}

static void queue_put(struct queue *q, struct question *question)
{
	question->next = NULL;
	*q->last = question;
	q->last = &question->next;
}

static struct question *queue_take(struct queue *q)
{
	struct question *question = q->first;

	if (question) {
		q->first = question->next;
		if (!q->first)
			q->last = &q->first;
	}
	return question;
}

static place_t *proven_find(struct workers *w, place_t place)
{
	for (size_t i = 0; i < PROVEN_MAX; i++)
		if (w->proven[i] == place)
			return &w->proven[i];
	return NULL;
}

/* Processes are not worth remembering: they are many, and asked once. */
static void place_has_answered(struct workers *w, place_t place)
{
	if ((place <= UINT32_MAX || place == PLACE_NAMES) && !proven_find(w, place))
		w->proven[w->proven_next++ % PROVEN_MAX] = place;
}

static void place_hangs(struct workers *w, place_t place)
{
	place_t *proven = proven_find(w, place);

	if (proven)
		*proven = 0;
}

static struct pool *ask(struct workers *w, struct question *question)
{
	place_t place = question->lookup.place;
	struct pool *pool = &w->pools[place == PLACE_NAMES ? POOL_NAMES : POOL_FILES];
	bool is_proven = place == PLACE_NAMES || proven_find(w, place);

	queue_put(is_proven ? &pool->asked : &pool->unproven, question);
	return pool;
}

/* How long a lookup hangs at the place by now, 0 if none does. */
static uint64_t place_stuck_ns(const struct workers *w, place_t place)
{
	uint64_t longest = 0, now;

	if (!w->pools[POOL_FILES].stuck && !w->pools[POOL_NAMES].stuck)
		return 0;
	now = now_ns();
	for (size_t i = 0; i < ARRAY_SIZE(w->workers); i++)
		if (w->workers[i].is_stuck && w->workers[i].place == place)
			longest = MAX(longest, now - w->workers[i].since_ns);
	return longest;
}

static void answer(struct workers *w, struct question *question)
{
	/* a descriptor is its thread's own: handed on, in the order of the answers */
	if (question->lookup.fd >= 0)
		question->lookup.has_passed =
			descriptors_pass(w->passed[0], TAKE_FD(question->lookup.fd));
	queue_put(&w->answers, question);
	(void)eventfd_write(w->event_fd, 1); /* full: the reader will come all the same */
}

static void refuse(struct workers *w, struct question *question)
{
	question->lookup.is_refused = true;
	question->lookup.why = place_is_silent(question->lookup.place);
	answer(w, question);
}

/* Not asked, since its place is slow or silent. */
static void come_back(struct workers *w, struct question *question)
{
	if (place_stuck_ns(w, question->lookup.place) >= PLACE_SILENT_NS)
		refuse(w, question);
	else
		queue_put(&w->aside, question);
}

/* The next question whose place can be expected to answer. The last free thread is for places that
 * have answered before: however many new ones hang, those go on. */
static struct question *take(struct workers *w, struct pool *pool)
{
	bool is_last = pool->wanted > 1 && pool->running - pool->working < 2;
	struct question *question;

	while ((question = queue_take(&pool->asked)) ||
	       (!is_last && (question = queue_take(&pool->unproven)))) {
		if (!place_stuck_ns(w, question->lookup.place))
			break;
		come_back(w, question);
	}
	return question;
}

/* What waits aside is asked again; what still hangs puts it back there. */
static void aside_ask(struct workers *w)
{
	struct question *question;

	while ((question = queue_take(&w->aside)))
		(void)ask(w, question);
	pthread_cond_broadcast(&w->pools[POOL_FILES].put);
}

/* The worker is somewhere else now, or done (NULL question). */
static void worker_moves(struct worker *me, struct question *question, place_t place)
{
	bool was_stuck = me->is_stuck;

	me->question = question;
	me->place = place;
	me->since_ns = now_ns();
	me->is_stuck = false;
	if (!was_stuck)
		return;
	me->pool->stuck--;
	aside_ask(me->workers);
}

static bool worker_enter(struct lookup *lookup, place_t place)
{
	struct worker *me = lookup->enter_arg;
	bool answers;

	pthread_mutex_lock(&me->workers->lock);
	if (me->place != place)
		worker_moves(me, me->question, place);
	answers = me->is_stuck || !place_stuck_ns(me->workers, place);
	pthread_mutex_unlock(&me->workers->lock);
	return answers;
}

static void *worker_run(void *arg)
{
	struct worker *me = arg;
	struct workers *w = me->workers;
	struct pool *pool = me->pool;

	if (pool == &w->pools[POOL_FILES])
		descriptors_own((int[]){w->event_fd, w->passed[0]}, 2);
	pthread_mutex_lock(&w->lock);
	/* one that hung is replaced: it goes when it is back */
	while (pool->running - pool->stuck <= pool->wanted) {
		struct question *question = take(w, pool);

		if (!question) {
			pthread_cond_wait(&pool->put, &w->lock);
			continue;
		}
		pool->working++;
		worker_moves(me, question, question->lookup.place);
		question->lookup.enter = worker_enter;
		question->lookup.enter_arg = me;
		pthread_mutex_unlock(&w->lock);
		lookup_run(&question->lookup);
		pthread_mutex_lock(&w->lock);
		pool->working--;
		worker_moves(me, NULL, 0);
		if (question->lookup.is_refused) {
			come_back(w, question);
		} else {
			place_has_answered(w, question->lookup.place);
			answer(w, question);
		}
	}
	pool->running--;
	me->is_running = false;
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* Under lock. */
static int worker_start(struct workers *w, struct pool *pool)
{
	struct worker *me = w->workers;
	pthread_attr_t attributes;
	sigset_t all, before;
	pthread_t thread;
	int r;

	while (me->is_running)
		if (++me == w->workers + ARRAY_SIZE(w->workers))
			return -EAGAIN;
	*me = (struct worker){.workers = w, .pool = pool, .is_running = true};
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	r = -pthread_create(&thread, &attributes, worker_run, me);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	me->is_running = !r;
	pool->running += !r;
	return r;
}

int workers_new(unsigned int count, struct workers **ret)
{
	struct workers *w = calloc(1, sizeof(*w));
	int r = 0;

	if (!w)
		return -ENOMEM;
	w->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = w->event_fd < 0 ? -errno : descriptors_pair(w->passed);
	if (r) {
		cleanup_close(&w->event_fd);
		free(w);
		return r;
	}
	pthread_mutex_init(&w->lock, NULL);
	queue_init(&w->aside);
	queue_init(&w->answers);
	for (int i = 0; i < POOLS; i++) {
		queue_init(&w->pools[i].asked);
		queue_init(&w->pools[i].unproven);
		pthread_cond_init(&w->pools[i].put, NULL);
	}
	w->pools[POOL_FILES].wanted = count;
	w->pools[POOL_NAMES].wanted = count > 0;
	*ret = w; /* the threads that are there hold it */
	pthread_mutex_lock(&w->lock);
	for (int i = 0; i < POOLS; i++)
		for (unsigned int j = 0; j < w->pools[i].wanted && !r; j++)
			r = worker_start(w, &w->pools[i]);
	pthread_mutex_unlock(&w->lock);
	return r;
}

bool workers_place_answers(struct workers *w, place_t place)
{
	uint64_t stuck_ns;

	pthread_mutex_lock(&w->lock);
	stuck_ns = place_stuck_ns(w, place);
	pthread_mutex_unlock(&w->lock);
	return stuck_ns < PLACE_SILENT_NS;
}

void workers_ask(struct workers *w, struct question *question)
{
	pthread_mutex_lock(&w->lock);
	pthread_cond_signal(&ask(w, question)->put);
	pthread_mutex_unlock(&w->lock);
}

struct question *workers_answered(struct workers *w)
{
	struct question *question;

	pthread_mutex_lock(&w->lock);
	question = queue_take(&w->answers);
	if (question && question->lookup.has_passed)
		question->lookup.fd = descriptors_take(w->passed[1]);
	pthread_mutex_unlock(&w->lock);
	return question;
}

int workers_fd(const struct workers *w)
{
	return w->event_fd;
}

/* Questions that wait for a place which has turned out not to answer. */
static void queue_refuse(struct workers *w, struct queue *queue)
{
	struct queue kept;
	struct question *question;

	queue_init(&kept);
	while ((question = queue_take(queue))) {
		if (place_stuck_ns(w, question->lookup.place) >= PLACE_SILENT_NS)
			refuse(w, question);
		else
			queue_put(&kept, question);
	}
	queue_init(queue);
	while ((question = queue_take(&kept)))
		queue_put(queue, question);
}

void workers_watch(struct workers *w)
{
	uint64_t now = now_ns();

	if (now - w->watched_ns < WATCH_EVERY_NS)
		return;
	w->watched_ns = now;
	pthread_mutex_lock(&w->lock);
	for (size_t i = 0; i < ARRAY_SIZE(w->workers); i++) {
		struct worker *worker = &w->workers[i];

		if (!worker->question || worker->is_stuck || worker->since_ns > now ||
		    now - worker->since_ns < PLACE_SLOW_NS)
			continue;
		worker->is_stuck = true;
		place_hangs(w, worker->place);
		worker->pool->stuck++;
		if (worker->pool == &w->pools[POOL_FILES] &&
		    worker->pool->stuck <= WORKERS_SPARE_MAX)
			(void)worker_start(w, worker->pool);
	}
	if (w->pools[POOL_FILES].stuck)
		queue_refuse(w, &w->aside);
	if (w->pools[POOL_NAMES].stuck)
		queue_refuse(w, &w->pools[POOL_NAMES].asked);
	pthread_mutex_unlock(&w->lock);
}

uint32_t workers_stuck(struct workers *w)
{
	uint32_t stuck;

	pthread_mutex_lock(&w->lock);
	stuck = w->pools[POOL_FILES].stuck + w->pools[POOL_NAMES].stuck;
	pthread_mutex_unlock(&w->lock);
	return stuck;
}
