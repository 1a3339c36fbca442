// SPDX-License-Identifier: BSD-2-Clause
/* One thread that reads, and who waits for it. A reader belongs to both; once it is left, to its
 * thread, whenever that comes back. */
#include "daemon/scan_thread.h"
#include "daemon/descriptors.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>

#define STACK_BYTES (256 * 1024)

enum reader_state { READER_IDLE, READER_ASKED, READER_LEFT };

struct reader {
	pthread_mutex_t lock;
	pthread_cond_t moved;
	enum reader_state state;
	struct scan_read read;
};

struct scanner {
	struct reader *reader;
	uint64_t spent_ns, stuck;
	struct {
		uint32_t uid;
		uint64_t spent_ns;
	} users[SCAN_USERS_MAX];
	size_t user_count;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static void reader_free(struct reader *r)
{
	scan_read_done(&r->read);
	pthread_mutex_destroy(&r->lock);
	pthread_cond_destroy(&r->moved);
	free(r);
}

static void *reader_run(void *arg)
{
	struct reader *r = arg;

	descriptors_own(NULL, 0);
	pthread_mutex_lock(&r->lock);
	while (r->state != READER_LEFT) {
		if (r->state == READER_IDLE) {
			pthread_cond_wait(&r->moved, &r->lock);
			continue;
		}
		pthread_mutex_unlock(&r->lock);
		scan_read(&r->read);
		pthread_mutex_lock(&r->lock);
		if (r->state == READER_ASKED)
			r->state = READER_IDLE;
		pthread_cond_signal(&r->moved);
	}
	pthread_mutex_unlock(&r->lock);
	reader_free(r);
	return NULL;
}

static struct reader *reader_new(void)
{
	struct reader *r = calloc(1, sizeof(*r));
	pthread_condattr_t clock;
	pthread_attr_t attributes;
	sigset_t all, before;
	pthread_t thread;
	int error;

	if (!r)
		return NULL;
	pthread_mutex_init(&r->lock, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&r->moved, &clock);
	pthread_condattr_destroy(&clock);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	error = pthread_create(&thread, &attributes, reader_run, r);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	if (!error)
		return r;
	reader_free(r);
	return NULL;
}

static void reader_leave(struct reader *r)
{
	pthread_mutex_lock(&r->lock);
	r->state = READER_LEFT;
	pthread_cond_signal(&r->moved);
	pthread_mutex_unlock(&r->lock);
}

/* What is done of it when it is read, or patience is at its end. */
static unsigned int reader_ask(struct reader *r, uint32_t pid, unsigned int wanted)
{
	uint64_t until = now_ns() + SCAN_PATIENCE_NS;
	struct timespec deadline = {until / NS_PER_S, until % NS_PER_S};
	int error = 0;

	scan_read_done(&r->read);
	memset(&r->read, 0, offsetof(struct scan_read, exe_data));
	r->read.program = (struct event_file){};
	r->read.has_more_maps = false;
	r->read.maps_bytes = r->read.maps_count = 0;
	r->read.pid = pid;
	r->read.wanted = wanted;
	pthread_mutex_lock(&r->lock);
	r->state = READER_ASKED;
	pthread_cond_signal(&r->moved);
	while (r->state == READER_ASKED && !error)
		error = pthread_cond_timedwait(&r->moved, &r->lock, &deadline);
	pthread_mutex_unlock(&r->lock);
	return atomic_load_explicit(&r->read.done, memory_order_acquire);
}

/* One that can be asked; one that was late may be back. */
static struct reader *reader_ready(struct scanner *s)
{
	bool is_idle = false;

	if (s->reader) {
		pthread_mutex_lock(&s->reader->lock);
		is_idle = s->reader->state == READER_IDLE;
		pthread_mutex_unlock(&s->reader->lock);
	}
	if (!is_idle) {
		scanner_rest(s);
		s->reader = reader_new();
	}
	return s->reader;
}

static uint64_t *user_spent(struct scanner *s, uint32_t uid)
{
	for (size_t i = 0; i < s->user_count; i++)
		if (s->users[i].uid == uid)
			return &s->users[i].spent_ns;
	if (s->user_count == SCAN_USERS_MAX)
		return NULL;
	s->users[s->user_count].uid = uid;
	return &s->users[s->user_count++].spent_ns;
}

static void charge(struct scanner *s, uint32_t uid, uint64_t since_ns)
{
	uint64_t elapsed = now_ns() - since_ns, *spent;

	if (elapsed <= SCAN_FREE_NS)
		return;
	s->spent_ns += elapsed - SCAN_FREE_NS;
	spent = user_spent(s, uid);
	if (spent)
		*spent += elapsed - SCAN_FREE_NS;
}

static bool is_spent(const struct scanner *s, uint32_t uid)
{
	for (size_t i = 0; i < s->user_count; i++)
		if (s->users[i].uid == uid && s->users[i].spent_ns >= SCAN_USER_NS)
			return true;
	return s->spent_ns >= SCAN_ALL_NS;
}

const struct scan_read *scanner_read(struct scanner *s, uint32_t pid, unsigned int *ret_done)
{
	struct reader *r = reader_ready(s);
	uint64_t since = now_ns();
	unsigned int done;
	struct stat owner; /* effective user; not what PR_SET_DUMPABLE makes of it: it's a folder */
	char path[32];

	snprintf(path, sizeof(path), "/proc/%u", pid);
	if (!r || stat(path, &owner)) {
		s->stuck += !r;
		*ret_done = 0;
		return NULL;
	}
	done = reader_ask(r, pid, is_spent(s, owner.st_uid) ? SCAN_STATUS : SCAN_ALL);
	charge(s, owner.st_uid, since);
	if (!(done & SCAN_STATUS) || (r->read.is_program && done != SCAN_ALL))
		s->stuck++;
	*ret_done = done;
	return &r->read;
}

void scanner_rest(struct scanner *s)
{
	if (s->reader)
		reader_leave(TAKE_PTR(s->reader));
}

int scanner_new(struct scanner **ret)
{
	struct scanner *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	*ret = s;
	return 0;
}

void scanner_free(struct scanner *s)
{
	if (!s)
		return;
	scanner_rest(s);
	free(s);
}

void scanner_losses(const struct scanner *s, struct losses *ret)
{
	if (s)
		ret->count[LOSS_SCAN_STUCK] = s->stuck;
}
