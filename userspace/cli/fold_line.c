/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/fold_line.h"
#include "cli/columns.h"
#include "cli/fold.h"
#include "common/array.h"
#include "common/record.h"
#include <ctype.h>
#include <errno.h>

/* Added up; of max_rss the greatest is kept. */
static const char *const used[] = {"user_s",	  "system_s",	  "max_rss",	  "read_bytes",
				   "write_bytes", "minor_faults", "major_faults", "forks"};
#define MAX_RSS 2

struct fold_line {
	cJSON *first, *made; /* the first rank's record; what is told of all */
	long size;	     /* -1: not told */
	uint8_t *ranks;	     /* by bit */
	size_t rank_bytes;
	uint64_t count;
	double *elapsed;
	size_t elapsed_count, elapsed_size;
	double sums[ARRAY_SIZE(used)];
	bool has_sum[ARRAY_SIZE(used)];
	cJSON *exits; /* [{"word", "count"}] */
	cJSON *hosts; /* those seen, by name */
	size_t host_count;
	uint64_t end_ns;
};

long fold_rank_of(const cJSON *record)
{
	double rank, size;
	char kind[16];

	if (!record_kind(record, kind, sizeof(kind)) ||
	    (strcmp(kind, "run") != 0 && strcmp(kind, "start") != 0) ||
	    record_get_number(record, "mpi.rank", &rank) < 0 || rank >= FOLD_RANK_MAX)
		return -1;
	if (!record_get_number(record, "mpi.size", &size) && size < 2)
		return -1;
	return (long)rank;
}

static long size_of(const cJSON *record)
{
	double size;

	return record_get_number(record, "mpi.size", &size) < 0 ? -1 : (long)size;
}

static const char *text_of(const cJSON *record, const char *path)
{
	const char *text = cJSON_GetStringValue(record_get(record, path));

	return text ? text : "";
}

static bool has_rank(const struct fold_line *line, long rank)
{
	size_t at = (size_t)rank / 8;

	return at < line->rank_bytes && line->ranks[at] & 1u << rank % 8;
}

static int add_rank(struct fold_line *line, long rank)
{
	size_t at = (size_t)rank / 8;

	if (at >= line->rank_bytes) {
		size_t bytes = MAX(at + 1, 2 * line->rank_bytes);
		uint8_t *ranks = realloc(line->ranks, bytes);

		if (!ranks)
			return -ENOMEM;
		memset(ranks + line->rank_bytes, 0, bytes - line->rank_bytes);
		line->ranks = ranks;
		line->rank_bytes = bytes;
	}
	line->ranks[at] |= (uint8_t)(1u << rank % 8);
	return 0;
}

int fold_line_fits(const struct fold_line *line, const cJSON *record, long rank)
{
	static const char *const equal[] = {"cluster", "job.manager", "job.id",
					    "user",    "exe.path",    "mpi.from"};
	const char *step = text_of(record, "job.step"), *own = text_of(line->first, "job.step");
	double uid = -1, own_uid = -1;

	if (has_rank(line, rank) || size_of(record) != line->size)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(equal); i++)
		if (strcmp(text_of(record, equal[i]), text_of(line->first, equal[i])) != 0)
			return 0;
	record_get_number(record, "uid", &uid);
	record_get_number(line->first, "uid", &own_uid);
	if (uid != own_uid)
		return 0;
	if (!strcmp(step, own))
		return 2;
	return isdigit((unsigned char)*step) && isdigit((unsigned char)*own) ? 0 : 1;
}

static int add_exit(struct fold_line *line, const cJSON *record)
{
	_cleanup_free_ char *word = run_make_exit(record);
	cJSON *item;

	if (!word)
		return -ENOMEM;
	cJSON_ArrayForEach (item, line->exits)
		if (!strcmp(text_of(item, "word"), word)) {
			cJSON *count = cJSON_GetObjectItemCaseSensitive(item, "count");

			cJSON_SetNumberHelper(count, count->valuedouble + 1);
			return 0;
		}
	item = cJSON_CreateObject();
	if (!item || !cJSON_AddItemToArray(line->exits, item)) {
		cJSON_Delete(item);
		return -ENOMEM;
	}
	return cJSON_AddStringToObject(item, "word", word) &&
			       cJSON_AddNumberToObject(item, "count", 1)
		       ? 0
		       : -ENOMEM;
}

/* Ranks of a node come together mostly: the newest is looked at first. */
static int add_host(struct fold_line *line, const cJSON *record)
{
	const char *host = text_of(record, "host");
	const cJSON *last = line->hosts->child ? line->hosts->child->prev : NULL;

	if ((last && !strcmp(last->string, host)) ||
	    cJSON_GetObjectItemCaseSensitive(line->hosts, host))
		return 0;
	line->host_count++;
	return cJSON_AddTrueToObject(line->hosts, host) ? 0 : -ENOMEM;
}

static int add_elapsed(struct fold_line *line, const cJSON *record)
{
	double value, *elapsed;

	if (record_get_number(record, "elapsed_s", &value) < 0)
		return 0;
	elapsed = array_grow(line->elapsed, line->elapsed_count, &line->elapsed_size,
			     sizeof(*elapsed));
	if (!elapsed)
		return -ENOMEM;
	line->elapsed = elapsed;
	elapsed[line->elapsed_count++] = value;
	return 0;
}

int fold_line_add(struct fold_line *line, const cJSON *record, long rank)
{
	const cJSON *usage = record_get(record, "usage");
	uint64_t end_ns = 0;
	double value;
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(used); i++) {
		if (record_get_number(usage, used[i], &value) < 0)
			continue;
		line->sums[i] = i == MAX_RSS ? MAX(line->sums[i], value) : line->sums[i] + value;
		line->has_sum[i] = true;
	}
	if (!record_get_time(record, "end", &end_ns))
		line->end_ns = MAX(line->end_ns, end_ns);
	line->count++;
	r = add_rank(line, rank);
	if (r >= 0)
		r = add_exit(line, record);
	if (r >= 0)
		r = add_host(line, record);
	return r < 0 ? r : add_elapsed(line, record);
}

int fold_line_new(cJSON *record, long rank, struct fold_line **ret)
{
	struct fold_line *line = calloc(1, sizeof(*line));
	int r = -ENOMEM;

	if (!line) {
		cJSON_Delete(record);
		return -ENOMEM;
	}
	*line = (struct fold_line){.first = record,
				   .size = size_of(record),
				   .exits = cJSON_CreateArray(),
				   .hosts = cJSON_CreateObject()};
	if (line->exits && line->hosts)
		r = fold_line_add(line, record, rank);
	if (r < 0) {
		fold_line_free(line);
		return r;
	}
	*ret = line;
	return 0;
}

void fold_line_free(struct fold_line *line)
{
	if (!line)
		return;
	cJSON_Delete(line->first);
	cJSON_Delete(line->made);
	cJSON_Delete(line->exits);
	cJSON_Delete(line->hosts);
	free(line->ranks);
	free(line->elapsed);
	free(line);
}

bool fold_line_is_whole(const struct fold_line *line)
{
	return line->size > 0 && line->count >= (uint64_t)line->size;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static bool add_times(struct fold_line *line, cJSON *made)
{
	size_t count = line->elapsed_count, half = count / 2;
	double sum = 0, *all = line->elapsed;
	cJSON *elapsed;

	if (line->end_ns ? !record_add_time(made, "end", line->end_ns)
			 : !record_add_null(made, "end"))
		return false;
	if (!count)
		return record_add_null(made, "elapsed_s");
	qsort(all, count, sizeof(*all), compare);
	for (size_t i = 0; i < count; i++)
		sum += all[i];
	elapsed = cJSON_AddObjectToObject(made, "elapsed_s");
	return elapsed && record_add_number(elapsed, "sum", sum) &&
	       record_add_number(elapsed, "min", all[0]) &&
	       record_add_number(elapsed, "median",
				 count % 2 ? all[half] : (all[half - 1] + all[half]) / 2) &&
	       record_add_number(elapsed, "max", all[count - 1]);
}

static bool add_usage(const struct fold_line *line, cJSON *made)
{
	cJSON *usage = cJSON_AddObjectToObject(made, "usage");

	for (size_t i = 0; usage && i < ARRAY_SIZE(used); i++) {
		cJSON *item = line->has_sum[i] ? cJSON_AddObjectToObject(usage, used[i]) : NULL;

		if (line->has_sum[i] &&
		    (!item ||
		     !record_add_number(item, i == MAX_RSS ? "max" : "sum", line->sums[i])))
			return false;
	}
	return usage;
}

static bool add_host_text(const struct fold_line *line, cJSON *made)
{
	char text[32];

	if (line->host_count == 1)
		return cJSON_AddStringToObject(made, "host", line->hosts->child->string);
	snprintf(text, sizeof(text), "%zu nodes", line->host_count);
	return cJSON_AddStringToObject(made, "host", text);
}

/* The first rank's record, with what is told of all in the places of its own. */
static cJSON *make(struct fold_line *line)
{
	static const char *const own[] = {"schema", "pid",	  "ppid",      "parent_run_id",
					  "host",   "end",	  "elapsed_s", "exit",
					  "usage",  "seen_until", "incomplete"};
	_cleanup_json_ cJSON *made = cJSON_Duplicate(line->first, true);
	cJSON *job = made ? cJSON_GetObjectItemCaseSensitive(made, "job") : NULL;

	for (size_t i = 0; made && i < ARRAY_SIZE(own); i++)
		cJSON_DeleteItemFromObjectCaseSensitive(made, own[i]);
	if (cJSON_IsObject(job))
		cJSON_DeleteItemFromObjectCaseSensitive(job, "task");
	if (!made || !cJSON_AddStringToObject(made, "schema", RECORD_SCHEMA("ranks")) ||
	    !record_add_number(made, "count", (double)line->count) ||
	    !record_add_number(made, "nodes", (double)line->host_count) ||
	    !add_host_text(line, made) || !add_times(line, made) || !add_usage(line, made) ||
	    !cJSON_AddItemToObject(made, "exits", line->exits))
		return NULL;
	line->exits = NULL;
	return TAKE_PTR(made);
}

const cJSON *fold_line_record(struct fold_line *line)
{
	if (line->count == 1)
		return line->first;
	if (!line->made)
		line->made = make(line);
	return line->made;
}
