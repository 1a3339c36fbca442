/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The SQLite back end: opening, transactions, waiting.
 *
 * Several loaders may write at once; SQLite lets one at a time. A transaction therefore takes the
 * write lock when it begins (BEGIN IMMEDIATE): one that read first and then wanted to write could
 * find that somebody else had, and would have to start over. Readers are never in the way (WAL).
 * synchronous=FULL syncs each commit, since the spool file may be removed right after it.
 */
#include "ingest/sqlite.h"

#include <errno.h>
#include <time.h>

#define BUSY_STEP_MS	 20
#define BUSY_MAX_MS	 (60 * 1000ULL) /* a loader's biggest transaction takes seconds */
#define PAGE_SIZE	 "8192"		/* rows of a run take 200 to 400 bytes */
#define CACHE_KIB	 "8192"
#define CHECKPOINT_PAGES "4000"
#define WAL_LIMIT	 "67108864" /* bytes that the WAL keeps when idle */

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / NS_PER_MS;
}

/* SQLite calls this for as long as somebody else holds the lock; 0 gives up. */
static int wait_for_lock(void *arg, int attempt)
{
	struct sqlite *self = arg;
	const struct timespec step = {.tv_nsec = BUSY_STEP_MS * NS_PER_MS};

	if (attempt == 0)
		self->waiting_since_ms = now_ms();
	if (*self->stop || now_ms() - self->waiting_since_ms > BUSY_MAX_MS)
		return 0;
	nanosleep(&step, NULL);
	return 1;
}

static int set_up(struct sqlite *self, enum backend_mode mode)
{
	/* page_size and auto_vacuum count only while the file is empty. */
	static const char *const load[] = {
		"PRAGMA page_size = " PAGE_SIZE,
		"PRAGMA journal_mode = WAL",
		"PRAGMA synchronous = FULL",
		"PRAGMA cache_size = -" CACHE_KIB,
		"PRAGMA wal_autocheckpoint = " CHECKPOINT_PAGES,
		"PRAGMA journal_size_limit = " WAL_LIMIT,
		"PRAGMA temp_store = MEMORY",
	};

	for (size_t i = 0; mode != BACKEND_READ && i < ARRAY_SIZE(load); i++) {
		int r = sqlite_run(self, load[i]);

		if (r < 0)
			return r;
	}
	return sqlite_migrate(self, mode);
}

/*
 * While another loader makes the file, or the last one closes it, SQLite may say busy at once,
 * without asking wait_for_lock(). All of it can be done again.
 */
static int set_up_patiently(struct sqlite *self, enum backend_mode mode)
{
	const struct timespec step = {.tv_nsec = BUSY_STEP_MS * NS_PER_MS};
	uint64_t since_ms = now_ms();
	int r;

	while ((r = set_up(self, mode)) == -EAGAIN && !*self->stop &&
	       now_ms() - since_ms < BUSY_MAX_MS)
		nanosleep(&step, NULL);
	return r;
}

static void sqlite_close(struct backend *backend)
{
	struct sqlite *self = (struct sqlite *)backend;

	sqlite_finalize_all(self);
	sqlite3_close(self->db);
	free(self->path);
	free(self);
}

static int sqlite_open(const struct database_url *url, enum backend_mode mode,
		       const volatile sig_atomic_t *stop, struct backend **ret,
		       char message[BACKEND_MESSAGE_SIZE])
{
	int flags = mode == BACKEND_READ ? SQLITE_OPEN_READONLY
					 : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
	struct sqlite *self = calloc(1, sizeof(*self));
	int r;

	if (self)
		self->path = strdup(url->path);
	if (!self || !self->path) {
		free(self);
		snprintf(message, BACKEND_MESSAGE_SIZE, "memory ran out");
		return -ENOMEM;
	}
	self->backend.ops = &backend_sqlite;
	self->stop = stop;
	self->claim = -1;
	r = sqlite3_open_v2(url->path, &self->db, flags | SQLITE_OPEN_NOMUTEX, NULL);
	if (r == SQLITE_OK) {
		sqlite3_extended_result_codes(self->db, 1);
		sqlite3_busy_handler(self->db, wait_for_lock, self);
		r = set_up_patiently(self, mode);
	} else {
		r = sqlite_fail(self, r);
	}
	if (r < 0) {
		memcpy(message, self->backend.message, BACKEND_MESSAGE_SIZE);
		sqlite_close(&self->backend);
		return r;
	}
	*ret = &self->backend;
	return 0;
}

static int sqlite_begin(struct backend *backend)
{
	return sqlite_run((struct sqlite *)backend, "BEGIN IMMEDIATE");
}

static int sqlite_commit(struct backend *backend)
{
	return sqlite_run((struct sqlite *)backend, "COMMIT");
}

static void sqlite_rollback(struct backend *backend)
{
	struct sqlite *self = (struct sqlite *)backend;
	char message[BACKEND_MESSAGE_SIZE];

	/* After a full disk SQLite has rolled back by itself. What went wrong before is what
	 * counts. */
	memcpy(message, backend->message, sizeof(message));
	if (!sqlite3_get_autocommit(self->db))
		(void)sqlite_run(self, "ROLLBACK");
	memcpy(backend->message, message, sizeof(message));
}

const struct backend_ops backend_sqlite = {
	.scheme = "sqlite",
	.open = sqlite_open,
	.close = sqlite_close,
	.begin = sqlite_begin,
	.commit = sqlite_commit,
	.rollback = sqlite_rollback,
	.find = sqlite_find,
	.entity = sqlite_entity,
	.insert = sqlite_insert,
	.record = backend_record_now,
	.get = sqlite_get,
	.update = sqlite_update,
	.erase = sqlite_erase,
	.each = sqlite_each,
	.statement = sqlite_statement,
	.generation = sqlite_generation,
	.claim = sqlite_claim,
};
