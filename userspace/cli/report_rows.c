/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/report_rows.h"
#include "common/array.h"
#include "common/record.h"
#include <errno.h>

enum { TABLE_RUN, TABLE_GROUP, TABLES };

enum row_column {
	START,
	PROGRAM,
	USER,
	UID,
	JOB,
	HOST,
	SET,
	ELAPSED,
	USER_US,
	SYSTEM_US,
	CORES,
	CODE, /* of a group: runs */
	RUNS = CODE,
	SIGNAL, /* of a group: its end */
	END = SIGNAL,
	OOM, /* of a group: its exits */
	EXITS = OOM,
};

static const char *const statements[TABLES] = {
	[TABLE_RUN] = "SELECT start_us, program, user, uid, job, host, object_set, elapsed_us, "
		      "user_us, system_us, cores, exit_code, exit_signal, exit_oom FROM run "
		      "WHERE start_us >= ? AND start_us < ? ORDER BY start_us LIMIT ?",
	[TABLE_GROUP] = "SELECT start_us, program, user, uid, job, host, object_set, elapsed_us, "
			"user_us, system_us, NULL, runs, end_us, exits FROM run_group "
			"WHERE start_us >= ? AND start_us < ? ORDER BY start_us LIMIT ?",
};

/* What was read of one table. */
struct stretch {
	struct report_row *items;
	size_t count, size;
	int64_t read, last_us;
};

int report_rows_init(struct report_rows *rows, struct store *store, int64_t since_us,
		     int64_t until_us, const struct run_conditions *conditions)
{
	int r = 0;

	*rows = (struct report_rows){.store = store,
				     .conditions = conditions,
				     .from_us = since_us,
				     .until_us = until_us,
				     .limit = REPORT_CHUNK_ROWS};
	for (int table = 0; r >= 0 && table < TABLES; table++)
		r = query_new(store, statements[table], &rows->queries[table]);
	if (r < 0)
		report_rows_done(rows);
	return r;
}

void report_rows_done(struct report_rows *rows)
{
	for (int table = 0; table < TABLES; table++)
		query_free(rows->queries[table]);
	free(rows->items);
	free(rows->ends);
	*rows = (struct report_rows){0};
}

/* Null reads as 0: only then it is asked for. */
static int64_t number(struct query *query, int column, int64_t absent)
{
	int64_t value = query_int(query, column);

	return value || !absent || !query_is_null(query, column) ? value : absent;
}

static bool fits(const struct report_rows *rows, const struct report_row *row)
{
	for (size_t i = 0; i < rows->conditions->count; i++) {
		const struct ids *ids = rows->conditions->items[i].ids;

		if (!ids_has(&ids[RUN_PROGRAM], row->program) &&
		    !ids_has(&ids[RUN_OBJECT_SET], row->set) &&
		    !ids_has(&ids[RUN_USER], row->user) && !ids_has(&ids[RUN_HOST], row->host) &&
		    !ids_has(&ids[RUN_UID], row->uid))
			return false;
	}
	return true;
}

/* ---- ends */

static int add_end(struct report_rows *rows, struct report_row *row, uint32_t end, uint64_t count)
{
	struct report_end *ends =
		array_grow(rows->ends, rows->end_count, &rows->end_size, sizeof(*ends));

	if (!ends)
		return -ENOMEM;
	rows->ends = ends;
	if (!row->end_count)
		row->first_end = (uint32_t)rows->end_count;
	ends[rows->end_count++] = (struct report_end){end, count};
	row->end_count++;
	row->failed += count;
	return 0;
}

static int take_run(struct report_rows *rows, struct query *query, struct report_row *row)
{
	int64_t code = number(query, CODE, 0);

	row->count = 1;
	row->cores = MIN(MAX(number(query, CORES, 1), 0), REPORT_CORES_MAX);
	row->busy_us = MAX(row->elapsed_us, 0);
	if (!query_is_null(query, SIGNAL))
		return add_end(
			rows, row,
			report_end_make(true, query_int(query, SIGNAL), number(query, OOM, 0) != 0),
			1);
	return code ? add_end(rows, row, report_end_make(false, code, false), 1) : 0;
}

/* One of a group's exits: {"exit": ..., "count": N}. */
static int take_exit(struct report_rows *rows, struct report_row *row, const cJSON *item)
{
	const cJSON *exit = record_get(item, "exit");
	double value, count = 0;
	bool is_oom = false;

	record_get_number(item, "count", &count);
	if (!(count >= 1 && count <= 1e15))
		return 0;
	if (!record_get_number(exit, "signal", &value)) {
		record_get_bool(exit, "oom", &is_oom);
		return add_end(rows, row, report_end_make(true, (int64_t)value, is_oom),
			       (uint64_t)count);
	}
	if (record_get_number(exit, "code", &value) < 0 || value == 0)
		return 0;
	return add_end(rows, row, report_end_make(false, (int64_t)value, false), (uint64_t)count);
}

static int take_group(struct report_rows *rows, struct query *query, struct report_row *row)
{
	struct bytes text = query_bytes(query, EXITS);
	_cleanup_json_ cJSON *exits = cJSON_ParseWithLength(text.data, text.len);
	int64_t end_us = number(query, END, row->start_us);
	const cJSON *item;
	int r = 0;

	row->count = (uint64_t)MAX(query_int(query, RUNS), 0);
	row->cores = 1;
	/* One after the other or at once: not longer than all together, nor than from first to
	 * last. */
	row->busy_us = MIN(MAX(row->elapsed_us, 0), MAX(end_us - row->start_us, 0));
	rows->unreadable += !exits;
	cJSON_ArrayForEach (item, exits)
		if (r >= 0)
			r = take_exit(rows, row, item);
	return r;
}

/* ---- reading */

static int take_row(struct report_rows *rows, int table, struct stretch *stretch)
{
	struct query *query = rows->queries[table];
	struct report_row *items, *row;
	int64_t user_us, system_us;
	int r;

	items = array_grow(stretch->items, stretch->count, &stretch->size, sizeof(*items));
	if (!items)
		return -ENOMEM;
	stretch->items = items;
	row = &items[stretch->count];
	*row = (struct report_row){
		.start_us = query_int(query, START),
		.program = number(query, PROGRAM, 0),
		.user = number(query, USER, 0),
		.uid = number(query, UID, -1),
		.job = number(query, JOB, 0),
		.host = query_int(query, HOST),
		.set = number(query, SET, 0),
		.elapsed_us = MAX(number(query, ELAPSED, -1), -1),
		.cpu_us = -1,
	};
	stretch->read++;
	stretch->last_us = row->start_us;
	if (!fits(rows, row))
		return 0;
	user_us = number(query, USER_US, -1);
	system_us = number(query, SYSTEM_US, -1);
	if ((user_us >= 0 || system_us >= 0) &&
	    __builtin_add_overflow(MAX(user_us, 0), MAX(system_us, 0), &row->cpu_us))
		row->cpu_us = INT64_MAX;
	r = table == TABLE_RUN ? take_run(rows, query, row) : take_group(rows, query, row);
	stretch->count++;
	return r;
}

/* Up to limit rows. *to_us is brought down to where another stretch has to begin. */
static int read_table(struct report_rows *rows, int table, struct stretch *stretch, int64_t *to_us)
{
	struct query *query = rows->queries[table];
	int r;

	stretch->count = 0;
	stretch->read = 0;
	query_reset(query);
	r = query_bind_int(query, 1, rows->from_us);
	if (r >= 0)
		r = query_bind_int(query, 2, *to_us);
	if (r >= 0)
		r = query_bind_int(query, 3, rows->limit);
	query_stream(query);
	while (r >= 0 && (r = query_step(query)) > 0)
		r = take_row(rows, table, stretch);
	query_reset(query);
	/* Others may have begun in the same microsecond as the last. */
	if (r >= 0 && stretch->read >= rows->limit)
		*to_us = stretch->last_us;
	return r;
}

/* Both by start, as far as to_us, into rows->items. */
static int merge(struct report_rows *rows, const struct stretch *stretches, int64_t to_us)
{
	size_t next[TABLES] = {0}, total = 0;

	for (int table = 0; table < TABLES; table++)
		total += stretches[table].count;
	if (total > rows->size) {
		struct report_row *items = reallocarray(rows->items, total, sizeof(*items));

		if (!items)
			return -ENOMEM;
		rows->items = items;
		rows->size = total;
	}
	for (rows->count = 0;;) {
		const struct report_row *first = NULL;
		int from = 0;

		for (int table = 0; table < TABLES; table++) {
			const struct report_row *row = &stretches[table].items[next[table]];

			if (next[table] == stretches[table].count || row->start_us >= to_us)
				continue;
			if (!first || row->start_us < first->start_us) {
				first = row;
				from = table;
			}
		}
		if (!first)
			return 0;
		rows->items[rows->count++] = *first;
		next[from]++;
	}
}

int report_rows_next(struct report_rows *rows)
{
	struct stretch stretches[TABLES] = {0};
	int64_t to_us = rows->until_us;
	int r = 0;

	if (rows->from_us >= rows->until_us)
		return 0;
	rows->end_count = 0;
	for (int table = 0; r >= 0 && table < TABLES; table++)
		r = read_table(rows, table, &stretches[table], &to_us);
	if (r >= 0 && to_us > rows->from_us) {
		r = merge(rows, stretches, to_us);
		rows->from_us = to_us;
		rows->limit = REPORT_CHUNK_ROWS;
	} else if (r >= 0) {
		rows->count = 0;
		rows->limit *= 2; /* so many began in the same microsecond */
	}
	for (int table = 0; table < TABLES; table++)
		free(stretches[table].items);
	return r < 0 ? r : 1;
}
