/* SPDX-License-Identifier: BSD-2-Clause */
/* What coverage is computed from, out of the database: one host at a time. */
#include "cli/coverage.h"
#include "common/array.h"
#include "common/record.h"
#include <errno.h>

enum statement {
	RECORD_RANGE,
	RECORDS,
	LOSSES,
	FILE_RANGE,
	FILES,
	HEADLESS,
	PROBLEMS,
	RUNS,
	GROUPS,
	STATEMENTS
};

#define FILE_COLUMNS                                                                               \
	"SELECT f.id, f.boot, f.instance, f.number, f.opened_us, f.closed_us, f.first_seq, "       \
	"f.last_seq, f.quarantined, f.whole, f.previous IS NOT NULL, "                             \
	"EXISTS (SELECT 1 FROM spool_file p WHERE p.name = f.previous) FROM spool_file f "

static const char *const statements[STATEMENTS] = {
	/* What is in the window, with the last before it and the first behind it. */
	[RECORD_RANGE] =
		"SELECT (SELECT max(time_us) FROM node_record WHERE host = ? AND time_us <= ?), "
		"(SELECT min(time_us) FROM node_record WHERE host = ? AND time_us >= ?)",
	[RECORDS] = "SELECT i.boot, n.instance, n.seq, n.time_us, n.since_us, n.booted_us, "
		    "n.capture_began_us, n.event, n.source, n.hooks FROM node_record n "
		    "JOIN instance i ON i.id = n.instance "
		    "WHERE n.host = ? AND n.time_us >= ? AND n.time_us <= ?",
	[LOSSES] = "SELECT name, value FROM node_count WHERE instance = ? AND seq = ? "
		   "AND kind IN ('lost', 'unrecorded')",
	[FILE_RANGE] =
		"SELECT (SELECT max(opened_us) FROM spool_file WHERE host = ? AND opened_us <= ?), "
		"(SELECT min(opened_us) FROM spool_file WHERE host = ? AND opened_us >= ?)",
	[FILES] = FILE_COLUMNS "WHERE f.host = ? AND f.opened_us >= ? AND f.opened_us <= ?",
	[HEADLESS] = FILE_COLUMNS "WHERE f.host = ? AND f.opened_us IS NULL",
	[PROBLEMS] = "SELECT fact, missing FROM spool_problem WHERE spool_file = ?",
	[RUNS] = "SELECT count(*) FROM run WHERE host = ? AND start_us >= ? AND start_us < ?",
	[GROUPS] = "SELECT sum(runs) FROM run_group WHERE host = ? AND start_us >= ? "
		   "AND start_us < ?",
};

struct coverage_loader {
	struct query *queries[STATEMENTS];
	struct coverage_record *records;
	size_t record_count, record_size;
	struct coverage_file *files;
	size_t file_count, file_size;
	char **names; /* of causes, each once */
	size_t name_count, name_size;
};

int coverage_loader_new(struct store *store, struct coverage_loader **ret)
{
	struct coverage_loader *loader = calloc(1, sizeof(*loader));
	int r = loader ? 0 : -ENOMEM;

	for (size_t i = 0; r >= 0 && i < STATEMENTS; i++)
		r = query_new(store, statements[i], &loader->queries[i]);
	if (r < 0) {
		coverage_loader_free(loader);
		return r;
	}
	*ret = loader;
	return 0;
}

static void forget_records(struct coverage_loader *loader)
{
	for (size_t i = 0; i < loader->record_count; i++)
		free(loader->records[i].losses);
	loader->record_count = loader->file_count = 0;
}

void coverage_loader_free(struct coverage_loader *loader)
{
	if (!loader)
		return;
	forget_records(loader);
	for (size_t i = 0; i < STATEMENTS; i++)
		query_free(loader->queries[i]);
	for (size_t i = 0; i < loader->name_count; i++)
		free(loader->names[i]);
	free(loader->names);
	free(loader->records);
	free(loader->files);
	free(loader);
}

static int64_t number(struct query *query, int column)
{
	return query_is_null(query, column) ? 0 : query_int(query, column);
}

/* Binds host and two times, from 1 on. */
static int bind(struct query *query, int64_t host, int64_t from, int64_t to)
{
	int r;

	query_reset(query);
	r = query_bind_int(query, 1, host);
	if (r >= 0)
		r = query_bind_int(query, 2, from);
	return r < 0 ? r : query_bind_int(query, 3, to);
}

/* The window, stretched to the rows just outside. */
static int find_range(struct query *query, int64_t host, const struct coverage_input *input,
		      int64_t *ret_from, int64_t *ret_to)
{
	int r = bind(query, host, input->since_us, host);

	if (r >= 0)
		r = query_bind_int(query, 4, input->until_us);
	if (r >= 0)
		r = query_step(query);
	if (r > 0) {
		*ret_from = query_is_null(query, 0) ? input->since_us : query_int(query, 0);
		*ret_to = query_is_null(query, 1) ? input->until_us : query_int(query, 1);
	}
	query_reset(query);
	return r < 0 ? r : 0;
}

/* ---- node records */

static int intern(struct coverage_loader *loader, struct bytes name, const char **ret)
{
	char **names;

	for (size_t i = 0; i < loader->name_count; i++)
		if (strlen(loader->names[i]) == name.len &&
		    !memcmp(loader->names[i], name.data, name.len)) {
			*ret = loader->names[i];
			return 0;
		}
	names = array_grow(loader->names, loader->name_count, &loader->name_size, sizeof(*names));
	if (!names)
		return -ENOMEM;
	loader->names = names;
	loader->names[loader->name_count] = strndup(name.data, name.len);
	if (!loader->names[loader->name_count])
		return -ENOMEM;
	*ret = loader->names[loader->name_count++];
	return 0;
}

static int load_losses(struct coverage_loader *loader, struct coverage_record *record)
{
	struct query *query = loader->queries[LOSSES];
	size_t size = 0;
	int r;

	query_reset(query);
	r = query_bind_int(query, 1, record->instance);
	if (r >= 0)
		r = query_bind_int(query, 2, record->seq);
	while (r >= 0 && (r = query_step(query)) > 0) {
		struct coverage_loss *losses, *loss;

		losses = array_grow(record->losses, record->loss_count, &size, sizeof(*losses));
		if (!losses)
			return -ENOMEM;
		record->losses = losses;
		loss = &losses[record->loss_count++];
		loss->count = query_int(query, 1);
		r = intern(loader, query_bytes(query, 0), &loss->cause);
	}
	query_reset(query);
	return r;
}

/* By source, and by the hooks as JSON. */
static bool is_blind(struct bytes source, struct bytes hooks)
{
	_cleanup_json_ cJSON *json = NULL;

	if (source.len != strlen("preload") || memcmp(source.data, "preload", source.len) != 0)
		return false;
	json = cJSON_ParseWithLength(hooks.data, hooks.len);
	return !cJSON_IsString(record_get(json, RECORD_HOOK_UNTOLD));
}

static int load_records(struct coverage_loader *loader, int64_t host,
			const struct coverage_input *input)
{
	struct query *query = loader->queries[RECORDS];
	int64_t from = 0, to = 0;
	int r = find_range(loader->queries[RECORD_RANGE], host, input, &from, &to);

	if (r >= 0)
		r = bind(query, host, from, to);
	while (r >= 0 && (r = query_step(query)) > 0) {
		struct bytes event = query_bytes(query, 7);
		struct coverage_record *records;

		records = array_grow(loader->records, loader->record_count, &loader->record_size,
				     sizeof(*records));
		if (!records)
			return -ENOMEM;
		loader->records = records;
		records[loader->record_count++] = (struct coverage_record){
			.boot = query_int(query, 0),
			.instance = query_int(query, 1),
			.seq = query_int(query, 2),
			.time_us = query_int(query, 3),
			.since_us = number(query, 4),
			.booted_us = number(query, 5),
			.capture_began_us = number(query, 6),
			.is_stop = event.len == 4 && !memcmp(event.data, "stop", 4),
			.is_blind = is_blind(query_bytes(query, 8), query_bytes(query, 9)),
		};
	}
	query_reset(query);
	for (size_t i = 0; r >= 0 && i < loader->record_count; i++)
		r = load_losses(loader, &loader->records[i]);
	return r;
}

/* ---- spool files */

/* Several facts tell of the same records; the one that knows of most is right. */
static int load_problems(struct query *query, int64_t id, struct coverage_file *file)
{
	static const char *const facts[] = {"seq", "lines", "counts"};
	int64_t missing[ARRAY_SIZE(facts)] = {0};
	int r;

	query_reset(query);
	r = query_bind_int(query, 1, id);
	while (r >= 0 && (r = query_step(query)) > 0) {
		struct bytes fact = query_bytes(query, 0);

		for (size_t i = 0; i < ARRAY_SIZE(facts); i++)
			if (fact.len == strlen(facts[i]) && !memcmp(fact.data, facts[i], fact.len))
				missing[i] += number(query, 1);
		if (fact.len == strlen("trailer") && !memcmp(fact.data, "trailer", fact.len))
			file->is_cut = !file->closed_us;
	}
	query_reset(query);
	for (size_t i = 0; i < ARRAY_SIZE(facts); i++)
		file->missing = MAX(file->missing, missing[i]);
	return r;
}

/* The rows of a bound query of FILE_COLUMNS. */
static int load_files(struct coverage_loader *loader, struct query *query)
{
	int r = 0;

	while (r >= 0 && (r = query_step(query)) > 0) {
		struct coverage_file *files, *file;

		files = array_grow(loader->files, loader->file_count, &loader->file_size,
				   sizeof(*files));
		if (!files)
			return -ENOMEM;
		loader->files = files;
		file = &files[loader->file_count++];
		*file = (struct coverage_file){
			.boot = number(query, 1),
			.instance = number(query, 2),
			.number = number(query, 3),
			.opened_us = number(query, 4),
			.closed_us = number(query, 5),
			.first_seq = number(query, 6),
			.last_seq = number(query, 7),
			.quarantined = query_int(query, 8),
			.previous = !query_int(query, 10)  ? PREVIOUS_NONE
				    : query_int(query, 11) ? PREVIOUS_LOADED
							   : PREVIOUS_MISSING,
		};
		if (!query_int(query, 9))
			r = load_problems(loader->queries[PROBLEMS], query_int(query, 0), file);
	}
	query_reset(query);
	return r;
}

int coverage_load(struct coverage_loader *loader, int64_t host, struct coverage_input *input)
{
	int64_t from = 0, to = 0;
	int r;

	forget_records(loader);
	r = load_records(loader, host, input);
	if (r >= 0)
		r = find_range(loader->queries[FILE_RANGE], host, input, &from, &to);
	if (r >= 0)
		r = bind(loader->queries[FILES], host, from, to);
	if (r >= 0)
		r = load_files(loader, loader->queries[FILES]);
	if (r >= 0) {
		query_reset(loader->queries[HEADLESS]);
		r = query_bind_int(loader->queries[HEADLESS], 1, host);
	}
	if (r >= 0)
		r = load_files(loader, loader->queries[HEADLESS]);
	if (r < 0)
		return r;
	input->records = loader->records;
	input->record_count = loader->record_count;
	input->files = loader->files;
	input->file_count = loader->file_count;
	return 0;
}

int coverage_count_runs(struct coverage_loader *loader, int64_t host,
			const struct coverage_input *input, int64_t *ret)
{
	int64_t count = 0;
	int r = 0;

	for (enum statement i = RUNS; r >= 0 && i <= GROUPS; i++) {
		struct query *query = loader->queries[i];

		r = bind(query, host, input->since_us, input->until_us);
		if (r >= 0)
			r = query_step(query);
		if (r > 0)
			count += number(query, 0);
		query_reset(query);
	}
	if (r < 0)
		return r;
	*ret = count;
	return 0;
}
