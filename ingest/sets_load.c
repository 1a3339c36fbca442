/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first reading of a file: finds its sets. A file is read twice, but now only lines that can be
 * sets or links are parsed, which are few. Their lines are kept until a batch is full, then sorted
 * and put in.
 */
#include "ingest/sets.h"
#include "ingest/arena.h"
#include "ingest/file.h"

#include <errno.h>

#define PENDING_MAX	1024 /* sets of one transaction */
#define ABSENT_IN_A_ROW 7
#define PENDING_SIZE	(2 * 1024 * 1024) /* bytes of their lines, unless it is one alone */

/* A line whose set has to be put in. */
struct pending {
	enum table_number table;
	uint8_t hash[SET_HASH_SIZE];
	char *line;
	size_t len;
};

struct set_batch {
	struct pending sets[PENDING_MAX];
	size_t count, size;
	uint8_t absent[TABLE_COUNT]; /* sets that were not there, one after another */
};

static void set_batch_clear(struct set_batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		free(batch->sets[i].line);
	batch->count = batch->size = 0;
}

static void cleanup_set_batch(struct set_batch **batch)
{
	if (*batch)
		set_batch_clear(*batch);
	free(*batch);
}

static int compare(const void *a, const void *b)
{
	const struct pending *x = a, *y = b;

	if (x->table != y->table)
		return x->table < y->table ? -1 : 1;
	return memcmp(x->hash, y->hash, sizeof(x->hash));
}

/* The set of a line, which is checked. -ENOENT: none that can be loaded. */
static int read_set(struct loader *loader, struct bytes line, cJSON **ret_record, struct set *ret)
{
	struct problem problem;
	char kind[FILE_KIND_SIZE];
	cJSON *record;
	int r;

	arena_reset();
	if (record_parse(line, &record) < 0 || !record_kind(record, kind, sizeof(kind)))
		return -ENOENT;
	if (!strcmp(kind, "set"))
		r = sets_get(record, ret, &problem);
	else if (!strcmp(kind, "link"))
		r = sets_get_inputs(record, ret);
	else
		return -ENOENT;
	if (r == 0)
		r = ret->kind->check(loader, record, ret->members, &problem);
	*ret_record = record;
	/* Memory that ran out is the line's, too: the second reading says so. */
	return r < 0 ? -ENOENT : 0;
}

static int put_all(struct loader *loader, struct set_batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		struct bytes line = {batch->sets[i].line, batch->sets[i].len};
		struct set set;
		cJSON *record;
		int64_t id;
		int r = read_set(loader, line, &record, &set);

		if (r == 0)
			r = sets_put(loader, record, &set, &id);
		if (r < 0 && r != -ENOENT)
			return r;
	}
	return 0;
}

static int flush(struct loader *loader, struct set_batch *batch)
{
	int r;

	if (!batch->count)
		return 0;
	qsort(batch->sets, batch->count, sizeof(*batch->sets), compare);
	r = loader_begin(loader);
	if (r < 0)
		return r;
	r = loader_end(loader, put_all(loader, batch));
	set_batch_clear(batch);
	/* Sets that may be there are looked for again. */
	return r == -EINPROGRESS ? -EAGAIN : r;
}

/*
 * Asks the database, without a transaction. Where the last ones were all new, as environments of
 * jobs are, it isn't asked: putting it in tells, too.
 */
static bool is_there(struct loader *loader, struct set_batch *batch, const struct set *set)
{
	uint8_t *absent = &batch->absent[set->kind->set];
	const struct table *table = mapping_tables[set->kind->set];
	struct value key = value_bytes(set->hash, SET_HASH_SIZE);
	struct value row[MAPPING_COLUMNS_MAX];
	int64_t id;

	if (sets_is_known(loader, set, &id))
		return true;
	if (*absent == ABSENT_IN_A_ROW)
		return false;
	++*absent;
	if (loader->db->ops->find(loader->db, table, &key, &id) < 0 ||
	    loader->db->ops->get(loader->db, table, id, row) < 0 || row[1].type == VALUE_NULL)
		return false;
	*absent = 0;
	sets_set_known(loader, set, id);
	return true;
}

static int take_line(struct loader *loader, struct set_batch *batch, struct bytes line)
{
	struct pending *pending;
	struct set set;
	cJSON *record;
	int r;

	if (batch->count == PENDING_MAX ||
	    (batch->count && batch->size + line.len > PENDING_SIZE)) {
		r = flush(loader, batch);
		if (r < 0)
			return r;
	}
	r = read_set(loader, line, &record, &set);
	if (r < 0 || is_there(loader, batch, &set))
		return 0;
	pending = &batch->sets[batch->count];
	pending->line = malloc(line.len);
	if (!pending->line)
		return -ENOMEM;
	memcpy(pending->line, line.data, line.len);
	pending->len = line.len;
	pending->table = set.kind->set;
	memcpy(pending->hash, set.hash, sizeof(pending->hash));
	batch->count++;
	batch->size += line.len;
	return 0;
}

/* A cheap look: nothing is missed, what is not meant is sorted out by parsing. */
static bool can_hold_set(struct bytes text)
{
	static const char set[] = "runmark.set", link[] = "runmark.link";

	return text.data && (memmem(text.data, text.len, set, sizeof(set) - 1) ||
			     memmem(text.data, text.len, link, sizeof(link) - 1));
}

int sets_load(struct loader *loader, struct reader *reader)
{
	_cleanup_(cleanup_set_batch) struct set_batch *batch = calloc(1, sizeof(*batch));
	struct line line;
	int r;

	if (!batch)
		return -ENOMEM;
	while ((r = reader_next(reader, &line)) > 0) {
		if (*loader->stop)
			return -EINTR;
		if (!can_hold_set(line.text))
			continue;
		r = take_line(loader, batch, line.text);
		if (r < 0)
			return r;
	}
	if (r == -ENOMEM)
		return r;
	return flush(loader, batch);
}
