// SPDX-License-Identifier: BSD-2-Clause
/* The cache of facts, and the queue to and from the workers (facts_lookup.c says how they look). */
#include "daemon/facts.h"
#include "daemon/facts_lookup.h"

#include <errno.h>
#include <pthread.h>
#include <search.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>

#define USER_TTL_NS    (600 * NS_PER_S) /* names change seldom, but they do */
#define UNKNOWN_TTL_NS NS_PER_S

struct question {
	struct question *next;
	struct fact *fact; /* held */
	struct lookup lookup;
};

struct queue {
	struct question *first, **last;
	uint32_t count;
};

struct facts {
	void *tree;		      /* tsearch */
	struct fact *newest, *oldest; /* without references */
	uint32_t idle;
	struct facts_counts counts;
	int event_fd;
	/* under lock */
	pthread_mutex_t lock;
	pthread_cond_t asked;
	struct queue questions, answers;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static void queue_init(struct queue *q)
{
	*q = (struct queue){NULL, &q->first, 0};
}

static void queue_put(struct queue *q, struct question *question)
{
	question->next = NULL;
	*q->last = question;
	q->last = &question->next;
	q->count++;
}

static struct question *queue_take(struct queue *q)
{
	struct question *question = q->first;

	if (question) {
		q->first = question->next;
		if (!q->first)
			q->last = &q->first;
		q->count--;
	}
	return question;
}

static void *worker(void *arg)
{
	struct facts *f = arg;
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	for (;;) {
		struct question *question;
		uint64_t one = 1;

		pthread_mutex_lock(&f->lock);
		while (!(question = queue_take(&f->questions)))
			pthread_cond_wait(&f->asked, &f->lock);
		pthread_mutex_unlock(&f->lock);
		lookup_run(&question->lookup);
		pthread_mutex_lock(&f->lock);
		queue_put(&f->answers, question);
		pthread_mutex_unlock(&f->lock);
		if (write(f->event_fd, &one, sizeof(one)) < 0)
			continue; /* full: the reader will come all the same */
	}
	return NULL;
}

int facts_new(unsigned int workers, struct facts **ret)
{
	struct facts *f = calloc(1, sizeof(*f));
	pthread_attr_t attributes;
	int r = 0;

	if (!f)
		return -ENOMEM;
	f->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (f->event_fd < 0) {
		r = -errno;
		free(f);
		return r;
	}
	queue_init(&f->questions);
	queue_init(&f->answers);
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->asked, NULL);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, 512 * 1024);
	for (unsigned int i = 0; i < workers && !r; i++) {
		pthread_t thread;

		r = -pthread_create(&thread, &attributes, worker, f);
	}
	pthread_attr_destroy(&attributes);
	*ret = f; /* the workers there are hold it */
	return r;
}

void facts_free(struct facts *f)
{
	(void)f; /* detached workers may still use it; called as the process ends */
}

static int fact_compare(const void *a, const void *b)
{
	const struct fact *x = a, *y = b;
	int order;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->kind == FACT_USER)
		return x->uid < y->uid ? -1 : x->uid > y->uid;
	order = memcmp(&x->file, &y->file, sizeof(x->file));
	if (order)
		return order;
	if (x->path_len != y->path_len)
		return x->path_len < y->path_len ? -1 : 1;
	return x->path_len ? memcmp(x->path, y->path, x->path_len) : 0;
}

static void idle_remove(struct facts *f, struct fact *fact)
{
	*(fact->newer ? &fact->newer->older : &f->newest) = fact->older;
	*(fact->older ? &fact->older->newer : &f->oldest) = fact->newer;
	fact->newer = fact->older = NULL;
	f->idle--;
}

static void idle_add(struct facts *f, struct fact *fact)
{
	fact->older = f->newest;
	fact->newer = NULL;
	*(f->newest ? &f->newest->newer : &f->oldest) = fact;
	f->newest = fact;
	f->idle++;
}

static void fact_forget(struct facts *f, struct fact *fact)
{
	if (!fact->is_private)
		tdelete(fact, &f->tree, fact_compare);
	idle_remove(f, fact);
	free(fact->path);
	free(fact);
}

/* Queues the question; where that can't be, the fact is unknown at once. */
static void fact_ask(struct facts *f, struct fact *fact, const uint32_t pids[2])
{
	struct question *question = calloc(1, sizeof(*question));

	fact->state = FACT_ASKED;
	if (!question || f->counts.waiting >= FACTS_QUEUE_MAX ||
	    lookup_init(&question->lookup, fact, pids)) {
		free(question);
		fact->state = FACT_UNKNOWN;
		fact->why = "too much to look up at once";
		fact->known_ns = now_ns();
		f->counts.queue_full++;
		return;
	}
	question->fact = facts_hold(fact);
	f->counts.waiting++;
	f->counts.asked++;
	pthread_mutex_lock(&f->lock);
	queue_put(&f->questions, question);
	pthread_cond_signal(&f->asked);
	pthread_mutex_unlock(&f->lock);
}

/* What could not be found out stays so for who holds it; whoever asks later asks anew. */
static bool fact_is_stale(const struct fact *fact)
{
	return fact->state == FACT_UNKNOWN && now_ns() - fact->known_ns > UNKNOWN_TTL_NS;
}

static struct fact *fact_get(struct facts *f, const struct fact *key, const uint32_t pids[2])
{
	struct fact **found = tfind(key, &f->tree, fact_compare), *fact;

	if (found && fact_is_stale(*found)) {
		fact = *found;
		tdelete(fact, &f->tree, fact_compare);
		fact->is_private = true;
		found = NULL;
	}
	if (found) {
		fact = *found;
		f->counts.cached++;
		if (!fact->references)
			idle_remove(f, fact);
		fact->references++;
		if (fact->kind != FACT_FILE && fact->state != FACT_ASKED &&
		    now_ns() - fact->known_ns > USER_TTL_NS && fact->references == 1)
			fact_ask(f, fact, pids);
		return fact;
	}
	fact = malloc(sizeof(*fact));
	if (!fact)
		return NULL;
	*fact = *key;
	fact->path = key->path_len ? malloc(key->path_len + 1) : NULL;
	if (key->path_len && !fact->path) {
		free(fact);
		return NULL;
	}
	if (fact->path) {
		memcpy(fact->path, key->path, key->path_len);
		fact->path[key->path_len] = '\0';
	}
	fact->references = 1;
	if (!tsearch(fact, &f->tree, fact_compare)) {
		free(fact->path);
		free(fact);
		return NULL;
	}
	fact_ask(f, fact, pids);
	return fact;
}

struct fact *facts_file(struct facts *f, const struct event_file *file, struct bytes path,
			uint32_t pid, uint32_t parent_pid)
{
	struct fact key = {
		.kind = FACT_FILE, .file = *file, .path = (char *)path.data, .path_len = path.len};

	return fact_get(f, &key, (const uint32_t[2]){pid, parent_pid});
}

struct fact *facts_user(struct facts *f, uint32_t uid)
{
	struct fact key = {.kind = FACT_USER, .uid = uid};

	return fact_get(f, &key, (const uint32_t[2]){0, 0});
}

struct fact *facts_id(struct facts *f, enum fact_kind kind, struct bytes name)
{
	struct fact key = {.kind = kind, .path = (char *)name.data, .path_len = name.len};

	return fact_get(f, &key, (const uint32_t[2]){0, 0});
}

struct fact *facts_hold(struct fact *fact)
{
	if (fact)
		fact->references++;
	return fact;
}

void facts_release(struct facts *f, struct fact *fact)
{
	if (!fact || --fact->references)
		return;
	idle_add(f, fact);
	/* an answer that never came isn't worth keeping */
	if (fact->state == FACT_UNKNOWN)
		fact_forget(f, fact);
	while (f->idle > FACTS_CACHE_MAX)
		fact_forget(f, f->oldest);
}

struct fact *facts_give_up(struct facts *f, struct fact *fact)
{
	struct fact *copy = malloc(sizeof(*copy));

	if (copy) {
		*copy = *fact;
		copy->state = FACT_UNKNOWN;
		copy->why = "not looked up in time";
		copy->is_private = true;
		copy->references = 1;
		copy->path = fact->path ? malloc(fact->path_len + 1) : NULL;
		if (copy->path)
			memcpy(copy->path, fact->path, fact->path_len + 1);
		else if (fact->path) {
			free(copy);
			copy = NULL;
		}
	}
	f->counts.given_up++;
	facts_release(f, fact);
	return copy;
}

int facts_fd(const struct facts *f)
{
	return f->event_fd;
}

void facts_collect(struct facts *f)
{
	uint64_t count;

	while (read(f->event_fd, &count, sizeof(count)) > 0)
		;
	for (;;) {
		struct question *question;

		pthread_mutex_lock(&f->lock);
		question = queue_take(&f->answers);
		pthread_mutex_unlock(&f->lock);
		if (!question)
			break;
		lookup_answer(&question->lookup, question->fact);
		question->fact->known_ns = now_ns();
		f->counts.waiting--;
		facts_release(f, question->fact);
		lookup_done(&question->lookup);
		free(question);
	}
}

void facts_counts(const struct facts *f, struct facts_counts *ret)
{
	*ret = f->counts;
}
