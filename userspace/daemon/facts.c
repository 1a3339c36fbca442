// SPDX-License-Identifier: BSD-2-Clause
/* The cache of facts. facts_workers.c has the threads, facts_lookup.c says how they look. */
#include "daemon/facts.h"
#include "daemon/facts_workers.h"

#include <errno.h>
#include <search.h>
#include <time.h>

#define USER_TTL_NS    (600 * NS_PER_S) /* names change seldom, but they do */
#define UNKNOWN_TTL_NS NS_PER_S

struct facts {
	void *tree;		      /* tsearch */
	struct fact *newest, *oldest; /* without references */
	uint32_t idle;
	struct facts_counts counts;
	struct workers *workers;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* What a fact takes of memory, its place in the tree included; of a question as much. */
static uint64_t fact_bytes(const struct fact *fact)
{
	return sizeof(*fact) + fact->path_len + fact->real_len + 96;
}

int facts_new(unsigned int workers, struct facts **ret)
{
	struct facts *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return -ENOMEM;
	r = workers_new(workers, &f->workers);
	if (!f->workers) {
		free(f);
		return r;
	}
	*ret = f; /* the workers there are hold theirs */
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
	if (!order && x->kind == FACT_TOLD)
		order = memcmp(&x->notes, &y->notes, sizeof(x->notes));
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
	f->counts.idle_bytes -= fact_bytes(fact);
}

static void idle_add(struct facts *f, struct fact *fact)
{
	fact->older = f->newest;
	fact->newer = NULL;
	*(f->newest ? &f->newest->newer : &f->oldest) = fact;
	f->newest = fact;
	f->idle++;
	f->counts.idle_bytes += fact_bytes(fact);
}

static void fact_forget(struct facts *f, struct fact *fact)
{
	if (!fact->is_private)
		tdelete(fact, &f->tree, fact_compare);
	idle_remove(f, fact);
	f->counts.bytes -= fact_bytes(fact);
	cleanup_close(&fact->fd);
	free(fact->real);
	free(fact->path);
	free(fact);
}

static void fact_is_unknown(struct fact *fact, const char *why)
{
	/* what was told stays so under the name that it was told by */
	fact->state = fact->kind == FACT_TOLD ? FACT_KNOWN : FACT_UNKNOWN;
	fact->why = fact->kind == FACT_TOLD ? NULL : why;
	fact->known_ns = now_ns();
}

/* Queues the question; where that can't be, the fact is unknown at once. */
static void fact_ask(struct facts *f, struct fact *fact, const uint32_t pids[2])
{
	struct question *question;

	if (!workers_place_answers(f->workers, fact_place(fact))) {
		f->counts.silent++;
		if (fact->state == FACT_KNOWN) /* it was asked for once more */
			fact->known_ns = now_ns();
		else
			fact_is_unknown(fact, place_is_silent(fact_place(fact)));
		return;
	}
	question = calloc(1, sizeof(*question));
	if (!question || f->counts.waiting >= FACTS_QUEUE_MAX ||
	    f->counts.waiting_bytes >= FACTS_QUEUE_BYTES ||
	    lookup_init(&question->lookup, fact, pids)) {
		free(question);
		fact_is_unknown(fact, "too much to look up at once");
		f->counts.queue_full++;
		return;
	}
	fact->state = FACT_ASKED;
	question->fact = facts_hold(fact);
	f->counts.waiting++;
	f->counts.waiting_bytes += fact_bytes(fact);
	f->counts.asked++;
	workers_ask(f->workers, question);
}

/* What could not be found out stays so for who holds it; whoever asks later asks anew, and does not
 * wait with those whose question hangs. */
static bool fact_is_stale(const struct facts *f, const struct fact *fact)
{
	if (fact->state == FACT_ASKED)
		return !workers_place_answers(f->workers, fact_place(fact));
	return fact->state == FACT_UNKNOWN && now_ns() - fact->known_ns > UNKNOWN_TTL_NS;
}

static void fact_make_private(struct facts *f, struct fact *fact)
{
	if (!fact->is_private)
		tdelete(fact, &f->tree, fact_compare);
	fact->is_private = true;
}

static struct fact *fact_get(struct facts *f, const struct fact *key, const uint32_t pids[2])
{
	struct fact **found = key->is_private ? NULL : tfind(key, &f->tree, fact_compare), *fact;

	if (found && fact_is_stale(f, *found)) {
		fact_make_private(f, *found);
		found = NULL;
	}
	if (found) {
		fact = *found;
		f->counts.cached++;
		if (!fact->references)
			idle_remove(f, fact);
		fact->references++;
		if (fact->kind != FACT_FILE && fact->kind != FACT_TOLD &&
		    fact->state != FACT_ASKED && now_ns() - fact->known_ns > USER_TTL_NS &&
		    fact->references == 1)
			fact_ask(f, fact, pids);
		return fact;
	}
	fact = malloc(sizeof(*fact));
	if (!fact)
		return NULL;
	*fact = *key;
	fact->state = FACT_ASKED;
	fact->fd = -1;
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
	fact->is_private = key->is_private;
	if (!fact->is_private && !tsearch(fact, &f->tree, fact_compare)) {
		free(fact->path);
		free(fact);
		return NULL;
	}
	f->counts.bytes += fact_bytes(fact);
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

struct fact *facts_told(struct facts *f, struct bytes path, const struct note_ids *notes,
			uint32_t pid, uint32_t parent_pid)
{
	struct fact key;

	memset(&key, 0, sizeof(key)); /* its padding is compared */
	key.kind = FACT_TOLD;
	key.notes.has_watermark = notes->has_watermark;
	key.notes.build_id_len = MIN(notes->build_id_len, NOTE_BUILD_ID_MAX);
	memcpy(key.notes.watermark, notes->watermark, sizeof(key.notes.watermark));
	memcpy(key.notes.build_id, notes->build_id, key.notes.build_id_len);
	key.path = (char *)path.data;
	key.path_len = path.len;
	return fact_get(f, &key, (const uint32_t[2]){pid, parent_pid});
}

struct fact *facts_memory(struct facts *f, uint32_t pid, uint32_t uid, uint64_t address,
			  uint64_t size)
{
	struct fact key = {.kind = FACT_MEMORY,
			   .uid = uid,
			   .file = {.inode = address, .size = size},
			   .is_private = true};

	return fact_get(f, &key, (const uint32_t[2]){pid, 0});
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
	if (fact->state == FACT_UNKNOWN || fact->is_private)
		fact_forget(f, fact);
	while (f->idle > FACTS_CACHE_MAX || f->counts.idle_bytes > FACTS_CACHE_BYTES)
		fact_forget(f, f->oldest);
}

struct fact *facts_give_up(struct facts *f, struct fact *fact)
{
	struct fact *copy = malloc(sizeof(*copy));

	if (copy) {
		*copy = *fact;
		fact_is_unknown(copy, "not looked up in time");
		copy->real = NULL;
		copy->real_len = 0;
		copy->fd = -1;
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
	if (copy)
		f->counts.bytes += fact_bytes(copy);
	f->counts.given_up++;
	facts_release(f, fact);
	return copy;
}

int facts_fd(const struct facts *f)
{
	return workers_fd(f->workers);
}

static void answer_take(struct facts *f, struct question *question)
{
	struct fact *fact = question->fact;

	if (question->lookup.is_refused && *fact->user) /* a name of before is better than none */
		fact->state = FACT_KNOWN;
	else
		lookup_answer(&question->lookup, fact);
	fact->known_ns = now_ns();
	f->counts.silent += question->lookup.is_refused;
	f->counts.waiting--;
	f->counts.waiting_bytes -= fact_bytes(fact) - fact->real_len;
	f->counts.bytes += fact->real_len;
	if (question->lookup.is_denied) /* it depends on the process then */
		fact_make_private(f, fact);
	facts_release(f, fact);
	lookup_done(&question->lookup);
	free(question);
}

void facts_collect(struct facts *f)
{
	struct question *question;
	uint64_t count;

	while (read(workers_fd(f->workers), &count, sizeof(count)) > 0)
		;
	workers_watch(f->workers);
	while ((question = workers_answered(f->workers)))
		answer_take(f, question);
}

void facts_counts(const struct facts *f, struct facts_counts *ret)
{
	*ret = f->counts;
	ret->stuck = workers_stuck(f->workers);
}

uint64_t facts_bytes(const struct facts *f)
{
	return f->counts.bytes - f->counts.idle_bytes;
}
