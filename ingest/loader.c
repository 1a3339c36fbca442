/* SPDX-License-Identifier: BSD-2-Clause */
#include "ingest/loader.h"
#include "ingest/arena.h"
#include "ingest/file.h"

#include <errno.h>
#include <time.h>

#define RETRY_STEP_MS 50

int loader_init(struct loader *loader, struct backend *db, const volatile sig_atomic_t *stop)
{
	*loader = (struct loader){.db = db, .stop = stop, .generation = -1};
	arena_install();
	int r = cache_new(&loader->cache);

	for (size_t i = 0; r == 0 && i < SHAPE_COUNT; i++)
		r = plan_new((enum mapping_shape)i, &loader->plans[i]);
	if (r == 0) {
		loader->expected = calloc(LOADER_EXPECTED_MAX, sizeof(*loader->expected));
		r = loader->expected ? 0 : -ENOMEM;
	}
	if (r < 0)
		loader_done(loader);
	return r;
}

void loader_done(struct loader *loader)
{
	for (size_t i = 0; i < SHAPE_COUNT; i++)
		plan_free(loader->plans[i]);
	for (size_t i = 0; i < loader->expected_count; i++) {
		free(loader->expected[i].before);
		free(loader->expected[i].name);
	}
	free(loader->expected);
	cache_free(loader->cache);
	arena_done();
	*loader = (struct loader){};
}

int loader_begin(struct loader *loader)
{
	struct backend *db = loader->db;
	int64_t generation = -1;
	int r = db->ops->begin(db);

	if (r < 0)
		return r;
	r = db->ops->generation(db, &generation);
	if (r < 0) {
		db->ops->rollback(db);
		return r;
	}
	if (generation != loader->generation)
		cache_clear(loader->cache);
	loader->generation = generation;
	return 0;
}

int loader_end(struct loader *loader, int r)
{
	struct backend *db = loader->db;

	if (r == 0)
		r = db->ops->commit(db);
	if (r < 0) {
		db->ops->rollback(db);
		cache_clear(loader->cache);
	}
	return r;
}

/* A path gets its names when it is made; one that is there keeps what it has. */
static int make_path(struct loader *loader, const struct value *key, int64_t *ret_id)
{
	struct value row[PATH_COLUMNS];
	struct path_names found;

	memcpy(row, key, sizeof(row));
	site_names_of(loader->names, key[PATH_PATH].bytes, &found);
	row[PATH_SOFTWARE] = value_text(found.software);
	row[PATH_MODULE] = value_text(found.module);
	return loader->db->ops->entity(loader->db, mapping_tables[TABLE_PATH], row, ret_id);
}

int loader_entity(void *arg, const struct table *table, const struct value *key, int64_t *ret_id)
{
	struct loader *loader = arg;
	int r;

	if (cache_get(loader->cache, table->number, key, table->key_count, ret_id))
		return 0;
	if (table->number == TABLE_PATH && loader->names)
		r = make_path(loader, key, ret_id);
	else
		r = loader->db->ops->entity(loader->db, table, key, ret_id);
	if (r == 0)
		cache_put(loader->cache, table->number, key, table->key_count, *ret_id);
	return r;
}

void loader_expect(struct loader *loader, const char *before, const char *name)
{
	struct expected *expected = &loader->expected[loader->expected_count];

	if (loader->expected_count == LOADER_EXPECTED_MAX)
		return; /* the view missing_file knows them all */
	expected->before = strdup(before);
	expected->name = strdup(name);
	if (expected->before && expected->name) {
		loader->expected_count++;
	} else {
		free(expected->before);
		free(expected->name);
	}
}

static void add_totals(struct totals *to, const struct totals *from)
{
	uint64_t *sum = (uint64_t *)to;
	const uint64_t *part = (const uint64_t *)from;

	_Static_assert(sizeof(*to) % sizeof(*sum) == 0, "totals are all uint64_t");
	for (size_t i = 0; i < sizeof(*to) / sizeof(*sum); i++)
		sum[i] += part[i];
}

void loader_pause(int attempt)
{
	/* Not all those who met wait equally long. */
	long ms = RETRY_STEP_MS * (attempt + 1) + getpid() % RETRY_STEP_MS;
	const struct timespec step = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * (long)NS_PER_MS};

	nanosleep(&step, NULL);
}

int loader_load(struct loader *loader, int dir, const char *path, struct file_result *ret,
		bool *ret_is_database)
{
	struct totals totals, doubtful;
	bool is_doubtful = false;
	int r;

	for (int attempt = 0;; attempt++) {
		totals = (struct totals){};
		*ret_is_database = false;
		r = file_load(loader, dir, path, &totals, ret, ret_is_database);
		if (r == -EINPROGRESS) {
			doubtful = totals;
			is_doubtful = true;
			r = -EAGAIN;
		}
		if (r != -EAGAIN || attempt == LOADER_ATTEMPTS || *loader->stop)
			break;
		loader_pause(attempt);
	}
	/* It was in, only the answer was lost. */
	if (r == 0 && is_doubtful && ret->outcome == FILE_KNOWN) {
		totals = doubtful;
		ret->outcome = FILE_LOADED;
	}
	if (r == 0)
		add_totals(&loader->totals, &totals);
	return r;
}
